//! The tables and how their keys are laid out. Parts of a key are separated by NUL, which no name or id may hold.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{MappingState, ObjectKey, OperationId};
use crate::sync::{State, StateError, StateMut, Table};

/// tenant, backend, kind, CMP id → [`super::Mapping`].
pub const MAPPING: Table = Table(1);
/// backend, kind, backend id → key in [`MAPPING`].
pub const BY_BACKEND: Table = Table(2);
/// tenant, label, value, then the rest of the key in [`MAPPING`] → nothing.
pub const BY_LABEL: Table = Table(3);
/// state, then key in [`MAPPING`] → nothing. Only for states other than active.
pub const BY_STATE: Table = Table(4);
/// operation id → [`super::Operation`].
pub const OPERATION: Table = Table(5);
/// operation id → nothing, while it is not decided.
pub const UNDECIDED: Table = Table(6);
/// tenant, idempotency key → [`KeyRecord`].
pub const IDEMPOTENCY: Table = Table(7);
/// time (big-endian), then key in [`IDEMPOTENCY`] → nothing.
pub const IDEMPOTENCY_AGE: Table = Table(8);
/// log index (big-endian) → [`super::Event`].
pub const EVENT: Table = Table(9);
/// name → [`super::BackendRecord`].
pub const BACKEND: Table = Table(10);
/// name → [`super::DriverRecord`].
pub const DRIVER: Table = Table(11);
/// name of a counter → u64 (big-endian).
pub const COUNTER: Table = Table(12);

/// Counter: how many idempotency keys are remembered.
pub const KEYS: &[u8] = b"idempotency-keys";
/// Counter: how many operations are recorded.
pub const OPERATIONS: &[u8] = b"operations";
/// Counter: the highest event index that was forgotten.
pub const EVENTS_FORGOTTEN: &[u8] = b"events-forgotten";

/// What an idempotency key stands for.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct KeyRecord {
    /// Digest over the request.
    pub fingerprint: String,
    /// The operation.
    pub operation: OperationId,
    /// When it was first used; milliseconds since the Unix epoch.
    pub at: u64,
}

/// Joins the parts of a key.
pub fn join(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").into_bytes()
}

/// A prefix that ends where the next part begins, so that `a` does not find `ab`.
pub fn prefix(parts: &[&str]) -> Vec<u8> {
    let mut prefix = join(parts);
    if !parts.is_empty() {
        prefix.push(0);
    }
    prefix
}

/// The key in [`MAPPING`].
pub fn mapping_key(key: &ObjectKey) -> Vec<u8> {
    join(&[&key.tenant, &key.backend, &key.kind, &key.cmp_id])
}

/// The key in [`BY_BACKEND`].
pub fn backend_key(backend: &str, kind: &str, backend_id: &str) -> Vec<u8> {
    join(&[backend, kind, backend_id])
}

/// The key in [`BY_LABEL`].
pub fn label_key(key: &ObjectKey, label: &str, value: &str) -> Vec<u8> {
    join(&[&key.tenant, label, value, &key.backend, &key.kind, &key.cmp_id])
}

/// The key in [`BY_STATE`].
pub fn state_key(state: MappingState, key: &ObjectKey) -> Vec<u8> {
    join(&[state.as_str(), &key.tenant, &key.backend, &key.kind, &key.cmp_id])
}

/// The key in [`IDEMPOTENCY`].
pub fn idempotency_key(tenant: &str, key: &str) -> Vec<u8> {
    join(&[tenant, key])
}

/// The key in [`IDEMPOTENCY_AGE`].
pub fn age_key(at: u64, idempotency_key: &[u8]) -> Vec<u8> {
    [&at.to_be_bytes(), idempotency_key].concat()
}

/// Reads a record.
pub fn get<T: DeserializeOwned>(
    state: &(impl State + ?Sized),
    table: Table,
    key: &[u8],
) -> Result<Option<T>, StateError> {
    state.get(table, key)?.map(|bytes| decode(table, &bytes)).transpose()
}

/// Reads a record's bytes.
pub fn decode<T: DeserializeOwned>(table: Table, bytes: &[u8]) -> Result<T, StateError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StateError::new(format!("a record of table {} is not readable: {error}", table.0)))
}

/// Writes a record.
pub fn put<T: Serialize>(
    state: &mut (impl StateMut + ?Sized),
    table: Table,
    key: &[u8],
    value: &T,
) -> Result<(), StateError> {
    let bytes = serde_json::to_vec(value)
        .map_err(|error| StateError::new(format!("a record of table {} is not writable: {error}", table.0)))?;
    state.put(table, key, bytes);
    Ok(())
}

/// Reads a counter.
pub fn counter(state: &(impl State + ?Sized), name: &[u8]) -> Result<u64, StateError> {
    Ok(state.get(COUNTER, name)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// Sets a counter.
pub fn set_counter(state: &mut (impl StateMut + ?Sized), name: &[u8], value: u64) {
    state.put(COUNTER, name, value.to_be_bytes().to_vec());
}

/// The end of the range of keys that begin with `prefix`; none if there is no end.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}
