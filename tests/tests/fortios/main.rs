//! The driver for FortiOS, before a simulated FortiGate. No real one was at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod particular;
mod simulator;
mod subjects;

use crosspoint_tests::suite::{HttpFarSide, Stage, Trouble};
use serde_json::json;

use simulator::{FortiGate, TOKEN};
use subjects::{address, group, policy, virtual_ip};

/// The appliance, kept running, and a Crosspoint before it.
async fn stage() -> (FortiGate, Stage<HttpFarSide>) {
    let appliance = FortiGate::start().await;
    let page = "<!DOCTYPE html><html><head><title>401 Unauthorized</title></head></html>";
    let far = HttpFarSide::before(&appliance.url())
        .await
        .unwrap()
        .answering(Trouble::Unauthenticated, 401, &[("content-type", "text/html")], page)
        .answering(Trouble::Throttled, 429, &[("content-type", "text/plain")], "Access temporarily blocked");
    let settings = json!({
        "endpoints": {"default": far.url()},
        "authentication": {"scheme": "bearer", "secrets": {"token": TOKEN}},
        "configuration": {"vdom": "dmz"},
    });
    (appliance, Stage::set("fortios-firewall", settings, far).await)
}

#[tokio::test]
async fn each_kind_lives_its_life_with_one_exchange_a_call() {
    let (appliance, stage) = stage().await;
    for subject in [address(), group(), policy(), virtual_ip()] {
        stage.life(&subject).await;
    }
    assert_eq!(appliance.requests(), stage.far.proxy().exchanges().len(), "the appliance counts the same");
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let (_appliance, stage) = stage().await;
    for subject in [address(), group(), policy(), virtual_ip()] {
        stage.refusals(&subject).await;
    }
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    let (_appliance, stage) = stage().await;
    for subject in [address(), policy()] {
        stage.troubles(&subject).await;
    }
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    let (_appliance, stage) = stage().await;
    for subject in [address(), group(), policy(), virtual_ip()] {
        stage.doubt(&subject).await;
    }
}
