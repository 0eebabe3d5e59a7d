//! The driver `etcd` between a CMP and a real etcd, over gRPC. A proxy counts the calls, and etcd's own JSON gateway tells
//! what is true.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod keys;
mod leases;
mod sessions;
mod testbed;

use anyhow::Result;
use crosspoint_tests::suite::{GrpcFarSide, Stage};
use serde_json::{Value, json};

use testbed::Etcd;

/// The method that logs in.
const AUTHENTICATE: &str = "/etcdserverpb.Auth/Authenticate";

/// A stage before this etcd, with this configuration, and no authentication.
async fn stage(etcd: &Etcd, configuration: Value) -> Result<Stage<GrpcFarSide>> {
    let far = GrpcFarSide::before(etcd.address(), Some(AUTHENTICATE)).await?;
    let settings = json!({"endpoints": {"default": far.url()}, "configuration": configuration});
    Ok(Stage::set("etcd", settings, far).await)
}

fn object(kind: &str, cmp_id: &str) -> String {
    format!("/v1/backends/far/objects/{kind}/{cmp_id}")
}
