//! Any request to the API of a host that knows two tenants: it is answered, never with a defect, errors always as
//! problems, and nothing of the other tenant's is in any answer.
//!
//! The input is text: `METHOD TARGET`, then a line `Name: value` for each header, an empty line, the body.

use std::cell::LazyCell;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use crosspoint::api::{App, router};
use crosspoint::auth::{Authenticator, Role, Token, TokenEntry};
use crosspoint::config::LimitsSection;
use crosspoint::driver::{Engine, EngineConfig, PackageStore};
use crosspoint::mapping::Ledger;
use crosspoint::relay::{Parts, Relay, Retention};
use crosspoint::secrets::Keyring;
use crosspoint::sync::{Options, Replica, SingleNode};
use crosspoint::telemetry::Metrics;
use crosspoint::transport::Reach;
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::{cursor, problem};

/// The other tenant, whose name no answer may hold unless the request did.
const OTHER: &str = "globex";
/// No answer about these few records is longer.
const LARGEST: usize = 1024 * 1024;

struct Host {
    runtime: Runtime,
    router: Router,
    token: Token,
    _folder: TempDir,
}

thread_local! {
    static HOST: LazyCell<Host> = LazyCell::new(Host::start);
}

impl Host {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = TempDir::new().unwrap();
        let token = Token::generate().unwrap();
        let caller = TokenEntry {
            name: "cmp".to_owned(),
            sha256: token.digest(),
            role: Role::Caller,
            tenant: Some("acme".parse().unwrap()),
            backends: None,
            kinds: None,
            expires_at: None,
        };
        let store = Arc::new(SingleNode::open(folder.path().join("store"), Ledger, Options::default()).unwrap());
        let relay = Relay::new(Parts {
            store: Arc::clone(&store) as _,
            engine: Arc::new(Engine::new(EngineConfig { instances: 1, ..EngineConfig::default() }).unwrap()),
            packages: PackageStore::open(folder.path().join("packages")).unwrap(),
            keyring: Keyring::open_or_create(&folder.path().join("key")).unwrap(),
            metrics: Arc::new(Metrics::new("0.0.0")),
            retention: retention(),
            queued_per_backend: 1,
            reach: Arc::new(Reach::default()),
        });
        let relay = Arc::new(relay.unwrap());
        runtime.block_on(async {
            for command in cursor::commands() {
                store.propose(command).await.unwrap().response.unwrap();
            }
        });
        let limits = LimitsSection { body_bytes: 4096, ..LimitsSection::default() };
        let app = App::new(relay, Authenticator::with_tokens([&caller]), &limits, 4096);
        Self { runtime, router: router(app), token, _folder: folder }
    }
}

fn retention() -> Retention {
    let limits = LimitsSection::default();
    Retention {
        idempotency: std::time::Duration::from_hours(24),
        idempotency_keys: limits.idempotency_keys,
        operations: limits.operations,
        events: limits.events,
    }
}

/// Any bytes as a request.
pub fn target(bytes: &[u8]) {
    let Some((status, body)) = answer(bytes) else { return };
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.len() <= LARGEST, "{} bytes", body.len());
    let told = contains(bytes, OTHER.as_bytes());
    assert!(told || !contains(&body, OTHER.as_bytes()), "another tenant's: {}", body.escape_ascii());
}

/// What the host answers, if it is asked at all and the answer ends.
fn answer(bytes: &[u8]) -> Option<(StatusCode, Bytes)> {
    HOST.with(|host| {
        let request = request(bytes, host.token.expose())?;
        let head = request.method() == "HEAD";
        host.runtime.block_on(async {
            let response = host.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
            if kind == Some("text/event-stream") {
                return None;
            }
            let body = body.collect().await.expect("a body is whole").to_bytes();
            if parts.status.as_u16() >= 400 && !head {
                assert_eq!(kind, Some("application/problem+json"), "{}", body.escape_ascii());
                problem::well_formed(&serde_json::from_slice(&body).unwrap(), parts.status.as_u16());
            }
            Some((parts.status, body))
        })
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

/// What hyper would make of it; none where it would not let it pass.
fn request(bytes: &[u8], token: &str) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..end], bytes.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = std::str::from_utf8(lines.next()?).ok()?;
    let (method, target) = first.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let colon = line.windows(2).position(|pair| pair == b": ")?;
        request = request.header(&line[..colon], &line[colon + 2..]);
    }
    if !request.headers_ref()?.contains_key(header::AUTHORIZATION) {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
    request.extension(peer).body(Body::from(body.to_vec())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The target is worth something only if there is something to be seen.
    #[test]
    fn the_host_shows_its_caller_what_is_the_callers_own() {
        let asked = |text: &str| {
            let (status, body) = answer(text.as_bytes()).unwrap();
            (status.as_u16(), serde_json::from_slice::<Value>(&body).unwrap())
        };
        let (status, list) = asked("GET /v1/mappings?limit=1000\n\n");
        assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(16)), "{list}");
        let own = "01".repeat(16);
        let (status, operation) = asked(&format!("GET /v1/operations/{own}\n\n"));
        assert_eq!((status, &operation["tenant"]), (200, &"acme".into()));
        let (status, problem) = asked(&format!("GET /v1/operations/{}\n\n", "03".repeat(16)));
        assert_eq!((status, &problem["code"]), (404, &"unknown_operation".into()));
    }
}
