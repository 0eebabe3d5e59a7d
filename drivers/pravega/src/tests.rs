#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::wire::{Entry, Request, version};

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<Pravega>();
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    bytes.iter().flat_map(digits).collect()
}

#[test]
fn a_greeting_and_a_conditional_entry_look_as_pravega_writes_them() {
    assert_eq!(hex(&Request::Hello((17, 5)).encode(0).unwrap()), "ffffff81000000080000001100000005");
    let entry = Entry { key: b"k".to_vec(), version: version::NONE, value: b"v".to_vec() };
    let update = Request::UpdateTableEntries { segment: "s/kv".to_owned(), entries: vec![entry] };
    let parts = [
        "0000004a00000036",   // the type and the length
        "0000000000000006",   // the request's id
        "0004732f6b76",       // the segment
        "0000",               // no token
        "00000001",           // one entry
        "0000000d000000016b", // its key
        "ffffffffffffffff",   // which must not be there
        "000000050000000176", // its value
        "ffffffffffffffff",   // wherever the table ends
    ];
    assert_eq!(hex(&update.encode(6).unwrap()), parts.concat());
}

#[test]
fn what_is_too_long_to_be_said_is_refused_before_it_is_sent() {
    let call = |spec: serde_json::Value| Call { spec: spec.into(), ..Call::new(Verb::Create, "table-entry") };
    let long = "x".repeat(2 * 1024 * 1024);
    let refused = Pravega::encode(&call(serde_json::json!({"segment": "s", "key": "k", "value": long}))).unwrap_err();
    assert_eq!(refused.name(), "invalid");
    let named =
        Call { spec: serde_json::json!({"name": "x".repeat(70_000)}).into(), ..Call::new(Verb::Create, "segment") };
    assert_eq!(Pravega::encode(&named).unwrap_err().name(), "invalid");
}

fn call() -> impl Strategy<Value = Call> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let actions = ["read", "seal", "entries"].map(|name| Verb::Action(name.to_owned()));
    let verbs = [vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login], actions.into()].concat();
    let kinds = vec!["segment", "table-segment", "table-entry", "", "stream"];
    (prop::sample::select(verbs), prop::sample::select(kinds))
        .prop_map(|(verb, kind)| Call { correlation: 6, ..Call::new(verb, kind) })
}

/// Frames whose header is right, so that what is in them is looked at.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![prop::sample::select((-127..=127).collect::<Vec<i32>>()), any::<i32>()];
    let part = prop_oneof![
        any::<Vec<u8>>(),
        Just(6_i64.to_be_bytes().to_vec()),
        Just(vec![0, 4, b's', b'/', b'k', b'v']),
        (0..4_i32).prop_map(|count| count.to_be_bytes().to_vec()),
        Just(vec![0, 0, 0, 13, 0, 0, 0, 1, b'k', 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 1, b'v']),
    ];
    (code, prop::collection::vec(part, 0..6)).prop_map(|(code, parts)| {
        let payload = parts.concat();
        let length = i32::try_from(payload.len()).unwrap();
        [code.to_be_bytes().as_slice(), &length.to_be_bytes(), &payload].concat()
    })
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic(call in call(), bytes in prop_oneof![4 => frame(), 1 => any::<Vec<u8>>()]) {
        let spec = serde_json::json!({"segment": "s/kv", "key": "k", "value": "v"});
        let call = Call { backend_id: Some("s/kv#aw".to_owned()), spec: spec.into(), ..call };
        let _ = Pravega::decode(&call, &[], &Reply::Message(Bytes(bytes)));
    }

    #[test]
    fn no_call_makes_it_panic(
        call in call(),
        text in any::<String>(),
        member in "(segment|name|key|value|offset|length|count)",
        value in prop_oneof!["\"[a-z#/=]{0,9}\"", "-?[0-9]{1,20}", Just("{\"base64\":\"/w==\"}".to_owned())],
    ) {
        let spec = Json::trusted(format!("{{\"segment\":\"s\",\"name\":\"s\",\"key\":\"k\",\"{member}\":{value}}}"));
        let call = Call { backend_id: Some(text.clone()), precondition: Some(text), spec, ..call };
        let _ = Pravega::encode(&call);
    }
}
