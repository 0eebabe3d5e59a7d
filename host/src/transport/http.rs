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

mod connector;
pub(super) mod failure;
pub(super) mod headers;
mod target;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_contract::{Description, Header, HttpReply, HttpRequest};
use http::{Method, Request, header, response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, sleep_until, timeout_at};

use self::connector::Connector;
use self::headers::HEAD_BYTES;
use self::target::Endpoint;
use super::rendered::REDACTED;
use super::settings::pointer;
use super::{
    Authorization, ErrorKind, HttpVersion, Reach, Rendered, Settings, SettingsError, Stats, TransportError, tls,
};
use crate::sent::Sent;

/// How often an HTTP/2 connection is pinged, and how long an answer may take. Without it, an appliance that vanished
/// without a word would make every exchange wait out its whole reply timeout.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How much memory a reply's claimed length may reserve before its bytes have come.
const RESERVED: usize = 64 * 1024;

/// The way to one backend over HTTP/1.1 or HTTP/2.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client<Connector, Full<Bytes>>,
    endpoints: BTreeMap<String, Endpoint>,
    connect_timeout: Duration,
    reply_timeout: Duration,
    reply_size: usize,
    stats: Arc<Stats>,
}

impl HttpTransport {
    /// Builds the transport; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub fn new(description: &Description, settings: &Settings) -> Result<Self, SettingsError> {
        let mut errors = SettingsError::default();
        settings.check(description, &mut errors);
        let mut endpoints = BTreeMap::new();
        for (role, address) in &settings.endpoints {
            match Endpoint::parse(address).and_then(|endpoint| permitted(endpoint, &settings.reach)) {
                Ok(endpoint) => drop(endpoints.insert(role.clone(), endpoint)),
                Err(reason) => errors.add(pointer("endpoints", role), reason),
            }
        }
        let uses_tls = endpoints.values().any(Endpoint::is_tls);
        let protocols: &[&[u8]] = match settings.http_version {
            HttpVersion::Auto => &[b"h2", b"http/1.1"],
            HttpVersion::Http11 => &[b"http/1.1"],
            HttpVersion::Http2 => &[b"h2"],
        };
        let trust = tls::trust(&settings.tls, protocols, uses_tls);
        let trust = match trust {
            Ok(trust) if errors.violations.is_empty() => trust,
            Ok(_) => return Err(errors),
            Err(more) => return Err(errors.and(more)),
        };
        let stats = Arc::new(Stats::default());
        let connector = Connector::new(trust, settings, Arc::clone(&stats));
        Ok(Self {
            client: client(connector, settings),
            endpoints,
            connect_timeout: settings.connect_timeout,
            reply_timeout: settings.effective_reply_timeout(description),
            reply_size: settings.effective_reply_size(description),
            stats,
        })
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
        match &outcome {
            Ok(_) => self.stats.answered(),
            Err(error) => self.stats.failed(error.kind),
        }
        outcome
    }

    async fn perform(
        &self,
        role: &str,
        request: &HttpRequest,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<HttpReply, TransportError> {
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(TransportError::new(
                ErrorKind::ReplyTimeout,
                Sent::No,
                "the deadline passed before the exchange",
            ));
        }
        let mut prepared = prepare(self.endpoint(role)?, request, authorization).map_err(TransportError::refused)?;
        let mut clock = pin!(self.clock(capture_connection(&mut prepared), deadline));
        self.stats.body_sent(request.body.0.len());
        let reply = tokio::select! {
            biased;
            reply = self.client.request(prepared) => reply.map_err(|error| failure::before_head(&error))?,
            late = &mut clock => return Err(late),
        };
        let (head, body) = reply.into_parts();
        let body = tokio::select! {
            biased;
            body = self.collect(&head, body) => body?,
            late = clock => return Err(TransportError { sent: Sent::Yes, ..late }),
        };
        let headers =
            head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().into()).into());
        Ok(HttpReply { status: head.status.as_u16(), headers: headers.collect(), body: body.into() })
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
        let endpoint = self.endpoint(role)?;
        let prepared = prepare(endpoint, request, authorization).map_err(TransportError::refused)?;
        let query = authorization.query().map(|(name, _)| name);
        let shown = |header: &Header| {
            let secret = ["authorization", "cookie"].iter().any(|name| header.name.eq_ignore_ascii_case(name));
            let value = if secret { REDACTED.into() } else { header.value.clone() };
            Header { name: header.name.clone(), value }
        };
        let added = authorization.headers().map(|(name, _)| Header { name: name.to_string(), value: REDACTED.into() });
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
        &self.stats
    }

    fn endpoint(&self, role: &str) -> Result<&Endpoint, TransportError> {
        self.endpoints.get(role).ok_or_else(|| {
            let message = format!("endpoint role `{role}` has no address: set {}", pointer("endpoints", role));
            TransportError::new(ErrorKind::Settings, Sent::No, message)
        })
    }

    /// Ends when the exchange has taken too long; says so as if no reply had begun.
    async fn clock(&self, mut connection: CaptureConnection, deadline: Option<Instant>) -> TransportError {
        let connect_by = earliest(self.connect_timeout, deadline);
        let waited = timeout_at(connect_by, connection.wait_for_connection_metadata()).await.is_err();
        if waited && connection.connection_metadata().is_none() {
            return TransportError::new(ErrorKind::ConnectTimeout, Sent::No, "no connection to the backend in time");
        }
        sleep_until(earliest(self.reply_timeout, deadline)).await;
        TransportError::new(ErrorKind::ReplyTimeout, Sent::Maybe, "the backend did not send a whole reply in time")
    }

    async fn collect(&self, head: &response::Parts, mut body: Incoming) -> Result<Vec<u8>, TransportError> {
        let broken = |kind, message: String| TransportError::new(kind, Sent::Yes, message);
        if head.status.is_informational() {
            return Err(broken(ErrorKind::Protocol, format!("the backend answered {} unasked", head.status)));
        }
        // hyper refuses most heads that are too large while it reads them, but its limits are not exact.
        if !headers::within_limits(head.headers.iter().map(|(name, value)| name.as_str().len() + value.len())) {
            return Err(broken(ErrorKind::TooLarge, "the reply's head is too large".to_owned()));
        }
        let too_large = || broken(ErrorKind::TooLarge, format!("the reply's body exceeds {} bytes", self.reply_size));
        let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if claimed > self.reply_size {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(claimed.min(RESERVED));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| failure::after_head(&error))?;
            if let Some(data) = frame.data_ref() {
                self.stats.body_received(data.len());
                if bytes.len() + data.len() > self.reply_size {
                    return Err(too_large());
                }
                bytes.extend_from_slice(data);
            }
        }
        Ok(bytes)
    }
}

fn client(connector: Connector, settings: &Settings) -> Client<Connector, Full<Bytes>> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .retry_canceled_requests(true)
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(settings.idle_timeout)
        .http1_max_buf_size(HEAD_BYTES)
        .http2_only(settings.http_version == HttpVersion::Http2)
        .http2_max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true);
    builder.build(connector)
}

/// Refuses at once an address that no connection would be made to. Names are judged by what they are resolved to, then.
fn permitted(endpoint: Endpoint, reach: &Reach) -> Result<Endpoint, String> {
    endpoint.address().map_or(Ok(()), |address| reach.judge(address)).map_err(|barred| barred.to_string())?;
    Ok(endpoint)
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

/// The end of a wait that begins now. The settings keep waits short enough for the sum to exist.
fn earliest(wait: Duration, deadline: Option<Instant>) -> Instant {
    let end = Instant::now() + wait;
    deadline.map_or(end, |deadline| deadline.min(end))
}
