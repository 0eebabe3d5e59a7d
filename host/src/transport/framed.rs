//! Messages on a byte stream: framing, correlation, preamble and keepalives as the driver describes them; and commands
//! on a line with a prompt.
//!
//! | file | noun |
//! |---|---|
//! | `codec` | where one message ends and the next begins: no I/O in there |
//! | `correlation` | which request a reply answers |
//! | `wire` | what a description says of the bytes on a connection, checked once |
//! | `dialogue` | what happens on a connection before its first exchange |
//! | `connection` | a connection and the task that owns it |
//! | `call` | one exchange as its caller and its connection share it |
//! | `pool` | which connection an exchange gets |
//! | `failure` | why a connection ended, and what that means for those who waited on it |
//!
//! # What is tried again, and what is not
//!
//! Nothing that may have left. A kept connection that turns out to have ended while it lay idle is replaced, once, and
//! only where not one byte of the message was handed to it.
//!
//! # What a dropped or failed exchange leaves behind
//!
//! Where messages carry a key, nothing: the connection serves the others, and the reply is dropped when it comes. Where
//! they do not, the connection is closed, as it is after any reply that was not read to its end.

mod call;
pub(super) mod codec;
mod connection;
mod correlation;
mod dialogue;
mod failure;
mod integer;
mod pool;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Description, Exchange, Reply};
use tokio::time::Instant;

use self::connection::Endpoint;
use self::pool::Pool;
use self::wire::Wire;
use super::dial::Dialer;
use super::settings::pointer;
use super::{Authorization, ErrorKind, Rendered, Settings, SettingsError, Stats, TransportError};
use crate::sent::Sent;

/// The way to one backend that speaks messages, or commands and a prompt, on TCP or TLS.
#[derive(Debug)]
pub struct FramedTransport {
    wire: Arc<Wire>,
    pools: BTreeMap<String, Pool>,
    reply_timeout: Duration,
    stats: Arc<Stats>,
}

impl FramedTransport {
    /// Builds the transport; opens no connection. Addresses are `tcp://host:port` and `tls://host:port`.
    ///
    /// # Errors
    /// Every fault of the settings at once; a protocol that the driver describes but that cannot be is one of them.
    pub fn new(description: &Description, settings: &Settings) -> Result<Self, SettingsError> {
        let mut errors = SettingsError::default();
        settings.check(description, &mut errors);
        let wire = match Wire::new(description, settings.effective_reply_size(description)) {
            Ok(wire) => Arc::new(wire),
            Err(reason) => {
                errors.add("", reason);
                return Err(errors);
            }
        };
        let stats = Arc::<Stats>::default();
        let mut pools = BTreeMap::new();
        for (role, address) in &settings.endpoints {
            let place = pointer("endpoints", role);
            match Dialer::new(address, &["tcp", "tls"], None, &place, settings, Arc::clone(&stats)) {
                Err(more) => errors = errors.and(more),
                Ok(dialer) => {
                    let endpoint = Endpoint {
                        dialer,
                        wire: Arc::clone(&wire),
                        connect_timeout: settings.connect_timeout,
                        idle_timeout: settings.idle_timeout,
                        stats: Arc::clone(&stats),
                    };
                    pools.insert(role.clone(), Pool::new(endpoint));
                }
            }
        }
        if !errors.violations.is_empty() {
            return Err(errors);
        }
        Ok(Self { wire, pools, reply_timeout: settings.effective_reply_timeout(description), stats })
    }

    /// Makes one exchange and waits for its whole reply: at most the connect timeout for a connection, its greeting
    /// included, then at most the reply timeout, and in any case not beyond `deadline`.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up; the backend may or may not have received it. No reply can reach
    /// another exchange for it (see the module's documentation).
    pub async fn exchange(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        let outcome = self.perform(exchange, authorization, deadline).await;
        match &outcome {
            Ok(_) => self.stats.answered(),
            Err(error) => self.stats.failed(error.kind),
        }
        outcome
    }

    async fn perform(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let message = "the deadline passed before the exchange";
            return Err(TransportError::new(ErrorKind::ReplyTimeout, Sent::No, message));
        }
        let pool = self.pool(exchange, authorization)?;
        let message = self.wire.message(exchange)?;
        pool.exchange(message, self.reply_timeout, deadline).await.map(|reply| self.wire.reply(reply))
    }

    /// What [`FramedTransport::exchange`] would send: the address, and the message as the driver made it. Sends nothing.
    ///
    /// # Errors
    /// What [`FramedTransport::exchange`] would refuse to send.
    pub fn render(&self, exchange: &Exchange, authorization: &Authorization) -> Result<Rendered, TransportError> {
        let url = self.pool(exchange, authorization)?.endpoint.dialer.url();
        self.wire.message(exchange)?;
        let body = self.wire.body(exchange)?.to_vec().into();
        Ok(Rendered { method: None, url, headers: Vec::new(), body })
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    fn pool(&self, exchange: &Exchange, authorization: &Authorization) -> Result<&Pool, TransportError> {
        if authorization.headers().next().is_some() || authorization.query().next().is_some() {
            let message = "there are no headers and no query on this protocol: choose scheme `none` or `mutual-tls`";
            return Err(TransportError::new(ErrorKind::Settings, Sent::No, message));
        }
        let role = &exchange.endpoint;
        self.pools.get(role).ok_or_else(|| {
            let message = format!("endpoint role `{role}` has no address: set {}", pointer("endpoints", role));
            TransportError::new(ErrorKind::Settings, Sent::No, message)
        })
    }
}
