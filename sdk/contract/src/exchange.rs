use serde::{Deserialize, Serialize};

use crate::{Bytes, Extensions};

/// An HTTP header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Bytes)", into = "(String, Bytes)")]
pub struct Header {
    /// Compared without regard to case.
    pub name: String,
    /// Any bytes that HTTP allows in a field value.
    pub value: Vec<u8>,
}

impl From<(String, Bytes)> for Header {
    fn from((name, value): (String, Bytes)) -> Self {
        Self { name, value: value.0 }
    }
}

impl From<Header> for (String, Bytes) {
    fn from(header: Header) -> Self {
        (header.name, Bytes(header.value))
    }
}

/// The one request that a call becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Exchange {
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub context: Bytes,
    #[serde(default = "default_role")]
    pub endpoint: String,
    #[serde(flatten)]
    pub request: Request,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

fn default_role() -> String {
    "default".to_owned()
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Request {
    Http(HttpRequest),
    Message(Bytes),
    Command(Bytes),
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct HttpRequest {
    pub method: String,
    pub target: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub body: Bytes,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Reply {
    Http(HttpReply),
    Message(Bytes),
    Command(CommandReply),
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct HttpReply {
    pub status: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub body: Bytes,
}

impl HttpReply {
    /// The first header of this name, compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_slice())
    }
}

/// See the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct CommandReply {
    pub status: Option<i32>,
    pub output: Bytes,
    pub errors: Bytes,
}
