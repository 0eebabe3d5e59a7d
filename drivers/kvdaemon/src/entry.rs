//! Entries: a key, its value and when it was written.

use crosspoint_sdk::prelude::*;

use crate::frame::{Command, Frame, invalid};

/// An entry as it is wanted.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Its name, and its id at the backend. Printable ASCII without square brackets.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[ -Z\\^-~]*$"))]
    pub key: String,
    /// Printable ASCII without square brackets.
    #[schemars(length(max = 2048), regex(pattern = r"^[ -Z\\^-~]*$"))]
    pub value: String,
    /// When it was written, in microseconds since 1970; by default the daemon says when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timestamp: Option<i64>,
}

/// An entry as it is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    pub key: String,
    pub value: String,
    /// When it was written, in microseconds since 1970, where the daemon has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
}

/// The spec of a replacement, if it is about the entry of this key.
///
/// # Errors
/// [`Fault::Invalid`]: a key cannot be changed.
pub fn of_key(spec: Spec, key: &str) -> Result<Spec, Fault> {
    if spec.key == key {
        return Ok(spec);
    }
    Err(invalid("/key", format!("the key cannot be changed; it is `{key}`")))
}

/// The request to store an entry.
///
/// # Errors
/// [`Fault::Invalid`]: it cannot be stored.
pub fn put(spec: &Spec) -> Result<Frame, Fault> {
    storable("/key", &spec.key)?;
    storable("/value", &spec.value)?;
    if spec.key.is_empty() {
        return Err(invalid("/key", "is empty"));
    }
    let timestamp = spec.timestamp.unwrap_or_default();
    Ok(Frame { key: spec.key.clone(), value: spec.value.clone(), timestamp, ..Frame::request(Command::PUT) })
}

/// The request to show the entry of a key.
///
/// # Errors
/// [`Fault::NotFound`]: there can be no such key.
pub fn get(key: &str) -> Result<Frame, Fault> {
    let frame = Frame { key: key.to_owned(), ..Frame::request(Command::GET) };
    let there_may_be = !key.is_empty() && storable("", key).and_then(|()| frame.write()).is_ok();
    there_may_be.then_some(frame).ok_or_else(|| Fault::NotFound(format!("`{key}` can be the key of no entry")))
}

/// What has been stored, by the daemon's answer.
///
/// # Errors
/// What the answer means if it is no success.
pub fn stored(spec: Spec, reply: &Frame) -> Result<Entry, Fault> {
    let told = reply.expect(&[Command::OK])?.timestamp;
    Ok(Entry { key: spec.key, value: spec.value, timestamp: spec.timestamp.or(Some(told)).filter(|time| *time > 0) })
}

/// The entry of this key, by the daemon's answer.
///
/// # Errors
/// [`Fault::NotFound`], and what the answer means if it is no success.
pub fn shown(key: &str, reply: &Frame) -> Result<Entry, Fault> {
    if reply.expect(&[Command::OK, Command::NO_VALUE])?.command == Command::NO_VALUE {
        return Err(Fault::NotFound(format!("the daemon has no key `{key}`")));
    }
    let timestamp = Some(reply.timestamp).filter(|time| *time > 0);
    Ok(Entry { key: key.to_owned(), value: reply.value.clone(), timestamp })
}

impl Entry {
    pub fn outcome(&self) -> Result<Outcome, Fault> {
        outcome(self)?.id(&self.key).into()
    }
}

/// What the daemon takes as a key or a value.
fn storable(pointer: &str, text: &str) -> Result<(), Fault> {
    let fits = |c: char| matches!(c, ' '..='~') && !matches!(c, '[' | ']');
    if text.chars().all(fits) {
        return Ok(());
    }
    Err(invalid(pointer, "holds something else than printable ASCII without square brackets"))
}
