use crosspoint_contract::Violation;
use serde::Serialize;

use crate::sent::Sent;

/// Why an exchange got no reply, or not the whole of it.
///
/// The message is for the operator; it never holds a secret, a body or a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether the backend was reached. `No` only where that is certain; `Yes` once the head of a reply arrived.
    pub sent: Sent,
    /// What happened, in one line.
    pub message: String,
}

/// What went wrong with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No connection: name not found, refused, unreachable. The operator looks at the address and the network.
    Connect,
    /// A connection to the backend's address is not allowed. The operator looks at the address, or at `[backends]`.
    Barred,
    /// Trust was not established: wrong CA, name or SSH host key, or the backend did not accept the client certificate.
    Tls,
    /// The backend did not accept the credentials that a connection was to be opened with.
    Unauthenticated,
    /// No connection, TLS included, within the connect timeout.
    ConnectTimeout,
    /// No whole reply within the reply timeout, or by the caller's deadline.
    ReplyTimeout,
    /// The connection was lost before the whole reply had arrived.
    Reset,
    /// The reply's head or body is larger than allowed.
    TooLarge,
    /// The driver made an exchange that may not be sent. The message says why; it is the driver's fault.
    Refused,
    /// The backend's settings do not allow the exchange, for instance an endpoint role without an address.
    Settings,
    /// The backend does not speak the protocol.
    Protocol,
}

impl ErrorKind {
    /// Every kind, in the order in which they are declared.
    pub const ALL: [Self; 11] = [
        Self::Connect,
        Self::Barred,
        Self::Tls,
        Self::Unauthenticated,
        Self::ConnectTimeout,
        Self::ReplyTimeout,
        Self::Reset,
        Self::TooLarge,
        Self::Refused,
        Self::Settings,
        Self::Protocol,
    ];

    /// The word used in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Barred => "barred",
            Self::Tls => "tls",
            Self::Unauthenticated => "unauthenticated",
            Self::ConnectTimeout => "connect-timeout",
            Self::ReplyTimeout => "reply-timeout",
            Self::Reset => "reset",
            Self::TooLarge => "too-large",
            Self::Refused => "refused",
            Self::Settings => "settings",
            Self::Protocol => "protocol",
        }
    }
}

impl TransportError {
    pub(super) fn new(kind: ErrorKind, sent: Sent, message: impl Into<String>) -> Self {
        Self { kind, sent, message: message.into() }
    }

    /// The driver's exchange may not be sent.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, Sent::No, message)
    }
}

/// Everything that is wrong with a backend's settings, each with a JSON Pointer into them.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.violations))]
pub struct SettingsError {
    /// Never empty in an error that was returned.
    pub violations: Vec<Violation>,
}

impl SettingsError {
    pub(super) fn one(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::default();
        error.add(pointer, message);
        error
    }

    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.violations.push(Violation { pointer: pointer.into(), message: message.into() });
    }

    pub(super) fn and(mut self, more: Self) -> Self {
        self.violations.extend(more.violations);
        self
    }
}

fn list(violations: &[Violation]) -> String {
    let line = |violation: &Violation| match violation.pointer.as_str() {
        "" => violation.message.clone(),
        pointer => format!("{pointer}: {}", violation.message),
    };
    violations.iter().map(line).collect::<Vec<_>>().join("; ")
}
