//! Calls that get no further than the way to the backend, and calls that get there without the caller.

use std::net::SocketAddr;

use crosspoint_tests::host::{Scene, create, rule, settings, until};
use firewall_appliance::{Appliance, Moment};
use serde_json::{Value, json};
use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::held;
use crate::full_house::FullHouse;

/// Carries each connection's requests on to an appliance even when the sender has gone, as a gateway does.
pub struct Courier {
    address: SocketAddr,
    task: AbortHandle,
}

impl Courier {
    pub async fn to(appliance: &Appliance) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let appliance = appliance.addr();
        let task = tokio::spawn(async move {
            while let Ok((sender, _)) = listener.accept().await {
                tokio::spawn(carry(sender, appliance));
            }
        });
        Self { address, task: task.abort_handle() }
    }

    pub fn settings(&self) -> Value {
        let mut settings = settings(&format!("http://{}", self.address));
        settings["limits"] = json!({"connect_timeout_ms": 500, "reply_timeout_ms": 500});
        settings
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(sender: TcpStream, appliance: SocketAddr) {
    let (mut from, mut back) = sender.into_split();
    let (mut replies, mut on) = TcpStream::connect(appliance).await.unwrap().into_split();
    let requests = async {
        // The sender's end is not passed on: the appliance shall not learn that nobody waits any more.
        let _ = copy(&mut from, &mut on).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = requests => {}
        _ = copy(&mut replies, &mut back) => {}
    }
}

/// Row "intent committed, not sent".
#[tokio::test]
async fn a_call_that_was_recorded_and_never_sent_is_in_doubt_and_then_runs_once() {
    let mut scene = Scene::impatient().await;
    let house = FullHouse::open().await;
    let mut unreachable = settings(&house.url());
    unreachable["limits"] = json!({"connect_timeout_ms": 1500, "reply_timeout_ms": 100});
    scene.host.put_backend("fw", &unreachable).await;
    let pending = tokio::spawn(scene.acme().put(&rule("a")).key("k").json(&create("a")).attempt());
    let open = scene.operation("open").await;
    assert_eq!(open["cmp_id"], "a");
    scene.host.kill().await;
    assert!(pending.await.unwrap().is_err());
    scene.host.restart().await;
    assert_eq!(scene.operation("unknown").await["sent"], "maybe");

    scene.host.put_backend("fw", &settings(&scene.appliance.url())).await;
    let again = async || scene.acme().put(&rule("a")).key("k").json(&create("a")).await;
    until("the doubt to end", async || (again().await["/code"] == "not_executed").then_some(())).await;
    again().await.expect(201);
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 1);
    assert_eq!(scene.appliance.rules().len(), 1);
}

/// Row "before the intent is committed".
#[tokio::test]
async fn a_call_that_still_waited_for_its_turn_has_left_no_trace_and_runs_afresh() {
    let mut scene = Scene::start().await;
    let first = held(&scene, Moment::AfterEffect, "POST", scene.acme().put(&rule("a")).json(&create("a"))).await;
    let second = tokio::spawn(scene.acme().put(&rule("b")).key("k").json(&create("b")).attempt());
    until("the second call to wait", async || {
        let backend = scene.operator().get("/v1/backends/fw").await.expect(200);
        (backend["/lanes/1/waiting"] == 1).then_some(())
    })
    .await;
    scene.host.kill().await;
    assert!(first.await.unwrap().is_err() && second.await.unwrap().is_err());
    scene.appliance.release();
    scene.host.restart().await;

    assert_eq!(scene.operation("unknown").await["cmp_id"], "a", "and no other");
    let again = scene.acme().put(&rule("b")).key("k").json(&create("b")).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), None);
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 2);
}
