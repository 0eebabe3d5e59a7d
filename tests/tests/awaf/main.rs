//! The driver `awaf` before a simulated F5 Advanced WAF.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod applying;
mod doubts;
mod sessions;
mod simulator;
mod suite;

use crosspoint_tests::host::{Call, Reply};
use crosspoint_tests::suite::{HttpFarSide, Stage, Trouble};
use serde_json::{Value, json};

use simulator::{PASSWORD, Simulator, USERNAME};

/// An appliance, and a Crosspoint before it.
struct Scene {
    // Dropped first, so that nobody calls an appliance that is gone.
    stage: Stage<HttpFarSide>,
    appliance: Simulator,
}

impl Scene {
    async fn set() -> Self {
        Self::with_password(PASSWORD).await
    }

    async fn with_password(password: &str) -> Self {
        let appliance = Simulator::start().await;
        let ended = r#"{"code":401,"message":"X-F5-Auth-Token does not exist.","kind":":resterrorresponse"}"#;
        let far = HttpFarSide::before(appliance.url()).await.unwrap().logins("/mgmt/shared/").answering(
            Trouble::Unauthenticated,
            401,
            &[],
            ended,
        );
        let settings = json!({
            "endpoints": {"default": far.url()},
            "authentication": {"scheme": "login", "secrets": {"username": USERNAME, "password": password}},
        });
        Self { stage: Stage::set("awaf", settings, far).await, appliance }
    }

    fn put(&self, kind: &str, cmp_id: &str, spec: &Value) -> Call {
        self.stage.acme().put(&object(kind, cmp_id)).json(&json!({"spec": spec}))
    }

    /// Creates a policy of this name, which is also the CMP's id of it.
    async fn policy(&self, name: &str) -> Reply {
        self.stage.one("a creation", self.put("policy", name, &json!({"name": name}))).await.expect(201)
    }
}

fn object(kind: &str, cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/{kind}/{cmp_id}")
}
