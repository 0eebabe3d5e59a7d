use crosspoint_contract::{Bytes, Header};
use serde::Serialize;

/// What stands for a secret where people read.
pub(super) const REDACTED: &str = "***";

/// An exchange as it would be sent, for people to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// The method, of an HTTP request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The full address; the values of query parameters that the session adds are `***`.
    pub url: String,
    /// The driver's headers and those that the session adds; the latter's values, and those of a driver's own
    /// `Authorization` and `Cookie`, are `***`. Empty where the protocol has none.
    pub headers: Vec<Header>,
    /// The body, the message or the command as the driver made it.
    pub body: Bytes,
}
