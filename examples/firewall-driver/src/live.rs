//! The driver and a running appliance, without a host between them: fixtures say what the appliance is believed to do,
//! this shows that it does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use crosspoint_sdk::harness;
use crosspoint_sdk::prelude::*;
use firewall_appliance::{API_KEY, Appliance};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::Firewall;

/// Does what a host does, less all that makes it a host.
async fn relay(appliance: &Appliance, call: &Call) -> Result<Outcome, Fault> {
    let exchange = harness::encode::<Firewall>(call)?;
    let Request::Http(request) = &exchange.request else { panic!("not HTTP") };
    let mut outgoing = http::Request::builder()
        .method(request.method.as_str())
        .uri(appliance.url() + &request.target)
        .header("x-api-key", API_KEY);
    for Header { name, value } in &request.headers {
        outgoing = outgoing.header(name, value.as_slice());
    }
    let body = Full::new(Bytes::from(request.body.0.clone()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(outgoing.body(body).unwrap()).await.unwrap().into_parts();
    let headers =
        head.headers.iter().map(|(name, value)| Header { name: name.to_string(), value: value.as_bytes().to_vec() });
    let reply = Reply::Http(HttpReply {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: body.collect().await.unwrap().to_bytes().to_vec().into(),
    });
    harness::decode::<Firewall>(call, exchange.context.as_ref(), &reply)
}

fn call(verb: Verb, id: Option<&str>, spec: Value) -> Call {
    let mut call = Call::new(verb, "rule");
    call.marker = "xp-7f3a".to_owned();
    call.backend_id = id.map(str::to_owned);
    call.spec = spec.into();
    call
}

fn rule(name: &str) -> Value {
    json!({"name": name, "source": "10.0.0.0/8", "destination": "192.0.2.10/32", "port": 443, "protocol": "tcp",
           "action": "permit", "comment": "shop"})
}

#[tokio::test]
async fn every_verb_does_at_the_appliance_what_the_fixtures_say() {
    let appliance = Appliance::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let relay = async |call: Call| relay(&appliance, &call).await;

    let made = relay(call(Verb::Create, None, rule("web"))).await.unwrap();
    let id = made.backend_id.as_deref();
    assert_eq!((id, made.revision.as_deref()), (Some("rule-1"), Some("\"1\"")));
    assert_eq!(made.result.value()["comment"], json!("shop"));
    assert_eq!(appliance.rules()[0].spec.comment, "shop [xp-7f3a]");

    let again = relay(call(Verb::Create, None, rule("web"))).await.unwrap_err();
    assert!(matches!(again, Fault::AlreadyExists(Existing { backend_id: Some(ref id), .. }) if id == "rule-1"));
    let mut wrong = rule("other");
    wrong["destination"] = json!("everywhere");
    let Fault::Invalid(violations) = relay(call(Verb::Create, None, wrong)).await.unwrap_err() else { panic!("taken") };
    assert_eq!(violations[0].pointer, "/destination");

    let patched = relay(call(Verb::Update, id, json!({"comment": "new shop"}))).await.unwrap();
    assert_eq!((patched.revision.as_deref(), &patched.result.value()["comment"]), (Some("\"2\""), &json!("new shop")));
    let mut stale = call(Verb::Delete, id, Value::Null);
    stale.precondition = made.revision.clone();
    assert_eq!(relay(stale).await.unwrap_err().name(), "stale");
    relay(call(Verb::Replace, id, rule("www"))).await.unwrap();

    let found = relay(call(Verb::Find, None, Value::Null)).await.unwrap().found;
    assert_eq!((found.len(), found[0].backend_id.as_str(), found[0].marker.as_deref()), (1, "rule-1", Some("xp-7f3a")));
    let read = relay(call(Verb::Read, id, Value::Null)).await.unwrap();
    assert_eq!((&read.result, &read.revision), (&found[0].result, &found[0].revision));
    assert_eq!(relay(call(Verb::List, None, Value::Null)).await.unwrap().found, found);

    let reset = relay(call(Verb::Action("reset-hits".to_owned()), id, Value::Null)).await.unwrap();
    assert_eq!((&read.result.value()["hits"], &reset.result.value()["hits"]), (&json!(100), &json!(0)));
    let commit = relay(Call::new(Verb::Action("commit".to_owned()), "")).await.unwrap();
    assert_eq!(commit.result.value(), json!({"commit": 1}));
    assert_eq!(relay(Call::new(Verb::Probe, "")).await.unwrap().result.value()["rules"], json!(1));

    relay(call(Verb::Delete, id, Value::Null)).await.unwrap();
    assert_eq!(relay(call(Verb::Read, id, Value::Null)).await.unwrap_err().name(), "not-found");
    assert_eq!(appliance.requests().len(), 14, "one exchange a call");
}
