//! Unary gRPC calls: bytes in, bytes and status out, on the HTTP/2 connections that `http` makes.
//!
//! What the words on the wire are is gRPC's own document, *gRPC over HTTP2*: a POST to `/package.Service/Method`, the
//! message behind a prefix of five bytes, and the call's status in the trailers.
//!
//! **Invariant:** a reply reaches the driver only with a status. Without one the call's end was not seen, whatever came
//! before it.

mod frame;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_contract::{Description, Exchange, Header, HttpReply, Reply, Request};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::Full;
use tokio::time::Instant;

use self::frame::PREFIX;
use super::http::carrier::{Carried, Carrier};
use super::http::{headers, plain, redacted};
use super::{Authorization, ErrorKind, HttpVersion, Rendered, Settings, SettingsError, Stats, TransportError};
use crate::sent::Sent;

pub use frame::{GrpcFrameError, grpc_frame, grpc_unframe};

/// The name of the extension of an exchange that says which method is called.
const PATH: &str = "path";
/// The longest path, in bytes.
const PATH_BYTES: usize = 512;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
/// Says that trailers are understood; servers refuse calls without it, because a proxy that drops them would hide how
/// calls end.
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

/// Unary gRPC calls over HTTP/2: bytes in, bytes and status out.
#[derive(Debug)]
pub struct GrpcTransport {
    carrier: Carrier,
}

