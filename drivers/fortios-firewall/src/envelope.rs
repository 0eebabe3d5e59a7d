//! The envelope in which FortiOS answers about its configuration.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::faults;
use crate::resource::Object;

/// What is around every answer. The `revision` in it is that of a whole table, not of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Envelope {
    /// `success` or `error`.
    pub status: String,
    /// The object that was changed: a name, or the number of a policy.
    pub mkey: Value,
    /// The objects that were asked for.
    pub results: Value,
    /// Why the change was refused; negative.
    pub error: Option<i64>,
    /// What the command line would have said about it.
    pub cli_error: Option<String>,
    /// Whether the table has changed.
    pub revision_changed: Option<bool>,
    /// FortiOS's version.
    pub version: Option<String>,
    /// The appliance's serial number.
    pub serial: Option<String>,
    /// FortiOS's build.
    pub build: Option<u64>,
}

impl Envelope {
    /// The envelope of a success.
    pub fn of_success(call: &Call, reply: &HttpReply) -> Result<Self, Fault> {
        if !reply.is_success() {
            return Err(faults::fault(call, reply));
        }
        let envelope: Self = reply.json()?;
        match envelope.status.as_str() {
            "success" => Ok(envelope),
            "error" => Err(faults::fault(call, reply)),
            other => Err(Fault::MalformedReply(format!("the reply's status is `{other}`, not success or error"))),
        }
    }

    /// The key of the object that was changed.
    pub fn key(&self) -> Result<String, Fault> {
        key(&self.mkey).ok_or_else(|| Fault::MalformedReply("the reply does not name the object (mkey)".to_owned()))
    }

    /// The objects that were asked for.
    pub fn objects(self) -> Result<Vec<Object>, Fault> {
        let objects = match self.results {
            Value::Array(items) => items.into_iter().map(object).collect(),
            _ => None,
        };
        objects.ok_or_else(|| Fault::MalformedReply("the reply holds no list of objects (results)".to_owned()))
    }
}

fn object(value: Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A key as a text: names are texts, the numbers of policies may be either.
pub fn key(value: &Value) -> Option<String> {
    match value {
        Value::String(name) if !name.is_empty() => Some(name.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}
