//! JSON-RPC, 1.0 and 2.0: one request for a call, and what its reply says.
//!
//! ```
//! use crosspoint_sdk::json_rpc::{Reply, Version};
//! use crosspoint_sdk::prelude::*;
//!
//! let call = Call { correlation: 7, ..Call::new(Verb::Probe, "") };
//! let request = Version::V2.request(&call, "echo", &["hello"])?;
//! assert_eq!(request, br#"{"jsonrpc":"2.0","method":"echo","params":["hello"],"id":7}"#);
//!
//! match Version::V2.reply::<Vec<String>>(&call, br#"{"jsonrpc":"2.0","result":["hello"],"id":7}"#)? {
//!     Reply::Result(words) => assert_eq!(words, ["hello"]),
//!     Reply::Error(error) => panic!("{error}"),
//! }
//! # Ok::<(), Fault>(())
//! ```
//!
//! The id is the call's `correlation`: unique among the calls in flight on one backend, which is what a shared connection
//! needs. A reply with another id is another call's, and says nothing about this one.

use std::fmt;

use crosspoint_contract::{Call, Fault};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.0: a reply holds `result` and `error`, and one of them is `null`. An error may be anything.
    V1,
    /// 2.0: both name their version; a reply holds `result` or `error`, and an error has a code and a message.
    V2,
}

/// What a reply says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply<T> {
    /// The method's result.
    Result(T),
    /// The method failed, or there is none such.
    Error(Error),
}

/// An error, as the backend put it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Error {
    /// The code; 0 where there is none, as in most errors of 1.0.
    pub code: i64,
    /// What it says, in whatever member it says it; empty where there is none.
    pub message: String,
    /// 2.0: the member `data`. 1.0: the whole error.
    pub data: Value,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.as_str(), self.code) {
            ("", 0) => write!(f, "the backend answered with the error {}", self.data),
            ("", code) => write!(f, "the backend answered with error {code}"),
            (message, 0) => f.write_str(message),
            (message, code) => write!(f, "{message} ({code})"),
        }
    }
}

#[derive(Serialize)]
struct Request<'a, P: ?Sized> {
    #[serde(skip_serializing_if = "Option::is_none")]
    jsonrpc: Option<&'static str>,
    method: &'a str,
    params: &'a P,
    id: u64,
}

/// A reply of either version. A missing member and `null` are told apart nowhere: a method without a result answers with
/// `null`, and in 1.0 that is also how a reply has no error.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    jsonrpc: Option<String>,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    id: Value,
}

impl Version {
    /// The request of a call. `params` has to become a JSON array, or in 2.0 an object.
    ///
    /// # Errors
    /// [`Fault::Other`] where `params` cannot be written as JSON.
    pub fn request<P: Serialize + ?Sized>(self, call: &Call, method: &str, params: &P) -> Result<Vec<u8>, Fault> {
        let jsonrpc = (self == Self::V2).then_some("2.0");
        serde_json::to_vec(&Request { jsonrpc, method, params, id: call.correlation })
            .map_err(|error| Fault::Other(format!("the request cannot be written as JSON: {error}")))
    }

    /// What a call's reply says.
    ///
    /// # Errors
    /// [`Fault::MalformedReply`] where it is no reply of this version, another call's, or its result is no `T`.
    pub fn reply<T: DeserializeOwned>(self, call: &Call, bytes: &[u8]) -> Result<Reply<T>, Fault> {
        let message: Message = serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
        if self == Self::V2 && message.jsonrpc.as_deref() != Some("2.0") {
            return Err(malformed("it does not name its version, 2.0"));
        }
        // A server that could not read the request does not know its id, and answers with `null` and an error.
        let unread = message.id.is_null() && !message.error.is_null();
        if message.id != call.correlation && !unread {
            return Err(malformed(&format!("its id is {}, the request's is {}", message.id, call.correlation)));
        }
        if message.error.is_null() {
            return match serde_json::from_value(message.result) {
                Ok(result) => Ok(Reply::Result(result)),
                Err(error) => Err(malformed(&format!("its result does not fit: {error}"))),
            };
        }
        if !message.result.is_null() {
            return Err(malformed("it holds a result and an error"));
        }
        self.error(message.error).map(Reply::Error)
    }

    fn error(self, error: Value) -> Result<Error, Fault> {
        let code = error.get("code").and_then(Value::as_i64);
        let text = ["message", "error", "name"].into_iter().find_map(|name| error.get(name)?.as_str());
        let message = text.or(error.as_str()).unwrap_or_default().to_owned();
        match self {
            Self::V1 => Ok(Error { code: code.unwrap_or_default(), message, data: error }),
            Self::V2 => {
                let code = code.ok_or_else(|| malformed("its error has no code"))?;
                Ok(Error { code, message, data: error.get("data").cloned().unwrap_or_default() })
            }
        }
    }
}

fn malformed(why: &str) -> Fault {
    Fault::MalformedReply(format!("the reply is no JSON-RPC that can be used: {why}"))
}
