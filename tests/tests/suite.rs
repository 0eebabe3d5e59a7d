//! The suite for drivers, with the driver and the appliance of `examples/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_tests::host::spec;
use crosspoint_tests::suite::{HttpFarSide, Stage, Subject, merged};
use firewall_appliance::{API_KEY, Appliance};
use serde_json::json;

/// The appliance, kept running, and a Crosspoint before it.
async fn firewall() -> (Appliance, Stage<HttpFarSide>) {
    let appliance = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let far = HttpFarSide::before(&appliance.url()).await.unwrap();
    let settings = json!({
        "endpoints": {"default": far.url()},
        "authentication": {"scheme": "api-key", "secrets": {"key": API_KEY}},
    });
    (appliance, Stage::set("firewall", settings, far).await)
}

fn rule() -> Subject {
    Subject::of("rule", |n| spec(&format!("rule-{n}")))
        .replacing(|n| merged(&spec(&format!("rule-{n}")), &json!({"port": 8443, "comment": "moved"})))
        .patching(json!({"action": "deny"}))
        .bad(json!({"port": "https"}), "/port")
        .bad(json!({"comment": "x".repeat(221)}), "/comment")
        .bad_patch(json!({"port": 0}), "/port")
        .refused(json!({"source": "10.0.0.0/33"}), 422, "invalid_spec")
        .action("reset-hits", json!({}))
}

#[tokio::test]
async fn a_rule_lives_its_life_with_one_exchange_a_call() {
    let (_appliance, stage) = firewall().await;
    stage.life(&rule()).await;
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let (_appliance, stage) = firewall().await;
    stage.refusals(&rule()).await;
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    let (_appliance, stage) = firewall().await;
    stage.troubles(&rule()).await;
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    let (_appliance, stage) = firewall().await;
    stage.doubt(&rule()).await;
}
