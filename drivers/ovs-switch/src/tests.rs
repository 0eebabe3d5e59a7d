#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::column::{Column, Shape};

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<OvsSwitch>();
}

fn properties(schema: &Json) -> Vec<String> {
    schema.value()["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn each_member_of_a_spec_is_a_column_or_known_by_name_and_each_is_shown() {
    let described = OvsSwitch::describe();
    for kind in kinds::ALL {
        let shown = described.kind(kind.name).unwrap();
        let (spec, result) = (properties(&shown.spec_schema), properties(&shown.result_schema));
        for member in &spec {
            let column = kind.config.iter().any(|column| column.name == member);
            assert!(column || ["name", "bridge", "interface"].contains(&member.as_str()), "{}: {member}", kind.name);
            assert!(result.contains(member), "{}: {member} is not shown", kind.name);
        }
        for column in kind.config {
            assert!(spec.iter().any(|member| member == column.name), "{}: {} is in no spec", kind.name, column.name);
        }
    }
}

#[test]
fn a_patch_has_the_members_of_the_spec_that_may_change_and_requires_none() {
    let described = OvsSwitch::describe();
    for kind in kinds::ALL {
        let described = described.kind(kind.name).unwrap();
        let mut spec = properties(&described.spec_schema);
        spec.retain(|member| member != "bridge" && !(kind.named && member == "name"));
        let patch = described.patch_schema.as_ref().unwrap();
        assert_eq!(properties(patch), spec, "{}", kind.name);
        assert_eq!(patch.value().get("required"), None, "{}", kind.name);
    }
}

/// A value as a spec may have it in a column of this shape.
fn value(column: Column) -> BoxedStrategy<Value> {
    let atom = if column.refers.is_some() {
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Value::from).boxed()
    } else {
        prop_oneof![any::<u16>().prop_map(Value::from), "\\PC{0,8}".prop_map(Value::from)].boxed()
    };
    match column.shape {
        Shape::Text => "\\PC{0,12}".prop_map(Value::from).boxed(),
        Shape::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Optional => prop_oneof![Just(Value::Null), atom].boxed(),
        Shape::Set => prop::collection::btree_set(atom.prop_map(|atom| atom.to_string()), 0..4)
            .prop_map(|set| set.iter().map(|atom| serde_json::from_str(atom).unwrap()).collect::<Vec<Value>>().into())
            .boxed(),
        Shape::Map => prop::collection::btree_map("\\PC{0,8}", "\\PC{0,8}", 0..4).prop_map(|map| json!(map)).boxed(),
        Shape::Numbered => prop::collection::btree_map(any::<u32>().prop_map(|number| number.to_string()), atom, 0..4)
            .prop_map(|map| json!(map))
            .boxed(),
    }
}

fn any_column() -> impl Strategy<Value = Column> {
    let columns: Vec<Column> = kinds::ALL.iter().flat_map(|kind| kind.config).copied().collect();
    prop::sample::select(columns)
}

fn verb() -> impl Strategy<Value = Verb> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let action = Verb::Action(switch::APPLIED.to_owned());
    prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["bridge", "port", "queue", "qos", "mirror", "", "vlan"])
}

