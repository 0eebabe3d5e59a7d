#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<KvDaemon>();
}

fn verb() -> impl Strategy<Value = Verb> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let action = Verb::Action("x".to_owned());
    prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
}

proptest! {
    #[test]
    fn a_frame_is_read_as_it_was_written(
        id: u64,
        command in prop::sample::select(vec![Command::OK, Command::PUT, Command::GET, Command::ERROR]),
        key in "[ -~]{0,128}",
        value in "[ -~]{0,300}",
        timestamp: i64,
    ) {
        let frame = Frame { id, command, key, value, timestamp };
        let bytes = frame.write().unwrap();
        prop_assert_eq!(bytes.len(), 4096);
        prop_assert_eq!(Frame::read(&bytes), Ok(frame));
    }

    #[test]
    fn no_reply_makes_it_panic(
        verb in verb(),
        head in vec(prop_oneof![Just(0_u8), any::<u8>(), 0..6_u8], 0..60),
        size in prop_oneof![9 => Just(4096_usize), 1 => 0..5000_usize],
    ) {
        let mut bytes = head;
        bytes.resize(size, 0);
        let call = Call {
            backend_id: Some("k".to_owned()),
            spec: Json::from(serde_json::json!({"key": "k", "value": "v"})),
            ..Call::new(verb, "entry")
        };
        let _ = KvDaemon::decode(&call, &[], &Reply::Message(bytes.into()));
    }

    #[test]
    fn no_call_makes_it_panic_and_none_becomes_anything_but_one_whole_frame(
        verb in verb(), kind in "(entry|[a-z]{0,3})", key in "\\PC{0,140}", value in "\\PC{0,40}", id: Option<String>,
        correlation: u64,
    ) {
        let spec = Json::from(serde_json::json!({"key": key, "value": value}));
        let call = Call { correlation, backend_id: id, spec, ..Call::new(verb, &kind) };
        if let Ok(exchange) = KvDaemon::encode(&call) {
            let Request::Message(sent) = exchange.request else { panic!("it is a message") };
            prop_assert_eq!((sent.0.len(), &sent.0[..8]), (4096, &correlation.to_le_bytes()[..]));
        }
    }
}
