//! The driver `kvdaemon`, through REST, with the real host and the daemon of `examples/kvdaemon`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod messages;
mod restarts;
mod usage;

use crosspoint_tests::suite::{BACKEND, FarSide, FramedFarSide, Stage, Subject, Trouble};
use kvdaemon::Daemon;
use serde_json::{Value, json};

use messages::KvMessages;

/// The daemon, kept running, and a Crosspoint before it.
async fn stage() -> (Daemon, Stage<FramedFarSide>) {
    let daemon = Daemon::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let far = FramedFarSide::before(daemon.addr(), KvMessages).await.unwrap();
    let settings = json!({"endpoints": {"default": far.url()}, "authentication": {"scheme": "none"}});
    (daemon, Stage::set("kvdaemon", settings, far).await)
}

fn entry() -> Subject {
    Subject::of("entry", |n| json!({"key": format!("key {n}"), "value": format!("value {n}")}))
        .replacing(|n| json!({"key": format!("key {n}"), "value": "another", "timestamp": 1_700_000_000_000_000_i64}))
        .bad(json!({"key": ""}), "/key")
        .bad(json!({"key": "k".repeat(129)}), "/key")
        .bad(json!({"key": "[k]"}), "/key")
        .bad(json!({"value": "v".repeat(2049)}), "/value")
        .bad(json!({"value": "schön"}), "/value")
        .bad(json!({"timestamp": 0}), "/timestamp")
}

#[tokio::test]
async fn an_entry_lives_its_life_with_one_exchange_a_call_on_one_connection() {
    let (daemon, stage) = stage().await;
    stage.life(&entry()).await;
    assert_eq!(daemon.requests(), stage.far.exchanges());
    assert!(stage.far.connections() <= 2, "one for the backend, and one for the same under another name");
    assert_eq!(daemon.entries()[&b"key 0"[..]].value, b"another");
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let (_daemon, stage) = stage().await;
    stage.refusals(&entry()).await;
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    let (_daemon, stage) = stage().await;
    stage.troubles(&entry()).await;
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    let (_daemon, stage) = stage().await;
    stage.doubt(&entry()).await;
}

#[tokio::test]
async fn the_key_of_an_entry_cannot_be_changed() {
    let (_daemon, stage) = stage().await;
    let subject = entry();
    stage.create(&subject, 1).await;
    let other = stage.acme().put(&stage.object(&subject, 1)).json(&json!({"spec": subject.spec(2)}));
    let refused = stage.none("a change of the key", other).await.problem(422, "invalid_spec");
    assert_eq!((&refused["/errors/0/pointer"], &refused["/sent"]), (&json!("/key"), &json!("no")));
}

#[tokio::test]
async fn what_the_daemon_has_lost_is_not_found() {
    let (mut daemon, stage) = stage().await;
    let subject = entry();
    stage.create(&subject, 1).await;
    // Another daemon at the same place, which knows nothing.
    daemon.stop().await;
    let _other = Daemon::start(daemon.addr()).await.unwrap();
    let read = || stage.acme().get(&stage.object(&subject, 1));
    let missing = crosspoint_tests::host::until("the cut connections to be noticed", async || {
        let reply = read().await;
        (reply["/code"] != "backend_connection_lost").then_some(reply)
    });
    assert_eq!(missing.await.problem(404, "backend_not_found")["/sent"], "yes");
}

#[tokio::test]
async fn a_dry_run_shows_the_address_and_the_message_and_sends_nothing() {
    let (daemon, stage) = stage().await;
    let subject = entry();
    let path = format!("{}?dry_run=true", stage.object(&subject, 1));
    let put = stage.acme().put(&path).json(&json!({"spec": subject.spec(1)}));
    let shown = stage.none("a dry run", put).await.expect(200);
    let request = [&shown["/request"], &shown["/exchange"], &shown["/"]].into_iter().find(|part| part.is_object());
    let request: &Value = request.unwrap_or(&shown.body);
    assert_eq!(request["url"], stage.far.url(), "{shown:#?}");
    assert!(request["body"].to_string().contains("key 1"), "{shown:#?}");
    assert_eq!(daemon.requests(), 0);
}

#[tokio::test]
async fn a_late_reply_reaches_nobody_and_the_connection_goes_on() {
    let (_daemon, stage) = stage().await;
    let subject = entry();
    stage.create(&subject, 1).await;
    stage.create(&subject, 2).await;
    stage.far.trouble(Trouble::Late);
    let acme = stage.acme();
    let late = tokio::spawn(acme.get(&stage.object(&subject, 1)).into_future());
    crosspoint_tests::host::until("the late read to arrive", async || (stage.far.exchanges() == 3).then_some(())).await;
    let read = stage.acme().get(&stage.object(&subject, 2)).await.expect(200);
    assert_eq!(read["/result/key"], "key 2");
    stage.far.release();
    assert_eq!(late.await.unwrap().expect(200)["/result/key"], "key 1");
    assert_eq!(stage.far.connections(), 1, "of backend {BACKEND}");
}
