//! The driver `neo` before a simulated NVIDIA NEO.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod jobs;
mod resources;
mod sessions;
mod simulator;
mod suite;

use crosspoint_tests::host::Call;
use crosspoint_tests::suite::{HttpFarSide, Stage};
use serde_json::{Value, json};

use simulator::{Changes, PASSWORD, Simulator, USERNAME, Unknown};

/// A NEO, and a Crosspoint before it.
struct Scene {
    // Dropped first, so that nobody calls a NEO that is gone.
    stage: Stage<HttpFarSide>,
    neo: Simulator,
}

impl Scene {
    async fn set(changes: Changes) -> Self {
        Self::with(changes, Unknown::Unauthorized, PASSWORD).await
    }

    async fn with(changes: Changes, unknown: Unknown, password: &str) -> Self {
        let neo = Simulator::start(changes, unknown).await;
        let far = HttpFarSide::before(neo.url()).await.unwrap().logins("/neo/login");
        let settings = json!({
            "endpoints": {"default": far.url()},
            "authentication": {"scheme": "login", "secrets": {"username": USERNAME, "password": password}},
        });
        Self { stage: Stage::set("neo", settings, far).await, neo }
    }

    fn put(&self, cmp_id: &str, spec: &Value) -> Call {
        self.stage.acme().put(&service(cmp_id)).json(&json!({"spec": spec}))
    }
}

fn service(cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/vlan-service/{cmp_id}")
}

/// A service on one port of each switch.
fn blue() -> Value {
    let ports = ["10.0.0.1.port.1", "10.0.0.2.port.1"];
    json!({"name": "blue", "description": "for the blue team", "vlan": 100, "ports": ports})
}
