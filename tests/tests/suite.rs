//! The suite for drivers, with the driver and the appliance of `examples/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_tests::host::spec;
use crosspoint_tests::suite::{FarSide, HttpFarSide, Stage, Subject, Trouble, merged};
use firewall_appliance::{API_KEY, Appliance};
use serde_json::{Value, json};

/// The appliance, kept running, and a Crosspoint before it.
async fn firewall() -> (Appliance, Stage<HttpFarSide>) {
    let (appliance, far, settings) = far_side().await;
    (appliance, Stage::set("firewall", settings, far).await)
}

async fn far_side() -> (Appliance, HttpFarSide, Value) {
    let appliance = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let far = HttpFarSide::before(&appliance.url()).await.unwrap();
    let settings = json!({
        "endpoints": {"default": far.url()},
        "authentication": {"scheme": "api-key", "secrets": {"key": API_KEY}},
    });
    (appliance, far, settings)
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

/// A far side that receives everything twice.
struct Twice(HttpFarSide);

impl FarSide for Twice {
    fn exchanges(&self) -> usize {
        2 * self.0.exchanges()
    }

    fn trouble(&self, trouble: Trouble) {
        self.0.trouble(trouble);
    }

    fn release(&self) {
        self.0.release();
    }

    async fn gone(&self) {
        self.0.gone().await;
    }

    async fn back(&self) {
        self.0.back().await;
    }
}

#[tokio::test]
#[should_panic(expected = "exchanges of a probe")]
async fn a_second_exchange_does_not_go_unnoticed() {
    let (_appliance, far, settings) = far_side().await;
    Stage::set("firewall", settings, Twice(far)).await.life(&rule()).await;
}

#[tokio::test]
#[should_panic(expected = "created: ")]
async fn a_result_that_does_not_show_the_object_does_not_go_unnoticed() {
    let (_appliance, stage) = firewall().await;
    stage.life(&rule().showing(|spec| merged(spec, &json!({"port": 1})))).await;
}
