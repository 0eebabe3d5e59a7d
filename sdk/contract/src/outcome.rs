use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Bytes, Extensions, Header, Json};

/// What the reply means when the backend did as asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Outcome {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_id: Option<String>,
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(skip_serializing_if = "Json::is_null")]
    pub attributes: Json,
    pub result: Json,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page: Option<String>,
    /// Never serialised: an outcome may be logged.
    #[serde(skip_serializing)]
    pub session: Option<SessionGrant>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

/// See the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum State {
    #[default]
    Active,
    Pending(String),
}

/// See the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Found {
    pub backend_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    #[serde(skip_serializing_if = "Json::is_null")]
    pub attributes: Json,
    pub result: Json,
}

/// What the host adds to each later exchange. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct SessionGrant {
    pub headers: Vec<Header>,
    pub query: Vec<(String, String)>,
    pub expires_in: Option<u64>,
    pub extensions: Extensions,
}

impl SessionGrant {
    /// The name of the extension that holds a [`Logout`] as JSON.
    pub const LOGOUT: &str = "logout";
}

/// How a session is ended at the backend: one HTTP request, which the host makes with the session's own headers.
///
/// It holds the session's id as like as not, so `Debug` shows the method alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Logout {
    pub method: String,
    pub target: String,
    #[serde(default = "default_role")]
    pub endpoint: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub body: Bytes,
}

fn default_role() -> String {
    "default".to_owned()
}

impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logout").field("method", &self.method).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl fmt::Debug for SessionGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGrant")
            .field("headers", &self.headers.iter().map(|header| &header.name).collect::<Vec<_>>())
            .field("query", &self.query.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