/// JSON that has something of what the database says, and of what a spec says.
fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?[0-9]{1,20}",
        "\"(set|map|uuid|timed out|constraint violation|br0|[a-z -]{0,9})\"",
        Just("\"00000000-0000-4000-8000-000000000001\"".to_owned()),
    ];
    let name = "id|result|error|details|rows|uuid|count|_uuid|name|bridge|tag|trunks|qos|queues|interface|options|\
                external_ids|crosspoint|ports|next_cfg|cur_cfg|object|type";
    leaf.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_shown_as_it_was((column, value) in any_column().prop_flat_map(|c| (Just(c), value(c)))) {
        let written = column.write(&value);
        prop_assert_eq!(column.show(&written), Some(value.clone()));
        // A set of one is the database's other way of writing an element.
        if let Some([one]) = column::tagged(&written, "set").and_then(Value::as_array).map(Vec::as_slice) {
            prop_assert_eq!(column.show(one), Some(value));
        }
    }

    #[test]
    fn no_reply_makes_it_panic(
        verb in verb(),
        kind in kind(),
        results in prop::collection::vec(body(), 0..14),
        whole in prop_oneof![3 => Just(None), 1 => body().prop_map(Some)],
        correlation in any::<u64>(),
    ) {
        let spec = json!({"name": "p1", "bridge": "br0", "type": "linux-htb"});
        let call = Call {
            correlation,
            marker: "xp-1".to_owned(),
            backend_id: Some("00000000-0000-4000-8000-000000000001".to_owned()),
            spec: Json::from(spec),
            ..Call::new(verb, kind)
        };
        let context = OvsSwitch::encode(&call).map(|exchange| exchange.context.0).unwrap_or_default();
        let usual = format!("{{\"id\":{correlation},\"result\":[{}],\"error\":null}}", results.join(","));
        let reply = Reply::Message(Bytes::from(whole.unwrap_or(usual)));
        let _ = OvsSwitch::decode(&call, &context, &reply);
    }

    #[test]
    fn no_call_makes_it_panic(
        verb in verb(),
        kind in kind(),
        text in any::<String>(),
        spec in body(),
        revision in prop_oneof![any::<String>(), body().prop_map(|body| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(body)
        })],
    ) {
        let call = Call {
            backend_id: Some(text.clone()),
            marker: text.clone(),
            page_token: Some(text),
            precondition: Some(revision),
            spec: Json::trusted(spec.clone()),
            attributes: Json::trusted(spec),
            ..Call::new(verb, kind)
        };
        let _ = OvsSwitch::encode(&call);
    }

    #[test]
    fn a_revision_is_what_is_demanded(
        tag in prop::option::of(0..4096_u16),
        trunks in prop::collection::btree_set(0..4096_u16, 0..6),
        note in "[a-z]{0,9}",
    ) {
        let kind = kinds::named("port").unwrap();
        let spec = json!({"tag": tag, "trunks": trunks, "external_ids": {"note": note}});
        let of = |columns: &[Column], spec: &Value| -> answers::Row {
            columns.iter().map(|column| (column.name.to_owned(), column.write(&spec[column.name]))).collect()
        };
        let mut row = of(kind.config, &spec);
        row.insert("name".to_owned(), json!("p1"));
        let mut interface = of(kinds::interface::CONFIG, &json!({"type": "internal"}));
        interface.insert("name".to_owned(), json!("p1"));
        let revision = revision::of(kind, &row, Some(&interface)).unwrap();
        let mut plan = plan::Plan::default();
        revision::demand(&mut plan, kind, "00000000-0000-4000-8000-000000000001", &revision).unwrap();
        let sent = plan.into_exchange(&Call::new(Verb::Delete, "port")).unwrap();
        let Request::Message(sent) = sent.request else { panic!("it is a message") };
        let sent: Value = serde_json::from_slice(sent.as_ref()).unwrap();
        for (column, value) in sent["params"][1]["rows"][0].as_object().unwrap() {
            prop_assert_eq!(&row[column], value);
        }
        prop_assert_eq!(&sent["params"][2]["rows"][0], &json!({"type": "internal"}));
    }
}

#[test]
fn what_is_too_long_for_a_revision_is_known_by_its_version() {
    let kind = kinds::named("port").unwrap();
    let id = "00000000-0000-4000-8000-000000000001";
    let trunks: Vec<u16> = (1..1000).collect();
    let of = |columns: &[Column], spec: &Value| -> answers::Row {
        let mut row: answers::Row =
            columns.iter().map(|column| (column.name.to_owned(), column.write(&spec[column.name]))).collect();
        row.insert("name".to_owned(), json!("p1"));
        row.insert("_version".to_owned(), column::uuid(id));
        row
    };
    let row = of(kind.config, &json!({"trunks": trunks}));
    let interface = of(kinds::interface::CONFIG, &json!({"type": "internal"}));
    let revision = revision::of(kind, &row, Some(&interface)).unwrap();
    assert!(revision.len() <= 1024);
    let call =
        Call { precondition: Some(revision), backend_id: Some(id.to_owned()), ..Call::new(Verb::Delete, "port") };
    let Request::Message(sent) = OvsSwitch::encode(&call).unwrap().request else { panic!("it is a message") };
    let sent: Value = serde_json::from_slice(sent.as_ref()).unwrap();
    assert_eq!(sent["params"][2]["where"][1], json!(["_version", "==", ["uuid", id]]));
    assert_eq!(sent["params"][3]["rows"][0], json!({"type": "internal"}), "the interface is short enough");
}
