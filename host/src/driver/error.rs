use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// One of a driver's three functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// What the driver is; runs once a load.
    Describe,
    /// From a call to the one request; nothing has been sent yet.
    Encode,
    /// From the reply to the outcome; the backend has been reached.
    Decode,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Describe => "describe",
            Self::Encode => "encode",
            Self::Decode => "decode",
        })
    }
}

/// A driver failed at translating: it trapped, overstepped a limit or broke the contract.
///
/// This is the driver's defect and that call's error alone; the host and other calls are untouched. In
/// [`Phase::Encode`] nothing was sent; after [`Phase::Decode`] of a mutating call the outcome is unknown.
#[derive(Clone, Debug, Error)]
#[error("driver {driver}, {phase}: {kind}")]
pub struct CallError {
    /// `name@version`.
    pub driver: String,
    /// The function that failed.
    pub phase: Phase,
    /// How it failed.
    pub kind: CallErrorKind,
}

/// How a driver failed. Texts that come from the driver are bounded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallErrorKind {
    /// It stopped itself: a panic, whose text stands here if it left one, or a fault in its code.
    #[error("it trapped: {message}")]
    Trap {
        /// The panic's text, or what the trap is called.
        message: String,
    },
    /// It ran for longer than a call may.
    #[error("it ran for {} ms of CPU; {} ms is the limit", spent.as_millis(), limit.as_millis())]
    Deadline {
        /// What a call may take.
        limit: Duration,
        /// What it had taken when it was stopped.
        spent: Duration,
    },
    /// It wanted more memory than an instance may have, and did not survive the refusal.
    #[error("it wanted more memory than the limit of {limit} bytes")]
    Memory {
        /// In bytes.
        limit: usize,
    },
    /// What it returned is larger than the host accepts.
    #[error("what it returned is larger than the limit of {limit} bytes")]
    Output {
        /// In bytes.
        limit: usize,
    },
    /// No instance could be made of it.
    #[error("it could not be instantiated: {message}")]
    Instantiate {
        /// Why not.
        message: String,
    },
    /// What it returned breaks the contract.
    #[error("it broke the contract: {message}")]
    Malformed {
        /// Which rule, and how.
        message: String,
    },
}
