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
//! | `framed` | messages and prompted lines on TCP or TLS |
//! | `ssh` | NETCONF, commands and shells over SSH |
//! | `grpc` | unary gRPC calls |
//! | `oauth2` | tokens that the host asks for by itself |
//! | `tcp`, `tls`, `dial` | connections: names and addresses, trust, and a byte stream to one endpoint |
//! | `rendered` | an exchange as people see it |
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
mod dial;
mod error;
mod framed;
mod grpc;
mod http;
mod oauth2;
mod reach;
mod rendered;
mod session;
mod settings;
mod ssh;
mod stats;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use crosspoint_contract::{AuthScheme, CommandTransport, Description, Exchange, Framing, Protocol, Reply, Request};
use tokio::time::Instant;

pub use authorization::{Authorization, Secrets};
pub use error::{ErrorKind, SettingsError, TransportError};
pub use framed::FramedTransport;
pub use framed::codec::{Codec, Decoder, FrameError};
pub use grpc::{GrpcFrameError, GrpcTransport, grpc_frame, grpc_unframe};
pub use http::HttpTransport;
pub use oauth2::{ClientAuthentication, OAuth2, TokenEndpoint, TokenError};
pub use reach::{Barred, Network, Reach};
pub use rendered::Rendered;
pub use session::{LoginError, Parting, Session, SessionPolicy, Sessions};
pub use settings::{HttpVersion, Settings, Ssh, Tls};
pub use ssh::SshTransport;
pub use ssh::netconf::framing as netconf;
pub use stats::{Snapshot, Stats};

/// The way to one backend, to be shared behind an `Arc` and used inside a tokio runtime.
#[derive(Debug)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP/1.1 or HTTP/2.
    Http(HttpTransport),
    /// Messages or prompted lines on TCP or TLS.
    Framed(FramedTransport),
    /// NETCONF, commands and shells over SSH.
    Ssh(SshTransport),
    /// Unary gRPC.
    Grpc(GrpcTransport),
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
            Protocol::Message(message) => match message.framing {
                Framing::Netconf => SshTransport::new(description, settings).map(Self::Ssh),
                Framing::Grpc => GrpcTransport::new(description, settings).map(Self::Grpc),
                _ => FramedTransport::new(description, settings).map(Self::Framed),
            },
            Protocol::Command(command) => match command.transport {
                CommandTransport::TcpLine => FramedTransport::new(description, settings).map(Self::Framed),
                _ => SshTransport::new(description, settings).map(Self::Ssh),
            },
        }
    }

    /// What a scheme whose secrets never change adds to each exchange on this transport; `None` for scheme login, which
    /// takes a [session](Sessions).
    ///
    /// # Errors
    /// As [`Authorization::from_secrets`] and [`Authorization::for_ssh`].
    pub fn authorization(
        &self,
        scheme: &AuthScheme,
        secrets: &Secrets,
        settings: &Settings,
    ) -> Result<Option<Authorization>, SettingsError> {
        match self {
            Self::Ssh(_) => Authorization::for_ssh(scheme, secrets).map(Some),
            _ => Authorization::from_secrets(scheme, secrets, settings),
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
            // On the heap, so that a call over HTTP need not hold the room that another protocol's would take.
            (Self::Framed(framed), _) => Box::pin(framed.exchange(exchange, authorization, deadline)).await,
            (Self::Ssh(ssh), _) => Box::pin(ssh.exchange(exchange, authorization, deadline)).await,
            (Self::Grpc(grpc), _) => Box::pin(grpc.exchange(exchange, authorization, deadline)).await,
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
            (Self::Framed(framed), _) => framed.render(exchange, authorization),
            (Self::Ssh(ssh), _) => ssh.render(exchange, authorization),
            (Self::Grpc(grpc), _) => grpc.render(exchange, authorization),
        }
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        match self {
            Self::Http(http) => http.stats(),
            Self::Framed(framed) => framed.stats(),
            Self::Ssh(ssh) => ssh.stats(),
            Self::Grpc(grpc) => grpc.stats(),
        }
    }
}

fn mismatch(request: &Request) -> TransportError {
    let spoken = match request {
        Request::Http(_) => "http",
        Request::Message(_) => "message",
        Request::Command(_) => "command",
    };
    TransportError::refused(format!("the driver describes protocol `http` but made a `{spoken}` exchange"))
}
