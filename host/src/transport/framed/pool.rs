//! Which connection an exchange gets.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::call::Answer;
use super::connection::{Connection, Endpoint};
use super::wire::{Message, Usage};
use crate::sent::Sent;
use crate::transport::{ErrorKind, TransportError};

/// The connections to one endpoint: one for all, or as many idle ones as there were exchanges at once.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) endpoint: Arc<Endpoint>,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint: Arc::new(endpoint), idle: Mutex::default() }
    }

    /// Sends the message and waits for its reply: for a connection as long as one may take, then no longer than
    /// `reply_timeout`, and in any case not beyond `deadline`.
    ///
    /// A kept connection may turn out to have ended while it lay idle. Only where not one byte of the message was handed
    /// to it, another is opened in its place, once.
    ///
    /// # Errors
    /// [`TransportError`].
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up. A connection that others share goes on; any other is closed.
    pub(super) async fn exchange(
        &self,
        message: Message,
        reply_timeout: Duration,
        deadline: Option<Instant>,
    ) -> Answer {
        let kept = self.kept();
        let was_up = kept.as_ref().is_some_and(Connection::is_up);
        let connection = kept.unwrap_or_else(|| self.open());
        let spare = was_up.then(|| message.clone());
        let answer = self.attempt(connection, message, reply_timeout, deadline).await;
        match (answer, spare) {
            (Err(error), Some(spare)) if error.kind == ErrorKind::Reset && error.sent == Sent::No => {
                let connection = self.kept_by_all().unwrap_or_else(|| self.open());
                self.attempt(connection, spare, reply_timeout, deadline).await
            }
            (answer, _) => answer,
        }
    }

    async fn attempt(
        &self,
        connection: Connection,
        message: Message,
        reply_timeout: Duration,
        deadline: Option<Instant>,
    ) -> Answer {
        let opened = match deadline {
            Some(deadline) => timeout_at(deadline, connection.up()).await.unwrap_or_else(|_| {
                let message = "no connection to the backend by the caller's deadline";
                Err(TransportError::new(ErrorKind::ConnectTimeout, Sent::No, message))
            }),
            None => connection.up().await,
        };
        opened?;
        let limit = Instant::now() + reply_timeout;
        let limit = deadline.map_or(limit, |deadline| deadline.min(limit));
        let heard = connection.heard();
        let awaited = match timeout_at(limit, connection.give(message)).await {
            Ok(Ok(awaited)) => awaited,
            Ok(Err(_)) => {
                let message = "the connection was lost before the message could be sent";
                return Err(TransportError::new(ErrorKind::Reset, Sent::No, message));
            }
            Err(_) => {
                self.suspect(&connection, heard);
                let message = "the message could not be sent in time";
                return Err(TransportError::new(ErrorKind::ReplyTimeout, Sent::No, message));
            }
        };
        let answer = awaited.until(limit).await;
        match &answer {
            Ok(_) => self.keep(connection),
            Err(error) if error.kind == ErrorKind::ReplyTimeout => self.suspect(&connection, heard),
            Err(_) => {}
        }
        answer
    }

    /// A connection that is there already and fit for another exchange.
    fn kept(&self) -> Option<Connection> {
        match self.endpoint.wire.usage {
            Usage::Single => None,
            Usage::Shared => self.kept_by_all(),
            Usage::InTurn => {
                let mut idle = self.idle.lock();
                std::iter::from_fn(|| idle.pop()).find(|connection| !connection.is_over())
            }
        }
    }

    /// The connection that all share, opened if need be; none where each has its own.
    fn kept_by_all(&self) -> Option<Connection> {
        if self.endpoint.wire.usage != Usage::Shared {
            return None;
        }
        let mut shared = self.idle.lock();
        shared.retain(|connection| !connection.is_over());
        if shared.is_empty() {
            shared.push(Connection::open(&self.endpoint));
        }
        shared.first().cloned()
    }

    fn open(&self) -> Connection {
        Connection::open(&self.endpoint)
    }

    /// Takes back a connection whose exchange ended as it should.
    fn keep(&self, connection: Connection) {
        if self.endpoint.wire.usage == Usage::InTurn {
            let mut idle = self.idle.lock();
            idle.retain(|connection| !connection.is_over());
            idle.push(connection);
        }
    }

    /// An exchange timed out on this connection. If not a word has come since it began, the other side may be gone
    /// without the network's knowledge: others shall not wait for it too. Those who do already are left alone.
    fn suspect(&self, connection: &Connection, heard: u64) {
        if self.endpoint.wire.usage == Usage::Shared && connection.heard() == heard {
            self.idle.lock().retain(|kept| !kept.is(connection));
        }
    }
}
