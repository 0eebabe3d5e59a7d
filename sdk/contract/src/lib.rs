//! The driver contract as plain Rust types.
//!
//! `wit/v1` is what travels between the host and a compiled driver; these types are what both sides think in. The SDK
//! turns them into the WIT world on the driver's side, and the host holds one adapter for each WIT generation on the
//! other, so neither a driver's source nor the host's call path depends on the generation. They also have a JSON form,
//! in which fixtures are written (see [`fixture`]).
//!
//! The meaning of every field is documented in `wit/v1/driver.wit`; here only what differs is.
#![forbid(unsafe_code)]

mod bytes;
mod call;
mod description;
mod exchange;
mod fault;
pub mod fixture;
mod json;
mod metadata;
mod outcome;

pub use bytes::Bytes;
pub use call::{Call, Credentials, Verb};
pub use description::{
    Action, ApiKey, AuthScheme, CommandProtocol, CommandTransport, Correlation, CorrelationField, Creation,
    Description, EndpointRole, Framing, HttpProtocol, Kind, LengthPrefix, Limits, Login, MessageProtocol, Protocol,
    VerbSupport,
};
pub use exchange::{CommandReply, Exchange, Header, HttpReply, HttpRequest, Reply, Request};
pub use fault::{Existing, Fault, Rejection, Throttle, Violation};
pub use json::Json;
pub use metadata::{CONTRACT, FIXTURES_SECTION, METADATA_SECTION, Metadata, PANIC_MARK, PANIC_TEXT};
pub use outcome::{Found, Logout, Outcome, SessionGrant, State};

/// Spare (name, value) pairs carried by every record of the contract.
pub type Extensions = Vec<(String, String)>;
