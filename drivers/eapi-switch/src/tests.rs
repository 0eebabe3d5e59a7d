#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<Eapi>();
}

fn verb() -> impl Strategy<Value = Verb> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let action = Verb::Action(SAVE.to_owned());
    prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["vlan", "interface", "", "none"])
}

/// What somebody would write who wants more than one command, or another one.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9]{0,8}[\n\r;|!?>\u{b}\u{85}\u{2028} ]{1,2}(no vlan 1|reload|write erase|exit|end|bash)",
        "(Ethernet)?[0-9]{1,3}(/[0-9]{1,3})?[ \n\t]?(shutdown)?",
        "[A-Za-z0-9 _.-]{0,40}",
    ]
}

/// JSON that has something of what a switch says.
fn body() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![Just("null".to_owned()), "-?[0-9]{1,5}", "\"[a-zA-Z \\[\\]-]{0,9}\"", Just("true".to_owned())];
    let name = "vlans|10|name|status|interfaces|interfaceStatuses|Ethernet1|description|linkStatus|switchports|enabled\
                |switchportInfo|mode|accessVlanId|errors|version";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// The first words of every line that the driver may send.
const LINES: [&str; 23] = [
    "enable",
    "configure session crosspoint",
    "abort",
    "commit",
    "vlan ",
    "no vlan ",
    "name ",
    "no name",
    "state active",
    "state suspend",
    "interface Ethernet",
    "default interface Ethernet",
    "description ",
    "switchport mode access",
    "switchport mode trunk",
    "switchport access vlan ",
    "switchport trunk native vlan ",
    "switchport trunk allowed vlan ",
    "shutdown",
    "no shutdown",
    "show ",
    "copy running-config startup-config",
    "show version",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_spec_and_no_id_makes_a_second_command_or_another_one(
        verb in verb(), kind in kind(), id in hostile(), text in hostile(), other in hostile(), number in any::<i32>(),
        marker in prop_oneof![hostile(), "xp-[a-z2-7]{26}".prop_map(String::from)],
    ) {
        let spec = json!({"id": number, "name": text});
        let port = json!({"name": text, "description": other, "trunk_vlans": id, "access_vlan": number});
        let patch = json!({"description": other, "trunk_vlans": text});
        let rename = json!({"name": other});
        for spec in [spec, port, patch, rename] {
            let call = Call {
                backend_id: Some(id.clone()),
                marker: marker.clone(),
                page_token: Some(id.clone()),
                spec: spec.into(),
                ..Call::new(verb.clone(), kind)
            };
            let Ok(exchange) = Eapi::encode(&call) else { continue };
            let Request::Http(request) = exchange.request else { panic!("no HTTP") };
            prop_assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/command-api"));
            let body: Value = serde_json::from_slice(request.body.as_ref()).unwrap();
            let lines: Vec<&str> = body["params"]["cmds"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
            for line in &lines {
                prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{:?}", line);
                prop_assert!(!line.contains(['|', '?', '!', '>', '<', '"', '\\']), "{:?}", line);
                prop_assert!(LINES.iter().any(|known| line.starts_with(known)), "{:?}", line);
                // A text may end a line; whatever else comes from outside is one word.
                let words = line.split(' ').count();
                prop_assert!(line.starts_with("description ") || words <= 6, "{:?}", line);
            }
            let commits = lines.iter().filter(|line| **line == "commit").count();
            prop_assert!(commits <= 1, "{:?}", lines);
        }
    }

    #[test]
    fn no_reply_makes_it_panic(
        verb in verb(),
        kind in kind(),
        status in prop_oneof![Just(200_u16), any::<u16>(), prop::sample::select(vec![400, 401, 403, 404, 429, 500, 503])],
        body in prop_oneof![
            body().prop_map(|body| format!(r#"{{"jsonrpc":"2.0","id":0,"result":{body}}}"#)),
            (-32800..2000_i64, body())
                .prop_map(|(code, data)| format!(r#"{{"jsonrpc":"2.0","id":0,"error":{{"code":{code},"message":"x","data":{data}}}}}"#)),
            (body(), body()).prop_map(|(a, b)| format!(r#"{{"jsonrpc":"2.0","id":0,"result":[{{}},{a},{b}]}}"#)),
            any::<String>(),
        ],
    ) {
        let id = if kind == "vlan" { "10" } else { "Ethernet1" };
        let call = Call {
            marker: "xp-1".to_owned(),
            backend_id: Some(id.to_owned()),
            spec: json!({"name": "Ethernet1"}).into(),
            ..Call::new(verb, kind)
        };
        let reply = Reply::Http(HttpReply { status, headers: Vec::new(), body: body.into() });
        let _ = Eapi::decode(&call, &[], &reply);
    }
}
