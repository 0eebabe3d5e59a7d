//! The transport against real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

mod authorization;
mod backend;
mod failures;
mod framed;
mod grpc;
mod oauth2;
mod parting;
mod pooling;
mod sessions;
mod settings;
mod ssh;
mod tls;
mod wire;

use std::time::Duration;

use crosspoint_contract::{
    Description, EndpointRole, Exchange, Header, HttpProtocol, HttpReply, HttpRequest, Json, Limits, Protocol, Reply,
    Request,
};

use super::{Authorization, Settings, Transport, TransportError};

/// What may take a while on a busy machine, but not for ever.
const PATIENCE: Duration = Duration::from_secs(20);

fn describe(protocol: Protocol) -> Description {
    let role = |name: &str, required| EndpointRole { name: name.to_owned(), summary: "An API".to_owned(), required };
    Description {
        name: "example".to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        protocol,
        endpoints: vec![role("default", true), role("identity", false)],
        authentication: Vec::new(),
        configuration_schema: Json::null(),
        kinds: Vec::new(),
        actions: Vec::new(),
        probe: false,
        limits: Limits::default(),
        extensions: Vec::new(),
    }
}

fn http() -> Description {
    describe(Protocol::Http(HttpProtocol::default()))
}

/// Settings for one endpoint, with time-outs that only a broken test meets.
fn settings(address: impl Into<String>) -> Settings {
    Settings {
        endpoints: [("default".to_owned(), address.into())].into(),
        connect_timeout: PATIENCE,
        reply_timeout: Some(PATIENCE),
        idle_timeout: PATIENCE,
        ..Settings::default()
    }
}

fn transport(settings: &Settings) -> Transport {
    Transport::new(&http(), settings).unwrap()
}

fn request(method: &str, target: &str) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: crosspoint_contract::Bytes::default(),
    }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.into() }
}

fn exchange(request: HttpRequest) -> Exchange {
    Exchange {
        context: crosspoint_contract::Bytes::default(),
        endpoint: "default".to_owned(),
        request: Request::Http(request),
        extensions: Vec::new(),
    }
}

async fn send(transport: &Transport, request: HttpRequest) -> Result<HttpReply, TransportError> {
    match transport.exchange(&exchange(request), &Authorization::none()).await? {
        Reply::Http(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

async fn get(transport: &Transport, target: &str) -> Result<HttpReply, TransportError> {
    send(transport, request("GET", target)).await
}
