//! The commands of the wire protocol, as far as this driver speaks it.
//!
//! A frame is a type and a length, 32 bits each, and a payload; all numbers are big-endian and signed. What a later
//! version of the protocol has at the end of a payload, an earlier one does without: replies may hold more than is read
//! here.

#![allow(missing_docs, reason = "the names of commands and of what they hold are Pravega's own")]

mod reader;
mod reply;
mod request;
mod writer;

use std::fmt;

pub use reply::{Refusal, Refused, Reply};
pub use request::Request;

/// The longest frame, its header included.
pub const LONGEST: u32 = 0x00ff_ffff + 8;

/// The version of a table's key.
pub mod version {
    /// The key must not be there.
    pub const NONE: i64 = -1;
    /// Whatever it is.
    pub const ANY: i64 = i64::MIN;
}

/// A key of a table, its version, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// See [`version`].
    pub version: i64,
    /// The value.
    pub value: Vec<u8>,
}

/// What cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// This is longer than the protocol can say.
    TooLong(&'static str),
    /// The bytes end before this.
    Short(&'static str),
    /// The bytes say something that cannot be, about this.
    Wrong(&'static str),
    /// A command that is no reply, or that nobody here knows.
    Unknown(i32),
    /// A reply to another request.
    Stranger(i64),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(what) => write!(f, "{what} is longer than the wire protocol allows"),
            Self::Short(what) => write!(f, "the command ends before its {what}"),
            Self::Wrong(what) => write!(f, "the command's {what} cannot be"),
            Self::Unknown(code) => write!(f, "command {code} is no reply that this driver knows"),
            Self::Stranger(id) => write!(f, "the reply is to request {id}, which is another"),
        }
    }
}

impl std::error::Error for WireError {}

/// The numbers of the commands (`WireCommandType`).
mod code {
    pub const HELLO: i32 = -127;
    pub const READ_SEGMENT: i32 = 9;
    pub const SEGMENT_READ: i32 = 10;
    pub const GET_STREAM_SEGMENT_INFO: i32 = 11;
    pub const STREAM_SEGMENT_INFO: i32 = 12;
    pub const CREATE_SEGMENT: i32 = 20;
    pub const SEGMENT_CREATED: i32 = 21;
    pub const SEAL_SEGMENT: i32 = 28;
    pub const SEGMENT_SEALED: i32 = 29;
    pub const DELETE_SEGMENT: i32 = 30;
    pub const SEGMENT_DELETED: i32 = 31;
    pub const WRONG_HOST: i32 = 50;
    pub const SEGMENT_IS_SEALED: i32 = 51;
    pub const SEGMENT_ALREADY_EXISTS: i32 = 52;
    pub const NO_SUCH_SEGMENT: i32 = 53;
    pub const SEGMENT_IS_TRUNCATED: i32 = 56;
    pub const OPERATION_UNSUPPORTED: i32 = 57;
    pub const AUTH_TOKEN_CHECK_FAILED: i32 = 60;
    pub const ERROR_MESSAGE: i32 = 61;
    pub const CREATE_TABLE_SEGMENT: i32 = 70;
    pub const DELETE_TABLE_SEGMENT: i32 = 71;
    pub const UPDATE_TABLE_ENTRIES: i32 = 74;
    pub const TABLE_ENTRIES_UPDATED: i32 = 75;
    pub const REMOVE_TABLE_KEYS: i32 = 76;
    pub const TABLE_KEYS_REMOVED: i32 = 77;
    pub const READ_TABLE: i32 = 78;
    pub const TABLE_READ: i32 = 79;
    pub const TABLE_SEGMENT_NOT_EMPTY: i32 = 80;
    pub const TABLE_KEY_DOES_NOT_EXIST: i32 = 81;
    pub const TABLE_KEY_BAD_VERSION: i32 = 82;
    pub const TABLE_ENTRIES_DELTA_READ: i32 = 87;
    pub const READ_TABLE_ENTRIES_DELTA: i32 = 88;
}
