//! How one exchange reaches a backend and its one reply comes back.
//!
//! A [`Transport`] belongs to one backend: it knows the backend's addresses, its trust and its limits, and keeps its
//! connections. It makes exactly the exchange that it is given, once, and says of every failure whether the backend
//! was reached ([`Sent`](crate::sent::Sent)). It follows no redirect, uses no proxy, keeps no cookie and unpacks no
//! body: whatever the backend answers goes to the driver as it came.
//!
//! | file | noun |
//! |---|---|
//! | `settings` | what an operator says of a backend's addresses, trust and limits |
//! | `authorization` | the secrets that are added to each exchange, behind the driver's back |
//! | `session` | the one shared session of a backend whose driver logs in |
//! | `http` | the HTTP/1.1 and HTTP/2 transport; what is peculiar to HTTP stays in there |
//! | `reach` | where backends may be: the addresses that a connection may be opened to |
//! | `stats` | counters |
//! | `error` | what can go wrong, and whether the backend was reached |
//!
//! **Invariant:** a driver names an endpoint *role*, a path and headers; scheme, host, port and path prefix come from
//! the settings alone, and nothing in an exchange can change them.
//!
//! **Invariant:** nothing in here knows Wasm, mappings or the REST surface. Another protocol is another sibling of
//! `http` and one more case of [`Transport`].

mod authorization;
mod error;
mod http;
mod reach;
mod session;
mod settings;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crosspoint_contract::{Description, Exchange, Protocol, Reply, Request};
use tokio::time::Instant;

pub use authorization::{Authorization, Secrets};
pub use error::{ErrorKind, SettingsError, TransportError};
pub use http::{HttpTransport, Rendered};
pub use reach::{Barred, Network, Reach};
pub use session::{LoginError, Session, SessionPolicy, Sessions};
pub use settings::{HttpVersion, Settings, Tls};
pub use stats::{Snapshot, Stats};

/// The way to one backend, to be shared behind an `Arc` and used inside a tokio runtime.
#[derive(Debug)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP/1.1 or HTTP/2.
    Http(HttpTransport),
}

impl Transport {
    /// Builds the transport that a driver's description asks for, as the operator's settings say.
    ///
    /// Opens no connection. Where an HTTPS endpoint relies on the system's trust store, that is read from disk here.
    ///
    /// # Errors
    /// Every fault of the settings at once, each with a JSON Pointer into them; a protocol that this version does not
    /// speak is one of them.
    pub fn new(description: &Description, settings: &Settings) -> Result<Self, SettingsError> {
        match &description.protocol {
            Protocol::Http(_) => HttpTransport::new(description, settings).map(Self::Http),
            Protocol::Message(_) => Err(unsupported("message")),
            Protocol::Command(_) => Err(unsupported("command")),
        }
    }

    /// Makes one exchange and waits for its reply, no longer than the settings say.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up; the backend may or may not have received it. A connection that was
    /// in use is closed (HTTP/2: its stream is reset), never handed to another exchange half-read.
    pub async fn exchange(&self, exchange: &Exchange, authorization: &Authorization) -> Result<Reply, TransportError> {
        self.exchange_within(exchange, authorization, None).await
    }

    /// The same as [`Transport::exchange`], but gives up at `deadline` if that comes before the settings' own limits.
    ///
    /// # Errors
    /// As [`Transport::exchange`].
    ///
    /// # Cancel-safety
    /// As [`Transport::exchange`].
    pub async fn exchange_within(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        match (self, &exchange.request) {
            (Self::Http(http), Request::Http(request)) => {
                http.exchange(&exchange.endpoint, request, authorization, deadline).await.map(Reply::Http)
            }
            (Self::Http(http), other) => {
                let error = mismatch(other);
                http.stats().failed(error.kind);
                Err(error)
            }
        }
    }

    /// What [`Transport::exchange`] would send, with every secret as `***`. Sends nothing.
    ///
    /// # Errors
    /// What [`Transport::exchange`] would refuse to send.
    pub fn render(&self, exchange: &Exchange, authorization: &Authorization) -> Result<Rendered, TransportError> {
        match (self, &exchange.request) {
            (Self::Http(http), Request::Http(request)) => http.render(&exchange.endpoint, request, authorization),
            (Self::Http(_), other) => Err(mismatch(other)),
        }
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        match self {
            Self::Http(http) => http.stats(),
        }
    }
}

fn unsupported(protocol: &str) -> SettingsError {
    SettingsError::one("", format!("protocol `{protocol}` is not supported by this version"))
}

fn mismatch(request: &Request) -> TransportError {
    let spoken = match request {
        Request::Http(_) => "http",
        Request::Message(_) => "message",
        Request::Command(_) => "command",
    };
    TransportError::refused(format!("the driver describes protocol `http` but made a `{spoken}` exchange"))
}
