//! A switch with EOS as its eAPI shows it, written from the vendor's guide to eAPI and its manual of the command line: one
//! JSON-RPC method, which runs command lines in order until one fails, and configuration sessions.

mod cli;
mod configuration;
mod rpc;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use cli::Switch;

/// The user's name.
pub const USER: &str = "crosspoint";
/// The user's password.
pub const PASSWORD: &str = "eos:pass word";

/// A switch of 128 ports. Dropped, it stops.
pub struct Simulator {
    address: SocketAddr,
    switch: Arc<Mutex<Switch>>,
    serving: AbortHandle,
}

impl Simulator {
    /// Starts one with nothing configured.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let switch = Arc::new(Mutex::new(Switch::with_ports(128)));
        let shared = switch.clone();
        let handler = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let mut switch = shared.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&mut switch, &method, &uri, &headers, &body)
        };
        let serving = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { address, switch, serving: serving.abort_handle() }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What `show running-config` says, more or less: only what differs from the factory's settings.
    pub fn running(&self) -> Vec<String> {
        self.switch().running.lines()
    }

    /// The same of the configuration that the switch starts with.
    pub fn startup(&self) -> Vec<String> {
        self.switch().startup.lines()
    }

    /// The configuration sessions that are open.
    pub fn sessions(&self) -> Vec<String> {
        self.switch().sessions.keys().cloned().collect()
    }

    /// What somebody does who sits at the switch: these command lines.
    pub fn by_hand(&self, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        self.switch().run(&lines).unwrap();
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(switch: &mut Switch, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if uri.path() != "/command-api" || uri.query().is_some() {
        return page(StatusCode::NOT_FOUND);
    }
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if text(header::AUTHORIZATION) != expected {
        let mut refused = page(StatusCode::UNAUTHORIZED);
        let challenge = header::HeaderValue::from_static("Basic realm=\"COMMAND_API_AUTH\"");
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return refused;
    }
    if method != Method::POST {
        return page(StatusCode::METHOD_NOT_ALLOWED);
    }
    if !["application/json", "application/json-rpc"].contains(&text(header::CONTENT_TYPE)) {
        return page(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let reply: Value = rpc::answer(switch, body);
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], reply.to_string()).into_response()
}

fn page(status: StatusCode) -> Response {
    let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}
