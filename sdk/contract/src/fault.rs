use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a call did not succeed, and what that means for the object.
///
/// From `encode`, nothing was sent. From `decode`, every case but [`Fault::MalformedReply`] and [`Fault::Other`] says
/// that the backend did not do what was asked; after a mutating call those two leave the outcome unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Fault {
    Invalid(Vec<Violation>),
    Unsupported(String),
    NotFound(String),
    AlreadyExists(Existing),
    Conflict(String),
    Stale(String),
    Unauthenticated(String),
    Denied(String),
    Throttled(Throttle),
    Unavailable(String),
    Rejected(Rejection),
    MalformedReply(String),
    Other(String),
}

impl Fault {
    /// One violation of the spec.
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { pointer: pointer.into(), message: message.into() }])
    }

    /// The case's name as it stands in the WIT, `not-found` for instance.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::Unsupported(_) => "unsupported",
            Self::NotFound(_) => "not-found",
            Self::AlreadyExists(_) => "already-exists",
            Self::Conflict(_) => "conflict",
            Self::Stale(_) => "stale",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Denied(_) => "denied",
            Self::Throttled(_) => "throttled",
            Self::Unavailable(_) => "unavailable",
            Self::Rejected(_) => "rejected",
            Self::MalformedReply(_) => "malformed-reply",
            Self::Other(_) => "other",
        }
    }

    /// Whether a mutating call that ended so leaves its outcome unknown, given that the exchange was sent.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        matches!(self, Self::MalformedReply(_) | Self::Other(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(violations) => {
                f.write_str("the spec is not valid")?;
                for violation in violations {
                    write!(f, "; {violation}")?;
                }
                Ok(())
            }
            Self::AlreadyExists(existing) => f.write_str(&existing.message),
            Self::Throttled(throttle) => f.write_str(&throttle.message),
            Self::Rejected(rejection) => write!(f, "{} ({})", rejection.message, rejection.code),
            Self::Unsupported(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Stale(text)
            | Self::Unauthenticated(text)
            | Self::Denied(text)
            | Self::Unavailable(text)
            | Self::MalformedReply(text)
            | Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) into the spec; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pointer to the whole is empty; `/` would be another place.
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Existing {
    pub message: String,
    pub backend_id: Option<String>,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Throttle {
    pub message: String,
    pub seconds: Option<u32>,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Rejection {
    pub code: String,
    pub message: String,
    pub retryable: bool,
}
