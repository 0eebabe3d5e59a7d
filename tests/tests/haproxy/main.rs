//! The driver `haproxy-firewall` before a real HAProxy, whose ACLs and maps deny real requests.
//!
//! It is Debian's HAProxy 2.6, with the runtime API on a loopback port, and a proxy before that which counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod entries;
mod messages;
mod requests;
mod suite;
mod testbed;

use anyhow::Result;
use crosspoint_tests::host::Reply;
use crosspoint_tests::suite::{FramedFarSide, Stage};
use serde_json::{Value, json};

use messages::Lines;
use testbed::HaProxy;

/// An HAProxy, and a Crosspoint before its runtime API.
struct Scene {
    // Dropped first, so that nobody calls an HAProxy that is gone.
    stage: Stage<FramedFarSide>,
    haproxy: HaProxy,
}

impl Scene {
    /// None where this machine cannot run HAProxy.
    async fn set() -> Result<Option<Self>> {
        let Some(haproxy) = HaProxy::start().await? else { return Ok(None) };
        let far = FramedFarSide::before(haproxy.runtime_api(), Lines).await?;
        let configuration = json!({"acls": ["deny.acl", "agents.acl"], "maps": ["paths.map"]});
        Self::with(haproxy, far, configuration).await.map(Some)
    }

    async fn with(haproxy: HaProxy, far: FramedFarSide, configuration: Value) -> Result<Self> {
        let settings = json!({
            "endpoints": {"default": far.url()},
            "authentication": {"scheme": "none"},
            "configuration": configuration,
        });
        Ok(Self { stage: Stage::set("haproxy-firewall", settings, far).await, haproxy })
    }

    /// Creates an entry with one exchange; gives what the caller is told.
    async fn put(&self, path: &str, spec: &Value) -> Reply {
        let put = self.stage.acme().put(path).json(&json!({"spec": spec}));
        self.stage.one("a creation", put).await
    }
}

/// The path of an entry of an ACL.
fn acl_entry(cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/acl-entry/{cmp_id}")
}

/// The path of an entry of a map.
fn map_entry(cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/map-entry/{cmp_id}")
}
