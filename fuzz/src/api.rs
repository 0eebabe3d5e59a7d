//! Any request to the API of a host that knows two tenants: it is answered, never with a defect, errors always as
//! problems, and nothing of the other tenant's is in any answer.
//!
//! The input is text: `METHOD TARGET`, then a line `Name: value` for each header, an empty line, the body.

use std::cell::LazyCell;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
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
    HOST.with(|host| {
        let Some(request) = request(bytes, host.token.expose()) else { return };
        let head = request.method() == "HEAD";
        host.runtime.block_on(async {
            let response = host.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
            assert_ne!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
            if kind.as_deref() == Some("text/event-stream") {
                return;
            }
            let body = body.collect().await.expect("a body is whole").to_bytes();
            assert!(body.len() <= LARGEST, "{} bytes", body.len());
            let told = contains(bytes, OTHER.as_bytes());
            assert!(told || !contains(&body, OTHER.as_bytes()), "another tenant's: {}", body.escape_ascii());
            if parts.status.as_u16() >= 400 && !head {
                assert_eq!(kind.as_deref(), Some("application/problem+json"), "{}", body.escape_ascii());
                problem::well_formed(&serde_json::from_slice(&body).unwrap(), parts.status.as_u16());
            }
        });
    });
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
