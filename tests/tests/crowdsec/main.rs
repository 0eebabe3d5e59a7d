//! The driver `crowdsec-waf` before a real CrowdSec Local API, and before what enforces its decisions.
//!
//! The API is Debian's CrowdSec 1.4.6, without its log reader and without its makers' central API. What enforces is
//! Debian's firewall bouncer, in a network namespace of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod decisions;
mod firewall;
mod sessions;
mod suite;
mod testbed;

use anyhow::Result;
use crosspoint_tests::suite::{HttpFarSide, Stage, Trouble};
use serde_json::{Value, json};

use testbed::{CrowdSec, MACHINE, PASSWORD};

/// A Local API, and a Crosspoint before it.
struct Scene {
    // Dropped first, so that nobody calls a Local API that is gone.
    stage: Stage<HttpFarSide>,
    crowdsec: CrowdSec,
}

impl Scene {
    /// None where this machine cannot run CrowdSec.
    async fn set() -> Result<Option<Self>> {
        match CrowdSec::start().await? {
            Some(crowdsec) => Self::before(crowdsec, PASSWORD).await.map(Some),
            None => Ok(None),
        }
    }

    async fn before(crowdsec: CrowdSec, password: &str) -> Result<Self> {
        let far = HttpFarSide::before(&crowdsec.url()).await?.logins("/v1/watchers/login").answering(
            Trouble::Unauthenticated,
            401,
            &[],
            r#"{"code":401,"message":"Token is expired"}"#,
        );
        let settings = json!({
            "endpoints": {"default": far.url()},
            "authentication": {"scheme": "login", "secrets": {"machine_id": MACHINE, "password": password}},
        });
        Ok(Self { stage: Stage::set("crowdsec-waf", settings, far).await, crowdsec })
    }

    /// How many logins there were.
    fn logins(&self) -> usize {
        self.stage.far.proxy().exchanges().iter().filter(|exchange| exchange.target.contains("login")).count()
    }

    /// Creates a decision with one exchange; gives what the caller is told.
    async fn decide(&self, cmp_id: &str, spec: &Value) -> crosspoint_tests::host::Reply {
        let put = self.stage.acme().put(&decision(cmp_id)).json(&json!({"spec": spec}));
        self.stage.one("a creation", put).await.expect(201)
    }
}

/// The path of a decision.
fn decision(cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/decision/{cmp_id}")
}

/// The path of an alert.
fn alert(cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/alert/{cmp_id}")
}

/// A ban.
fn ban(address: &str) -> Value {
    json!({"scope": "Ip", "value": address, "type": "ban", "duration": "4h", "reason": "brute force"})
}
