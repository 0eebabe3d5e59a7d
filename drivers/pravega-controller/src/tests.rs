#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<PravegaController>();
}

fn verb() -> impl Strategy<Value = Verb> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let action = Verb::Action("seal".to_owned());
    prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["scope", "stream", "", "reader-group"])
}

/// JSON that has something of what the controller says, and of what a spec says.
fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9]{1,20}",
        "\"(FIXED_NUM_SEGMENTS|SEALED|crosspoint:xp-1|[a-z/.-]{0,9})\"",
    ];
    let name = "scopes|scopeName|streams|streamName|scalingPolicy|retentionPolicy|type|minSegments|tags|streamTags|\
                streamState";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name, inner), 0..5).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic(
        verb in verb(),
        kind in kind(),
        status in prop_oneof![any::<u16>(), prop::sample::select(vec![200, 201, 204, 404, 409, 412, 500])],
        body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
    ) {
        let call = Call { marker: "xp-1".to_owned(), backend_id: Some("a/b".to_owned()), ..Call::new(verb, kind) };
        let reply = Reply::Http(HttpReply { status, headers: Vec::new(), body: Bytes(body) });
        let _ = PravegaController::decode(&call, &[], &reply);
    }

    #[test]
    fn no_call_makes_it_panic(verb in verb(), kind in kind(), text in any::<String>(), spec in body()) {
        let call = Call {
            backend_id: Some(text.clone()),
            marker: text.clone(),
            page_token: Some(text),
            spec: Json::trusted(spec.clone()),
            configuration: Json::trusted(spec),
            ..Call::new(verb, kind)
        };
        let _ = PravegaController::encode(&call);
    }
}
