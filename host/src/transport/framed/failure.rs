//! Why a connection ended, and what that means for those who waited on it.

use std::io;

use super::codec::FrameError;
use super::correlation::Key;
use crate::sent::Sent;
use crate::transport::http::failure::{after_alert, describe, find};
use crate::transport::{ErrorKind, TransportError};

/// Why a connection ended.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// Nobody needs it any more.
    NotNeeded,
    /// The backend closed it.
    Closed,
    /// It broke.
    Broken(String),
    /// The backend broke off TLS; `sent` says whether it may have looked at anything.
    Tls(String, Sent),
    /// What came is no message, or too long a one.
    Framing(FrameError),
    /// A message came that nobody asked for, so that replies can no longer be told apart.
    Unsolicited,
    /// A caller went before the reply came, so that the next one would get it.
    GivenUp,
}

impl Cause {
    pub(super) fn io(error: &io::Error) -> Self {
        match find(error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Tls(describe(error), after_alert(*alert)),
            _ => Self::Broken(describe(error)),
        }
    }

    /// For those of whose messages not one byte was handed to the socket.
    pub(super) fn unsent(&self) -> TransportError {
        let message = format!("the connection was lost before the message could be sent: {}", self.words());
        TransportError::new(ErrorKind::Reset, Sent::No, message)
    }

    /// For the one whose reply had begun to come.
    pub(super) fn of_owner(&self) -> TransportError {
        match self {
            Self::Framing(error) => TransportError::new(kind(error), Sent::Yes, error.to_string()),
            _ => {
                let message = format!("the connection was lost in mid-reply: {}", self.words());
                TransportError::new(ErrorKind::Reset, Sent::Yes, message)
            }
        }
    }

    /// For one of whose reply nothing had come. `suspect` is whether what broke the connection may have been that reply.
    pub(super) fn of_bystander(&self, suspect: bool) -> TransportError {
        match self {
            Self::Framing(error) if suspect => TransportError::new(kind(error), Sent::Maybe, error.to_string()),
            Self::Tls(words, sent) => {
                TransportError::new(ErrorKind::Tls, *sent, format!("the backend broke off TLS: {words}"))
            }
            _ => {
                let message = format!("the connection was lost before the reply: {}", self.words());
                TransportError::new(ErrorKind::Reset, Sent::Maybe, message)
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::NotNeeded => "it was no longer needed".to_owned(),
            Self::Closed => "the backend closed it".to_owned(),
            Self::Broken(words) | Self::Tls(words, _) => words.clone(),
            Self::Framing(error) => error.to_string(),
            Self::Unsolicited => "the backend sent what nobody had asked for".to_owned(),
            Self::GivenUp => "its caller gave up".to_owned(),
        }
    }
}

/// The connection ended before an exchange could begin.
pub(super) fn in_greeting(cause: &Cause) -> TransportError {
    let kind = match cause {
        Cause::Framing(error) => kind(error),
        Cause::Tls(..) => ErrorKind::Tls,
        _ => ErrorKind::Connect,
    };
    let message = format!("the backend did not greet as its protocol demands: {}", cause.words());
    TransportError::new(kind, Sent::No, message)
}

/// Another exchange has the key.
pub(super) fn key_taken(key: &Key) -> TransportError {
    let message = format!(
        "another exchange with correlation value {key} is under way, or its reply is still due: a driver takes it from \
         `call.correlation`, whole"
    );
    TransportError::refused(message)
}

/// The runtime is going down.
pub(super) fn stopped() -> TransportError {
    TransportError::new(ErrorKind::Connect, Sent::No, "no connection was opened: this node stops")
}

fn kind(error: &FrameError) -> ErrorKind {
    match error {
        FrameError::TooLarge(_) => ErrorKind::TooLarge,
        FrameError::Malformed(_) => ErrorKind::Protocol,
    }
}
