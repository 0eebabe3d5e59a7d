//! The HTTP transport, on hyper's pooling client.
//!
//! # What is tried again, and what is not
//!
//! A pooled connection may have been closed by the backend while it lay idle. hyper hands a request back, whole, when
//! its connection ended before the request had been taken from the connection's queue; not one byte of it was written
//! then. Only such a request, and only if its connection had been used before, is put on another connection
//! (`retry_canceled_requests`). That is why the setting is on: it never repeats anything, it only chooses a live
//! connection. A request of which a first byte may have left is never sent again from here, whatever its method.
//!
//! # What a dropped or failed exchange leaves behind
//!
//! hyper's pool takes an HTTP/1.1 connection back only when its reply has been read to the end, so an exchange that is
//! dropped, times out, or breaks off an oversized reply closes its connection. On HTTP/2 only its stream is reset; a
//! connection that has silently died is found by pings and closed.

pub(super) mod carrier;
mod connector;
pub(super) mod failure;
pub(super) mod headers;
mod target;

use std::sync::Arc;

use bytes::Bytes;
use crosspoint_contract::{Description, Header, HttpReply, HttpRequest};
use http::{HeaderMap, Method, Request, header};
use http_body_util::Full;
use tokio::time::Instant;

use self::carrier::Carrier;
use self::target::Endpoint;
use super::rendered::REDACTED;
use super::{Authorization, Rendered, Settings, SettingsError, Stats, TransportError};

/// The way to one backend over HTTP/1.1 or HTTP/2.
#[derive(Debug)]
pub struct HttpTransport {
    carrier: Carrier,
}

impl HttpTransport {
    /// Builds the transport; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub fn new(description: &Description, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self { carrier: Carrier::new(description, settings, Arc::default())? })
    }

    /// Makes one exchange with the endpoint of this role and waits for its whole reply: at most the connect timeout
    /// for a connection, then at most the reply timeout, and in any case not beyond `deadline`.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up; the backend may or may not have received it. No half-used connection
    /// stays behind (see the module's documentation).
    pub async fn exchange(
        &self,
        role: &str,
        request: &HttpRequest,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<HttpReply, TransportError> {
        let outcome = self.perform(role, request, authorization, deadline).await;
        self.stats().ended(&outcome);
        outcome
    }

    async fn perform(
        &self,
        role: &str,
        request: &HttpRequest,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<HttpReply, TransportError> {
        let endpoint = self.carrier.endpoint(role)?;
        let prepared = prepare(endpoint, request, authorization).map_err(TransportError::refused)?;
        let carried = self.carrier.carry(prepared, deadline).await?;
        // Trailers have no place in a driver's reply.
        let headers = plain(&carried.head.headers).collect();
        Ok(HttpReply { status: carried.head.status.as_u16(), headers, body: carried.body.into() })
    }

    /// What [`HttpTransport::exchange`] would send, with secrets as `***`. Sends nothing.
    ///
    /// # Errors
    /// What [`HttpTransport::exchange`] would refuse to send.
    pub fn render(
        &self,
        role: &str,
        request: &HttpRequest,
        authorization: &Authorization,
    ) -> Result<Rendered, TransportError> {
        let endpoint = self.carrier.endpoint(role)?;
        let prepared = prepare(endpoint, request, authorization).map_err(TransportError::refused)?;
        let query = authorization.query().map(|(name, _)| name);
        let shown = |header: &Header| {
            let secret = ["authorization", "cookie"].iter().any(|name| header.name.eq_ignore_ascii_case(name));
            let value = if secret { REDACTED.into() } else { header.value.clone() };
            Header { name: header.name.clone(), value }
        };
        let added = redacted(authorization);
        Ok(Rendered {
            method: Some(prepared.method().to_string()),
            url: endpoint.redacted(&request.target, query).map_err(TransportError::refused)?,
            headers: request.headers.iter().map(shown).chain(added).collect(),
            body: request.body.clone(),
        })
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        self.carrier.stats()
    }
}

/// The headers that a session adds, for people to read.
pub(super) fn redacted(authorization: &Authorization) -> impl Iterator<Item = Header> {
    authorization.headers().map(|(name, _)| Header { name: name.to_string(), value: REDACTED.into() })
}

/// Headers as a driver sees them.
pub(super) fn plain(headers: &HeaderMap) -> impl Iterator<Item = Header> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().into()).into())
}

/// Turns a driver's request into the one to send, or says why it is refused.
fn prepare(
    endpoint: &Endpoint,
    request: &HttpRequest,
    authorization: &Authorization,
) -> Result<Request<Full<Bytes>>, String> {
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        other => {
            let other = other.escape_debug();
            return Err(format!("method `{other}` is refused; there are GET, HEAD, POST, PUT, PATCH and DELETE"));
        }
    };
    let uri = endpoint.uri(&request.target, authorization.query())?;
    let mut headers = headers::collect(&request.headers, authorization)?;
    // RFC 9110, section 8.6: said even of an empty body where the method expects one, which some servers insist on.
    if !request.body.is_empty() || matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(header::CONTENT_LENGTH, request.body.0.len().into());
    }
    let mut prepared = Request::new(Full::new(Bytes::from(request.body.0.clone())));
    *prepared.method_mut() = method;
    *prepared.uri_mut() = uri;
    *prepared.headers_mut() = headers;
    Ok(prepared)
}
