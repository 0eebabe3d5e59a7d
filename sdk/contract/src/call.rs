use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Extensions, Json};

/// What a call does. In JSON and in logs: `create`, …, `action:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Verb {
    Create,
    Read,
    Replace,
    Update,
    Delete,
    Find,
    List,
    Poll,
    Probe,
    Login,
    Action(String),
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Replace => "replace",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Find => "find",
            Self::List => "list",
            Self::Poll => "poll",
            Self::Probe => "probe",
            Self::Login => "login",
            Self::Action(name) => return write!(f, "action:{name}"),
        })
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "create" => Self::Create,
            "read" => Self::Read,
            "replace" => Self::Replace,
            "update" => Self::Update,
            "delete" => Self::Delete,
            "find" => Self::Find,
            "list" => Self::List,
            "poll" => Self::Poll,
            "probe" => Self::Probe,
            "login" => Self::Login,
            other => match other.strip_prefix("action:") {
                Some(name) if !name.is_empty() => Self::Action(name.to_owned()),
                _ => {
                    return Err(format!(
                        "`{other}` is no verb: use create, read, replace, update, delete, find, list, poll, probe, login or action:NAME"
                    ));
                }
            },
        })
    }
}

impl Serialize for Verb {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Verb {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One call to translate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Call {
    #[serde(default)]
    pub operation_id: String,
    #[serde(default)]
    pub correlation: u64,
    pub verb: Verb,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(default)]
    pub tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmp_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_id: Option<String>,
    #[serde(default)]
    pub marker: String,
    #[serde(default)]
    pub spec: Json,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<String>,
    #[serde(default)]
    pub attributes: Json,
    #[serde(default)]
    pub backend_name: String,
    #[serde(default)]
    pub configuration: Json,
    /// Never serialised: a call may be logged.
    #[serde(default, skip_serializing)]
    pub credentials: Option<Credentials>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

impl Call {
    /// A call with this verb and kind and everything else empty.
    #[must_use]
    pub fn new(verb: Verb, kind: &str) -> Self {
        Self {
            operation_id: String::new(),
            correlation: 0,
            verb,
            kind: kind.to_owned(),
            tenant: String::new(),
            cmp_id: None,
            backend_id: None,
            marker: String::new(),
            spec: Json::null(),
            page_token: None,
            page_size: None,
            poll_token: None,
            precondition: None,
            attributes: Json::null(),
            backend_name: String::new(),
            configuration: Json::null(),
            credentials: None,
            extensions: Extensions::new(),
        }
    }
}

/// The secrets for a login, (name, value). `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Credentials {
    /// In no particular order.
    pub secrets: Vec<(String, String)>,
}

impl Credentials {
    /// The secret of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.secrets.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.secrets.iter().map(|(name, _)| name)).finish()
    }
}
