//! What shows a backend who asks, seen from the backend: on the wire, from the login to the logout.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod keystone;
mod logins;
mod logouts;
mod tokens;

use crosspoint_tests::host::{Host, Options, Recorder, Reply, Who, driver};
use serde_json::{Value, json};

/// A Crosspoint with the driver that does as its backend's answers say.
async fn host() -> Host {
    let host = Host::start(Options { log: "filter = \"debug\"", ..Options::default() }).await;
    host.load_driver(driver("hostile")).await;
    host
}

/// The settings of backend `lab`.
fn settings(url: &str, authentication: &Value) -> Value {
    json!({"driver": "hostile", "endpoints": {"default": url}, "authentication": authentication})
}

/// Makes one exchange: `GET /x`.
async fn ask(host: &Host, cmp_id: &str) -> Reply {
    let body = json!({"spec": {"exchange": {"method": "GET", "target": "/x"}}});
    host.client(Who::Acme).put(&format!("/v1/backends/lab/objects/thing/{cmp_id}")).json(&body).await
}

/// What a backend got, in order: `METHOD target`.
fn lines(backend: &Recorder) -> Vec<String> {
    backend.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
}

/// Fails if one of these stands in the log.
fn assert_unlogged(host: &Host, secrets: &[&str]) {
    let log = host.log();
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} was logged:\n{log}");
    }
}