impl GrpcTransport {
    /// Builds the transport; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub fn new(description: &Description, settings: &Settings) -> Result<Self, SettingsError> {
        if settings.http_version == HttpVersion::Http11 {
            return Err(SettingsError::one("/http_version", "gRPC needs HTTP/2"));
        }
        // On a cleartext endpoint there is nothing to negotiate with: every gRPC server expects HTTP/2 there.
        let settings = Settings { http_version: HttpVersion::Http2, ..settings.clone() };
        let carrier = Carrier::new(description, &settings, Arc::default())?;
        Ok(Self { carrier: carrier.with_room_for(PREFIX) })
    }

    /// Makes one call and waits for its message and its status: at most the connect timeout for a connection, then at most
    /// the reply timeout, and in any case not beyond `deadline`. The server is told how long it has.
    ///
    /// Any status is a reply: an HTTP one with the headers and the trailers of the call, and the message as its body.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the call up and resets its stream; the backend may or may not have received it.
    pub async fn exchange(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        let outcome = self.perform(exchange, authorization, deadline).await;
        self.stats().ended(&outcome);
        outcome.map(Reply::Http)
    }

    async fn perform(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<HttpReply, TransportError> {
        let request = self.prepare(exchange, authorization, deadline)?;
        understand(self.carrier.carry(request, deadline).await?)
    }

    /// What [`GrpcTransport::exchange`] would send, without the prefix of the message, and with secrets as `***`. Sends
    /// nothing.
    ///
    /// # Errors
    /// What [`GrpcTransport::exchange`] would refuse to send.
    pub fn render(&self, exchange: &Exchange, authorization: &Authorization) -> Result<Rendered, TransportError> {
        let request = self.prepare(exchange, authorization, None)?;
        let own = request.headers().iter().filter(|(name, _)| authorization.headers().all(|(added, _)| added != name));
        let own = own.map(|(name, value)| Header { name: name.to_string(), value: value.as_bytes().to_vec() });
        Ok(Rendered {
            method: Some(request.method().to_string()),
            url: request.uri().to_string(),
            headers: own.chain(redacted(authorization)).collect(),
            body: message(exchange).map_err(TransportError::refused)?.clone(),
        })
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        self.carrier.stats()
    }

    fn prepare(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<http::Request<Full<Bytes>>, TransportError> {
        let endpoint = self.carrier.endpoint(&exchange.endpoint)?;
        let patience = self.carrier.patience(deadline);
        let prepare = || {
            let message = message(exchange)?;
            let path = path(exchange)?;
            if authorization.query().next().is_some() {
                return Err("a gRPC call has no query: the session must be a header".to_owned());
            }
            let body = grpc_frame(message.as_ref()).ok_or("the message is longer than gRPC can say")?;
            let mut request = http::Request::new(Full::new(Bytes::from(body)));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = endpoint.uri(path, std::iter::empty())?;
            *request.headers_mut() = metadata(authorization, patience)?;
            Ok(request)
        };
        prepare().map_err(TransportError::refused)
    }
}

fn message(exchange: &Exchange) -> Result<&crosspoint_contract::Bytes, String> {
    match &exchange.request {
        Request::Message(message) => Ok(message),
        Request::Http(_) | Request::Command(_) => {
            Err("the driver describes framing `grpc`: its exchanges are messages".to_owned())
        }
    }
}

/// The method's path, `/package.Service/Method`: names of protobuf and nothing else, so there is nothing to encode.
fn path(exchange: &Exchange) -> Result<&str, String> {
    let mut paths = exchange.extensions.iter().filter(|(name, _)| name == PATH).map(|(_, path)| path.as_str());
    let (Some(path), None) = (paths.next(), paths.next()) else {
        return Err(format!("a gRPC exchange has one extension `{PATH}`, which names the method"));
    };
    let name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    match parts {
        Some((service, method)) if path.len() <= PATH_BYTES && service.split('.').all(name) && name(method) => Ok(path),
        _ => {
            Err(format!("`{:.64}` is no path of a gRPC method, such as `/package.Service/Method`", path.escape_debug()))
        }
    }
}

/// The headers of a call: the session's, and those that gRPC asks for.
fn metadata(authorization: &Authorization, patience: Duration) -> Result<HeaderMap, String> {
    let mut headers = headers::collect(&[], authorization)?;
    let ours = |name: &&HeaderName| **name == header::CONTENT_TYPE || name.as_str().starts_with("grpc-");
    if let Some(name) = headers.keys().find(ours) {
        return Err(format!("header `{name}` is gRPC's own: a session cannot set it"));
    }
    headers.insert(header::TE, TRAILERS);
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(TIMEOUT, timeout(patience));
    Ok(headers)
}

/// A time as gRPC writes it, at most eight digits and a unit. No wait is longer than 24 hours, so milliseconds do.
fn timeout(patience: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let ms = patience.as_millis().clamp(1, MOST);
    HeaderValue::from_str(&format!("{ms}m")).unwrap_or(HeaderValue::from_static("1m"))
}

fn understand(carried: Carried) -> Result<HttpReply, TransportError> {
    let Carried { head, mut body, trailers } = carried;
    let broken = |message: String| TransportError::new(ErrorKind::Protocol, Sent::Yes, message);
    // A call that fails at once may be answered with its trailers alone, which HTTP/2 shows as headers.
    let status = trailers.as_ref().unwrap_or(&head.headers).get(STATUS);
    let Some(status) = status else {
        return Err(broken(match head.status.as_u16() {
            200 if is_grpc(&head.headers) => "the reply ends without a gRPC status".to_owned(),
            200 => "the reply is no gRPC: it has another content type".to_owned(),
            other => format!("the backend, or a proxy before it, answered HTTP {other} and no gRPC status"),
        }));
    };
    if status.to_str().ok().and_then(|status| status.parse::<u32>().ok()).is_none() {
        return Err(broken("the reply's gRPC status is no number".to_owned()));
    }
    let message = grpc_unframe(&body).map_err(|error| broken(format!("the reply is no unary gRPC: {error}")))?;
    if status == "0" && message.is_none() {
        return Err(broken("the call succeeded, but its reply holds no message".to_owned()));
    }
    // The prefix goes, and what is left is the message.
    drop(body.drain(..body.len().min(PREFIX)));
    let trailers = trailers.unwrap_or_default();
    let headers = plain(&head.headers).chain(plain(&trailers)).collect();
    Ok(HttpReply { status: head.status.as_u16(), headers, body: body.into() })
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
