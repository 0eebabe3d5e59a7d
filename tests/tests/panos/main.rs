//! The driver for PAN-OS, through REST, before a simulated firewall.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod commits;
mod objects;
mod simulator;

use crosspoint_tests::suite::{HttpFarSide, Stage, Trouble};
use serde_json::{Value, json};

use simulator::{KEY, PASSWORD, Simulator, USER};

/// What the firewall says in the place of what it would have said.
const BAD_KEY: &str =
    "<response status = 'error' code = '403'><result><msg>Invalid Credential</msg></result></response>";
const BUSY: &str = "<response status=\"error\" code=\"429\"><msg>Too many requests</msg></response>";

/// A firewall, and a Crosspoint before it that has its key.
async fn keyed() -> (Simulator, Stage<HttpFarSide>) {
    staged(json!({"scheme": "api-key", "secrets": {"key": KEY}})).await
}

/// The same, with a password that is exchanged for the key.
async fn logging_in() -> (Simulator, Stage<HttpFarSide>) {
    staged(json!({"scheme": "login", "secrets": {"username": USER, "password": PASSWORD}})).await
}

async fn staged(authentication: Value) -> (Simulator, Stage<HttpFarSide>) {
    let simulator = Simulator::start().await;
    let far = HttpFarSide::before(&simulator.url()).await.unwrap();
    let far = far
        .logins("/api/?type=keygen")
        .answering(Trouble::Unauthenticated, 403, &[("content-type", "application/xml")], BAD_KEY)
        .answering(Trouble::Throttled, 429, &[("content-type", "application/xml"), ("retry-after", "9")], BUSY);
    let settings = json!({"endpoints": {"default": far.url()}, "authentication": authentication});
    let stage = Stage::set("panos-firewall", settings, far).await;
    (simulator, stage)
}
