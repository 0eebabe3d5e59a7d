//! The harness finds what is wrong, and says it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use crosspoint_sdk::harness;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema matters")]
struct Thing {
    #[schemars(length(max = 8))]
    name: String,
}

/// Works on plain days, and panics where drivers often do.
struct Careless;

impl Driver for Careless {
    fn describe() -> Description {
        driver("careless", "0.1.0", "A careless driver")
            .kind(kind("thing", "A thing").result::<Thing>().verbs([Verb::Read]))
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let id = call.backend_id.as_deref().expect("every read has an id");
        Http::get(path("/things/{id}", &[("id", id)])?).context(id).into_exchange()
    }

    fn decode(_call: &Call, context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let body: Value = reply.http()?.success()?.json()?;
        let name = body["name"].as_str().unwrap();
        outcome(&json!({ "name": name }))?.id(String::from_utf8_lossy(context)).into()
    }
}

crosspoint_sdk::export!(Careless, name = "careless", version = "0.1.0");

fn complaint(check: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(check)).err()?;
    Some(payload.downcast_ref::<String>().cloned().unwrap_or_default())
}

fn fixtures(fixtures: &Value) -> Vec<u8> {
    fixtures.to_string().into_bytes()
}

fn good() -> Value {
    json!({
        "name": "a thing is read",
        "call": {"verb": "read", "kind": "thing", "backend_id": "7"},
        "exchange": {"http": {"method": "GET", "target": "/things/7"}},
        "reply": {"http": {"status": 200, "body": {"json": {"name": "x"}}}},
        "outcome": {"backend_id": "7", "result": {"name": "x"}}
    })
}

#[test]
fn what_agrees_is_passed_in_silence_and_the_context_reaches_decode() {
    assert_eq!(complaint(|| harness::run_fixtures::<Careless>(&fixtures(&json!([good()])))), None);
    assert_eq!(complaint(harness::check::<Careless>), None);
}

#[test]
fn every_mismatch_is_named_with_its_fixture() {
    let mut target = good();
    target["name"] = json!("another target");
    target["exchange"]["http"]["target"] = json!("/things/8");
    let mut result = good();
    result["name"] = json!("another result");
    result["outcome"]["result"]["name"] = json!("y");
    let mut kind = good();
    kind["name"] = json!("another kind");
    kind["call"]["kind"] = json!("thong");
    let text =
        complaint(|| harness::run_fixtures::<Careless>(&fixtures(&json!([target, good(), result, kind])))).unwrap();
    for part in ["`another target`, encode", "`another result`, decode", "`another kind`, call", "/things/7"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains("a thing is read"));
}

#[test]
fn a_result_that_breaks_the_drivers_own_schema_is_a_mismatch() {
    let mut long = good();
    long["reply"]["http"]["body"]["json"]["name"] = json!("too long a name");
    long["outcome"]["result"]["name"] = json!("too long a name");
    let text = complaint(|| harness::run_fixtures::<Careless>(&fixtures(&json!([long])))).unwrap();
    assert!(text.contains("own schema") && text.contains("/name"), "{text}");
}

#[test]
fn a_panic_is_a_mismatch_even_where_a_fault_is_expected() {
    let no_id = json!([{"name": "no id", "call": {"verb": "read", "kind": "thing"}, "fault": {"other": ""}}]);
    let text = complaint(|| harness::run_fixtures::<Careless>(&fixtures(&no_id))).unwrap();
    assert!(text.contains("the driver panicked: every read has an id"), "{text}");
}

#[test]
fn a_panic_is_a_fault_to_those_who_call_the_driver_themselves() {
    let call = Call::new(Verb::Read, "thing");
    assert_eq!(
        harness::encode::<Careless>(&call),
        Err(Fault::Other("the driver panicked: every read has an id".to_owned()))
    );
    let reply = Reply::Http(HttpReply { status: 200, headers: Vec::new(), body: "{}".into() });
    assert_eq!(harness::decode::<Careless>(&call, b"", &reply).unwrap_err().name(), "other");
}

#[test]
fn bent_replies_find_the_panic_that_no_fixture_shows() {
    let text = complaint(|| harness::bend_replies::<Careless>(&fixtures(&json!([good()])))).unwrap();
    assert!(text.contains("a reply made the driver panic") && text.contains("a thing is read"), "{text}");
}

#[test]
fn fixtures_that_cannot_be_read_are_a_failure_and_not_none() {
    for bad in ["", "{}", r#"[{"name": "x"}]"#, r#"[{"name": "x", "call": {"verb": "fly"}}]"#] {
        let text = complaint(|| harness::run_fixtures::<Careless>(bad.as_bytes())).unwrap();
        assert!(text.contains("cannot be read"), "{text}");
    }
}
