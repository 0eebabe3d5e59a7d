//! JSON-RPC: whose reply it is, and what it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_sdk::json_rpc::{Error, Reply, Version};
use crosspoint_sdk::prelude::{Call, Fault, Verb};
use proptest::prelude::*;
use serde_json::{Value, json};

fn call() -> Call {
    Call { correlation: u64::MAX, ..Call::new(Verb::Read, "bridge") }
}

fn read(version: Version, mut reply: Value) -> Result<Reply<Value>, Fault> {
    if reply.get("id").is_none() {
        reply["id"] = json!(u64::MAX);
    }
    version.reply(&call(), reply.to_string().as_bytes())
}

#[test]
fn a_request_carries_the_calls_own_number_in_full() {
    let first = Version::V1.request(&call(), "transact", &json!(["Open_vSwitch"])).unwrap();
    let first: Value = serde_json::from_slice(&first).unwrap();
    assert_eq!(first, json!({"method": "transact", "params": ["Open_vSwitch"], "id": u64::MAX}));
    let second = Version::V2.request(&call(), "runCmds", &json!({"version": 1})).unwrap();
    let second: Value = serde_json::from_slice(&second).unwrap();
    assert_eq!(second, json!({"jsonrpc": "2.0", "method": "runCmds", "params": {"version": 1}, "id": u64::MAX}));
}

#[test]
fn results_are_told_from_errors() {
    assert_eq!(read(Version::V1, json!({"result": [1], "error": null})).unwrap(), Reply::Result(json!([1])));
    assert_eq!(read(Version::V2, json!({"jsonrpc": "2.0", "result": null})).unwrap(), Reply::Result(json!(null)));
    let failed = json!({"jsonrpc": "2.0", "error": {"code": -32601, "message": "no such method", "data": [1]}});
    let error = Error { code: -32601, message: "no such method".to_owned(), data: json!([1]) };
    assert_eq!(error.to_string(), "no such method (-32601)");
    assert_eq!(read(Version::V2, failed).unwrap(), Reply::Error(error));
}

#[test]
fn an_error_of_the_first_version_may_be_anything() {
    for (error, message) in [
        (json!("unknown method"), "unknown method"),
        (json!({"error": "unknown database", "details": "x"}), "unknown database"),
        (json!(["odd"]), ""),
    ] {
        let expected = Error { code: 0, message: message.to_owned(), data: error.clone() };
        assert_eq!(read(Version::V1, json!({"result": null, "error": error})).unwrap(), Reply::Error(expected));
    }
}

#[test]
fn a_server_that_could_not_read_the_request_need_not_know_its_id() {
    let reply =
        read(Version::V2, json!({"jsonrpc": "2.0", "error": {"code": -32700, "message": "parse error"}, "id": null}));
    assert!(matches!(reply, Ok(Reply::Error(Error { code: -32700, .. }))), "{reply:?}");
}

#[test]
fn what_is_no_reply_of_this_call_says_nothing() {
    for (version, reply) in [
        (Version::V1, json!({"result": 1, "error": null, "id": 8})),
        (Version::V1, json!({"result": 1, "error": null, "id": "18446744073709551615"})),
        (Version::V1, json!({"result": 1, "error": null, "id": null})),
        (Version::V1, json!({"result": 1, "error": "x"})),
        (Version::V2, json!({"result": 1})),
        (Version::V2, json!({"jsonrpc": "1.0", "result": 1})),
        (Version::V2, json!({"jsonrpc": "2.0", "result": 1, "error": {"code": 1}})),
        (Version::V2, json!({"jsonrpc": "2.0", "error": {"message": "no code"}})),
        (Version::V2, json!({"jsonrpc": "2.0", "error": "text"})),
    ] {
        let read = read(version, reply.clone());
        assert!(matches!(read, Err(Fault::MalformedReply(_))), "{reply}: {read:?}");
    }
    assert!(matches!(Version::V2.reply::<u8>(&call(), b"[]"), Err(Fault::MalformedReply(_))));
    assert!(matches!(Version::V2.reply::<u8>(&call(), b""), Err(Fault::MalformedReply(_))));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in any::<Vec<u8>>(), text in "[{}\\[\\]\",:a-z0-9 ]{0,40}") {
        for version in [Version::V1, Version::V2] {
            let _ = version.reply::<Vec<u8>>(&call(), &bytes);
            let _ = version.reply::<Value>(&call(), text.as_bytes());
        }
    }
}
