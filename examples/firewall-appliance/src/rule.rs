use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;

/// A rule, as the appliance keeps it and shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `rule-17`.
    pub id: String,
    /// What a client sets.
    #[serde(flatten)]
    pub spec: RuleSpec,
    /// Counts changes, from 1. In quotes, it is the `ETag`.
    pub revision: u64,
    /// How many packets it met.
    pub hits: u64,
    /// An earlier rule meets the same packets, so that this one never does.
    pub shadowed: bool,
}

/// What a client sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Unique; 1 to 63 characters.
    pub name: String,
    /// CIDR.
    pub source: String,
    /// CIDR.
    pub destination: String,
    /// Destination port; goes with TCP and UDP.
    #[serde(default)]
    pub port: Option<u16>,
    /// The protocol.
    pub protocol: Protocol,
    /// What happens to a packet.
    pub action: Action,
    /// At most 255 characters.
    #[serde(default)]
    pub comment: String,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether packets are logged.
    #[serde(default)]
    pub log: bool,
}

/// An IP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
}

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum Action {
    Permit,
    Deny,
}

fn yes() -> bool {
    true
}

impl RuleSpec {
    /// Reads a spec from a request's body.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let whole: Value = serde_json::from_slice(body)
            .map_err(|error| ApiError::invalid("", format!("the body is not JSON: {error}")))?;
        Self::checked(whole)
    }

    /// The spec with the members of `patch` in place of its own; `null` stands for the default.
    pub(crate) fn patched(&self, patch: &[u8]) -> Result<Self, ApiError> {
        let patch: serde_json::Map<String, Value> = serde_json::from_slice(patch)
            .map_err(|error| ApiError::invalid("", format!("the body is not a JSON object: {error}")))?;
        let mut whole = match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        for (name, value) in patch {
            match value {
                Value::Null => whole.remove(&name),
                value => whole.insert(name, value),
            };
        }
        Self::checked(Value::Object(whole))
    }

    fn checked(whole: Value) -> Result<Self, ApiError> {
        let spec: Self = serde_path_to_error::deserialize(whole)
            .map_err(|error| ApiError::invalid(&error.path().to_string(), error.inner().to_string()))?;
        if spec.name.is_empty() || spec.name.chars().count() > 63 || spec.name.chars().any(char::is_control) {
            return Err(ApiError::invalid("name", "a name has 1 to 63 printable characters"));
        }
        for (field, cidr) in [("source", &spec.source), ("destination", &spec.destination)] {
            if !is_cidr(cidr) {
                return Err(ApiError::invalid(field, format!("`{cidr}` is no network such as 10.0.0.0/8")));
            }
        }
        match (spec.protocol, spec.port) {
            (Protocol::Icmp, Some(_)) => return Err(ApiError::invalid("port", "ICMP has no ports")),
            (Protocol::Tcp | Protocol::Udp, None | Some(0)) => {
                return Err(ApiError::invalid("port", "TCP and UDP need a port from 1 to 65535"));
            }
            _ => {}
        }
        if spec.comment.chars().count() > 255 {
            return Err(ApiError::invalid("comment", "a comment has at most 255 characters"));
        }
        Ok(spec)
    }

    /// Whether both meet the same packets.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let packets = |spec: &Self| (spec.source.clone(), spec.destination.clone(), spec.port);
        self.protocol == other.protocol && packets(self) == packets(other)
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    match (address.parse(), prefix.parse::<u8>()) {
        (Ok(IpAddr::V4(_)), Ok(prefix)) => prefix <= 32,
        (Ok(IpAddr::V6(_)), Ok(prefix)) => prefix <= 128,
        _ => false,
    }
}
