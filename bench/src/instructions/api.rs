//! Requests at the router, without a socket before it or behind it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bench_driver::{KIND, sample};
use bytes::Bytes;
use crosspoint::api::{App, router};
use crosspoint::auth::{Authenticator, TokenDigest, TokenEntry};
use crosspoint::config::LimitsSection;
use crosspoint::driver::PackageStore;
use crosspoint::mapping::Ledger;
use crosspoint::relay::{Parts, Relay, Retention};
use crosspoint::secrets::Keyring;
use crosspoint::sync::{Options, SingleNode};
use crosspoint::telemetry::Metrics;
use crosspoint::transport::Reach;
use http_body_util::BodyExt as _;
use hyper::Request;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::work::{Once, engine};
use crate::host::CALLER;
use crate::places;

/// The host's inside, with one backend that nobody is at.
struct Inside {
    runtime: Runtime,
    router: Router,
    _folder: TempDir,
}

/// A creation of 1 KB, shown and not sent: all of a call but the exchange and its record.
pub fn dry_run() -> Result<Once> {
    let inside = Inside::new()?;
    let body = Bytes::from(json!({"spec": sample::spec(1 << 10)}).to_string());
    let uri = format!("/v1/backends/fw-dc1/objects/{KIND}/policy-1?dry_run=true");
    Ok(Box::new(move || inside.ask("PUT", &uri, &body, 200)))
}

/// A call that is refused, and told why.
pub fn problem() -> Result<Once> {
    let inside = Inside::new()?;
    let uri = format!("/v1/backends/fw-dc1/objects/{KIND}/unknown");
    Ok(Box::new(move || inside.ask("GET", &uri, &Bytes::new(), 404)))
}

impl Inside {
    fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let relay = Relay::new(Parts {
            store: Arc::new(SingleNode::open(folder.path().join("store"), Ledger, Options::default())?),
            engine: Arc::new(engine()?),
            packages: PackageStore::open(folder.path().join("packages"))?,
            keyring: Keyring::open_or_create(&folder.path().join("key"))?,
            metrics: Arc::new(Metrics::new("bench")),
            retention: Retention {
                idempotency: Duration::from_hours(24),
                idempotency_keys: 1000,
                operations: 1000,
                events: 1000,
            },
            queued_per_backend: 16,
            reach: Arc::new(Reach::default()),
        })?;
        let relay = Arc::new(relay);
        let settings = json!({"driver": "bench", "endpoints": {"default": "http://127.0.0.1:1"}});
        runtime.block_on(async {
            relay.load_driver(places::driver("bench")?, "bench", true).await?;
            relay.put_backend("fw-dc1", serde_json::from_value(settings)?).await?;
            anyhow::Ok(())
        })?;
        let token: TokenEntry = serde_json::from_value(json!({
            "name": "cmp", "role": "caller", "tenant": "acme", "sha256": TokenDigest::of(CALLER.as_bytes()),
        }))?;
        let app = App::new(relay, Authenticator::with_tokens(&[token]), &LimitsSection::default(), 1 << 20);
        Ok(Self { runtime, router: router(app), _folder: folder })
    }

    fn ask(&self, method: &str, uri: &str, body: &Bytes, status: u16) -> Result<()> {
        let mut request = Request::builder().method(method).uri(uri).body(Body::from(body.clone()))?;
        request.headers_mut().insert("authorization", format!("Bearer {CALLER}").parse()?);
        request.headers_mut().insert("content-type", "application/json".parse()?);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))));
        self.runtime.block_on(async {
            let (head, body) = self.router.clone().oneshot(request).await?.into_parts();
            let body = body.collect().await.map_err(|error| anyhow!("{error}"))?.to_bytes();
            let said = String::from_utf8_lossy(&body);
            ensure!(head.status.as_u16() == status, "{method} {uri} was answered {}: {said}", head.status);
            Ok(())
        })
    }
}
