//! A mutating call is recorded before a byte goes to the backend; its outcome and the mapping are recorded in one
//! transaction before the CMP hears of success.
//!
//! The table of crashes in the design, row by row: what the CMP sees, and what the same call does when it comes again.

mod changes;
mod creations;
mod nowhere;

use std::future::IntoFuture as _;

use crosspoint_tests::host::{Call, Reply, Scene};
use firewall_appliance::Moment;
use tokio::task::JoinHandle;

/// A call on its way.
type Pending = JoinHandle<Result<Reply, String>>;

/// Sends a call and waits until the appliance holds it at this moment.
async fn held(scene: &Scene, moment: Moment, method: &str, call: Call) -> Pending {
    let before = scene.appliance.count(method, "/api/v1/");
    let effects = scene.appliance.effects();
    scene.appliance.hold(moment);
    let pending = tokio::spawn(call.attempt());
    scene.appliance.arrived(method, "/api/v1/", before + 1).await;
    if moment == Moment::AfterEffect {
        scene.appliance.took_effect(effects + 1).await;
    }
    pending
}

/// Kills Crosspoint while the appliance holds a call, and starts it again. The connection goes with the process, so
/// what the appliance held before its effect has none.
async fn killed_while_held(scene: &mut Scene, moment: Moment, method: &str, call: Call) {
    let pending = held(scene, moment, method, call).await;
    scene.host.kill().await;
    assert!(pending.await.unwrap().is_err(), "nobody is there to answer");
    scene.appliance.release();
    scene.host.restart().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_nothing() {
    use crosspoint_tests::host::{create, rule, until};
    let scene = Scene::start().await;
    let call = |key: &str| scene.acme().put(&rule("a")).key(key).json(&create("a"));
    let pending = held(&scene, Moment::BeforeEffect, "POST", call("k")).await;
    pending.abort();
    scene.appliance.release();
    until("the call to end", async || (scene.mapping("a").await["state"] == "active").then_some(())).await;
    let replayed = call("k").into_future().await.success();
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 1);
}
