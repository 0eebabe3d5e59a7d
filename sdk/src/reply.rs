//! Replies, read with suspicion: a reply is whatever a stranger sent.

use crosspoint_contract::{CommandReply, Fault, HttpReply, Reply};
use serde::de::DeserializeOwned;

use crate::status::fault_for_status;

/// The reply of the protocol that the driver speaks.
pub trait ReplyExt {
    /// # Errors
    /// [`Fault::MalformedReply`] where it is not HTTP's.
    fn http(&self) -> Result<&HttpReply, Fault>;

    /// # Errors
    /// [`Fault::MalformedReply`] where it is not a message.
    fn message(&self) -> Result<&[u8], Fault>;

    /// # Errors
    /// [`Fault::MalformedReply`] where it is not a command's.
    fn command(&self) -> Result<&CommandReply, Fault>;
}

impl ReplyExt for Reply {
    fn http(&self) -> Result<&HttpReply, Fault> {
        match self {
            Self::Http(reply) => Ok(reply),
            other => Err(unexpected("an HTTP reply", other)),
        }
    }

    fn message(&self) -> Result<&[u8], Fault> {
        match self {
            Self::Message(bytes) => Ok(bytes.as_ref()),
            other => Err(unexpected("a message", other)),
        }
    }

    fn command(&self) -> Result<&CommandReply, Fault> {
        match self {
            Self::Command(reply) => Ok(reply),
            other => Err(unexpected("a command's reply", other)),
        }
    }
}

fn unexpected(wanted: &str, got: &Reply) -> Fault {
    let got = match got {
        Reply::Http(_) => "an HTTP reply",
        Reply::Message(_) => "a message",
        Reply::Command(_) => "a command's reply",
    };
    Fault::MalformedReply(format!("expected {wanted}, got {got}"))
}

/// What HTTP replies have in common.
pub trait HttpReplyExt {
    /// Whether the status is 2xx.
    fn is_success(&self) -> bool;

    /// The reply itself where its status is 2xx.
    ///
    /// # Errors
    /// What [`fault_for_status`] makes of any other status, with the first line of the body as its message. A backend
    /// that says more in its error bodies deserves a look at them first.
    fn success(&self) -> Result<&Self, Fault>;

    /// The body as `T`.
    ///
    /// # Errors
    /// [`Fault::MalformedReply`] saying what does not fit, at which line and column, and how the body begins.
    fn json<T: DeserializeOwned>(&self) -> Result<T, Fault>;

    /// The first header of this name as text; `None` where it is missing or not visible ASCII.
    fn header_text(&self, name: &str) -> Option<&str>;

    /// The object's revision: the `ETag` header as it stands, quotes and all, fit for `If-Match`.
    fn etag(&self) -> Option<String>;

    /// `Retry-After` in seconds; `None` where it is missing or a date, since a driver has no clock.
    fn retry_after(&self) -> Option<u32>;

    /// How the body begins, on one line, for a message.
    fn hint(&self) -> String;
}

/// Longest part of a body that is quoted in a message, in characters.
const HINT: usize = 120;

impl HttpReplyExt for HttpReply {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn success(&self) -> Result<&Self, Fault> {
        if self.is_success() {
            return Ok(self);
        }
        let hint = self.hint();
        Err(fault_for_status(
            self,
            &if hint.is_empty() {
                format!("the backend answered {}", self.status)
            } else {
                format!("the backend answered {}: {hint}", self.status)
            },
        ))
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(self.body.as_ref()).map_err(|error| {
            let hint = self.hint();
            let start = if hint.is_empty() { "it is empty".to_owned() } else { format!("it starts `{hint}`") };
            Fault::MalformedReply(format!("the reply's body does not fit: {error}; {start}"))
        })
    }

    fn header_text(&self, name: &str) -> Option<&str> {
        let text = std::str::from_utf8(self.header(name)?).ok()?.trim();
        text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()).then_some(text)
    }

    fn etag(&self) -> Option<String> {
        self.header_text("etag").filter(|tag| !tag.is_empty()).map(str::to_owned)
    }

    fn retry_after(&self) -> Option<u32> {
        self.header_text("retry-after")?.parse().ok()
    }

    fn hint(&self) -> String {
        // A character has at most four bytes: no need to look at megabytes to show a line.
        let start = self.body.as_ref().get(..HINT * 4).unwrap_or(self.body.as_ref());
        let text = String::from_utf8_lossy(start);
        let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.retain(|character| !character.is_control());
        if let Some((end, _)) = line.char_indices().nth(HINT) {
            line.truncate(end);
            line.push('…');
        }
        line
    }
}
