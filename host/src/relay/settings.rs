//! A backend's configuration, as the operator writes it and as it is stored.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transport::OAuth2;

/// One backend: where it is, how to authenticate, what it bears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendSettings {
    /// The driver's name.
    pub driver: String,
    /// Addresses by endpoint role; `default` at least. `http://` or `https://`, with a path prefix if need
    /// be; `tcp://` or `tls://` with a port for messages and line protocols.
    pub endpoints: BTreeMap<String, String>,
    /// How Crosspoint authenticates to the backend.
    #[serde(default)]
    pub authentication: Authentication,
    /// TLS beyond the defaults.
    #[serde(default, skip_serializing_if = "TlsSettings::is_default")]
    pub tls: TlsSettings,
    /// Trust on `ssh://` endpoints.
    #[serde(default, skip_serializing_if = "SshSettings::is_default")]
    pub ssh: SshSettings,
    /// Which version of HTTP to speak.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// Limits that differ from the driver's defaults.
    #[serde(default)]
    pub limits: LimitSettings,
    /// What the driver wants to know; its schema is in the driver's description.
    #[serde(default = "empty_object")]
    pub configuration: serde_json::Value,
}

fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// How Crosspoint authenticates to a backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// One of the schemes that the driver describes: `none`, `basic`, `bearer`, `api-key`, `mutual-tls`,
    /// `oauth2-client-credentials`, `login`.
    pub scheme: String,
    /// The secrets that the scheme wants, by name: `username` and `password` for `basic`; over SSH, `private_key`
    /// (OpenSSH or PEM) and, where it is encrypted, `passphrase` may take the password's place; `token` for `bearer`,
    /// `key` for `api-key`, `client_id` and `client_secret` for `oauth2-client-credentials`, `client_key` (PEM) for a
    /// client certificate, and what the driver asks for with `login`.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretValue>,
    /// What a token is asked for with, for `oauth2-client-credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
}

impl Default for Authentication {
    fn default() -> Self {
        Self { scheme: "none".to_owned(), secrets: BTreeMap::new(), oauth2: None }
    }
}

/// A secret: written as text, stored sealed, shown never.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SecretValue {
    /// As the operator writes it.
    Plain(String),
    /// As it is stored.
    Sealed {
        /// The sealed text.
        sealed: String,
    },
    /// As it is shown; written, it leaves the stored secret as it is.
    Set {
        /// Whether there is one.
        set: bool,
    },
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// TLS beyond the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Certificates of the authorities to trust, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The name that the backend's certificate must bear, where that is not the host in the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The client certificate chain, PEM; its key is the secret `client_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
}

impl TlsSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Trust on `ssh://` endpoints, which have no authorities: each key is known, or refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SshSettings {
    /// The backend's host keys: OpenSSH public key lines (`ssh-ed25519 AAAA…`), as `ssh-keyscan` prints them, or
    /// fingerprints (`SHA256:…`). A backend that shows another key is not spoken to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_keys: Vec<String>,
}

impl SshSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Which version of HTTP to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/2 where TLS negotiation offers it, else HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    Http11,
    /// HTTP/2 only, on a cleartext endpoint without negotiation.
    #[serde(rename = "2")]
    Http2,
}

/// Limits; what is not given comes from the driver's description, else from Crosspoint's defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Most mutations at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutation_concurrency: Option<u32>,
    /// Most reads at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_concurrency: Option<u32>,
    /// Most calls waiting for a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// Longest wait for a place, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_timeout_ms: Option<u32>,
    /// Longest wait for a connection, TLS included, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u32>,
    /// Longest wait for a whole reply, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_timeout_ms: Option<u32>,
    /// Longest reply body, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_size: Option<u32>,
}
