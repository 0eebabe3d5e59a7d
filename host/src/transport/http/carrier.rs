//! One HTTP exchange on a pooled connection, whatever it means: what HTTP itself, gRPC and token endpoints have in
//! common.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_contract::Description;
use http::{HeaderMap, Request, Response, response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::connector::Connector;
use super::failure;
use super::headers::{self, HEAD_BYTES};
use super::target::Endpoint;
use crate::sent::Sent;
use crate::transport::settings::pointer;
use crate::transport::{ErrorKind, HttpVersion, Reach, Settings, SettingsError, Stats, TransportError, tls};

/// How often an HTTP/2 connection is pinged, and how long an answer may take. Without it, an appliance that vanished
/// without a word would make every exchange wait out its whole reply timeout.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How much memory a reply's claimed length may reserve before its bytes have come.
const RESERVED: usize = 64 * 1024;

/// Connections to a backend's HTTP endpoints, and the limits of what is done on them.
#[derive(Debug)]
pub(in crate::transport) struct Carrier {
    client: Client<Connector, Full<Bytes>>,
    endpoints: BTreeMap<String, Endpoint>,
    connect_timeout: Duration,
    reply_timeout: Duration,
    reply_size: usize,
    stats: Arc<Stats>,
}

/// A whole reply.
pub(in crate::transport) struct Carried {
    pub(in crate::transport) head: response::Parts,
    pub(in crate::transport) body: Vec<u8>,
    pub(in crate::transport) trailers: Option<HeaderMap>,
}

impl Carrier {
    /// Builds the pool; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub(in crate::transport) fn new(
        description: &Description,
        settings: &Settings,
        stats: Arc<Stats>,
    ) -> Result<Self, SettingsError> {
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

    /// The same, for bodies that may be longer by so many bytes.
    pub(in crate::transport) fn with_room_for(self, more: usize) -> Self {
        Self { reply_size: self.reply_size.saturating_add(more), ..self }
    }

    /// Where an endpoint role leads.
    ///
    /// # Errors
    /// Kind [`ErrorKind::Settings`] where the operator gave it no address.
    pub(in crate::transport) fn endpoint(&self, role: &str) -> Result<&Endpoint, TransportError> {
        self.endpoints.get(role).ok_or_else(|| {
            let message = format!("endpoint role `{role}` has no address: set {}", pointer("endpoints", role));
            TransportError::new(ErrorKind::Settings, Sent::No, message)
        })
    }

    pub(in crate::transport) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// How long a reply is waited for, from now, if a connection is there.
    pub(in crate::transport) fn patience(&self, deadline: Option<Instant>) -> Duration {
        earliest(self.reply_timeout, deadline).saturating_duration_since(Instant::now())
    }

    /// Sends a request and waits for its whole reply: at most the connect timeout for a connection, then at most the reply
    /// timeout, and in any case not beyond `deadline`.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up (see the documentation of `http`).
    pub(in crate::transport) async fn carry(
        &self,
        mut request: Request<Full<Bytes>>,
        deadline: Option<Instant>,
    ) -> Result<Carried, TransportError> {
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let message = "the deadline passed before the exchange";
            return Err(TransportError::new(ErrorKind::ReplyTimeout, Sent::No, message));
        }
        let size = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
        let mut clock = pin!(self.clock(capture_connection(&mut request), deadline));
        self.stats.body_sent(size);
        let reply = tokio::select! {
            biased;
            reply = self.client.request(request) => reply.map_err(|error| failure::before_head(&error))?,
            late = &mut clock => return Err(late),
        };
        tokio::select! {
            biased;
            carried = self.collect(reply) => carried,
            late = clock => Err(TransportError { sent: Sent::Yes, ..late }),
        }
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

    async fn collect(&self, reply: Response<Incoming>) -> Result<Carried, TransportError> {
        let (head, mut body) = reply.into_parts();
        let broken = |kind, message: String| TransportError::new(kind, Sent::Yes, message);
        if head.status.is_informational() {
            return Err(broken(ErrorKind::Protocol, format!("the backend answered {} unasked", head.status)));
        }
        // hyper refuses most heads that are too large while it reads them, but its limits are not exact.
        if !headers::within_limits(sizes(&head.headers)) {
            return Err(broken(ErrorKind::TooLarge, "the reply's head is too large".to_owned()));
        }
        let too_large = || broken(ErrorKind::TooLarge, format!("the reply's body exceeds {} bytes", self.reply_size));
        let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if claimed > self.reply_size {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(claimed.min(RESERVED));
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| failure::after_head(&error))?;
            match frame.into_data() {
                Ok(data) => {
                    self.stats.body_received(data.len());
                    if bytes.len() + data.len() > self.reply_size {
                        return Err(too_large());
                    }
                    bytes.extend_from_slice(&data);
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        if !headers::within_limits(sizes(&head.headers).chain(trailers.iter().flat_map(sizes))) {
            return Err(broken(ErrorKind::TooLarge, "the reply's head and trailers are too large".to_owned()));
        }
        Ok(Carried { head, body: bytes, trailers })
    }
}

fn sizes(headers: &HeaderMap) -> impl Iterator<Item = usize> {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len())
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

/// The end of a wait that begins now. The settings keep waits short enough for the sum to exist.
fn earliest(wait: Duration, deadline: Option<Instant>) -> Instant {
    let end = Instant::now() + wait;
    deadline.map_or(end, |deadline| deadline.min(end))
}
