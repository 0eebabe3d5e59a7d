#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<NetconfSwitch>();
}

fn verb() -> impl Strategy<Value = Verb> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let action = Verb::Action("commit".to_owned());
    prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["interface", "", "none"])
}

/// XML that has something of what NETCONF says.
fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(String::new()),
        "[a-z0-9 :./\\[\\]-]{0,9}",
        Just("192.0.2.1".to_owned()),
        Just("&lt;".to_owned())
    ];
    let name = "data|ok|rpc-error|error-tag|error-path|error-severity|interfaces|interface|name|description|type|enabled|ipv4|ipv6|address|ip|prefix-length|netmask";
    leaf.prop_recursive(6, 32, 4, move |inner| {
        (name, prop::collection::vec(inner, 0..4))
            .prop_map(|(name, inner)| format!("<{name}>{}</{name}>", inner.concat()))
    })
}

fn spec() -> impl Strategy<Value = String> {
    let text = "[^\"\\\\\\x00-\\x1f]{0,12}";
    prop_oneof![
        Just("null".to_owned()),
        ".{0,12}",
        (text, text).prop_map(|(name, text)| format!(r#"{{"name":"{name}","description":"{text}","type":"{name}"}}"#)),
        text.prop_map(|text| format!(r#"{{"description":"{text}","addresses":null}}"#)),
    ]
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic(
        verb in verb(),
        kind in kind(),
        body in prop_oneof![
            body().prop_map(|inner| format!("<rpc-reply>{inner}</rpc-reply>")),
            body(),
            any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        ],
        spec in spec(),
    ) {
        let call = Call {
            marker: "xp-1".to_owned(),
            backend_id: Some("eth7".to_owned()),
            spec: Json::trusted(spec),
            configuration: Json::trusted("{}".to_owned()),
            ..Call::new(verb, kind)
        };
        let _ = NetconfSwitch::decode(&call, &[], &Reply::Message(body.into_bytes().into()));
    }

    #[test]
    fn no_call_makes_it_panic_or_send_anything_but_one_rpc(
        verb in verb(), kind in kind(), id in any::<String>(), marker in "xp-[a-z2-7]{1,26}", spec in spec(),
        correlation in any::<u64>(),
    ) {
        let call = Call {
            correlation,
            backend_id: Some(id.clone()),
            marker,
            spec: Json::trusted(spec),
            configuration: Json::trusted("{}".to_owned()),
            ..Call::new(verb, kind)
        };
        let Ok(exchange) = NetconfSwitch::encode(&call) else { return Ok(()) };
        let Request::Message(message) = exchange.request else { panic!("no message") };
        // Whatever was in the spec, it is one well-formed element with no markup of its own.
        let rpc = crosspoint_sdk::xml::parse(message.as_ref()).unwrap();
        prop_assert_eq!(rpc.name(), "rpc");
        let id_sent = correlation.to_string();
        prop_assert_eq!(rpc.attribute("message-id"), Some(id_sent.as_str()));
        prop_assert_eq!(rpc.children().len(), 1);
        if matches!(call.verb, Verb::Read | Verb::Delete) {
            let way = if call.verb == Verb::Read { "get-config/filter" } else { "edit-config/config" };
            let named = rpc.at(&format!("{way}/interfaces/interface/name")).map_or("", |name| name.text());
            prop_assert_eq!(named, id.trim());
        }
    }
}
