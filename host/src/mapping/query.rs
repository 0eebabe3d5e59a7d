//! Questions to what is recorded. None of them makes a backend exchange.
//!
//! Lists are paged by cursor: an opaque text that holds the last key seen. A cursor names a place, never a right: the
//! filter of the request that brings it decides what is shown, so a forged one shows nothing more.

use std::ops::{Bound, ControlFlow};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::tables::{self as t, BACKEND, BY_BACKEND, BY_LABEL, BY_STATE, DRIVER, EVENT, MAPPING, OPERATION, UNDECIDED};
use super::{
    BackendRecord, DriverRecord, Event, Expiry, Mapping, MappingState, ObjectKey, Operation, OperationId,
    OperationState,
};
use crate::sync::{Order, State, StateError, Table};

/// Most rows that one page looks at. A filter that little matches may give a short page, even an empty one, with a
/// cursor to go on from: bounded work for the store, and no surprise for a caller that follows cursors.
const ROWS_PER_PAGE: usize = 10_000;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on, unless this is the end.
    pub next: Option<String>,
}

/// Which mappings are wanted; what is none does not narrow.
#[derive(Clone, Debug, Default)]
pub struct MappingFilter {
    /// The tenant.
    pub tenant: Option<String>,
    /// The backend.
    pub backend: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The CMP's id.
    pub cmp_id: Option<String>,
    /// The backend's id.
    pub backend_id: Option<String>,
    /// Labels that must all be there with these values.
    pub labels: Vec<(String, String)>,
    /// The state.
    pub state: Option<MappingState>,
}

impl MappingFilter {
    fn admits(&self, mapping: &Mapping) -> bool {
        fn same(wanted: Option<&String>, actual: &str) -> bool {
            wanted.is_none_or(|wanted| wanted == actual)
        }
        same(self.tenant.as_ref(), &mapping.key.tenant)
            && same(self.backend.as_ref(), &mapping.key.backend)
            && same(self.kind.as_ref(), &mapping.key.kind)
            && same(self.cmp_id.as_ref(), &mapping.key.cmp_id)
            && self.backend_id.as_ref().is_none_or(|id| mapping.backend_id.as_ref() == Some(id))
            && self.state.is_none_or(|state| state == mapping.state)
            && self.labels.iter().all(|(label, value)| mapping.labels.get(label) == Some(value))
    }

    /// The narrowest index for this filter: its table and the prefix of the keys in question.
    fn index(&self) -> (Table, Vec<u8>) {
        if let (Some(tenant), Some((label, value))) = (&self.tenant, self.labels.first()) {
            return (BY_LABEL, t::prefix(&[tenant, label, value]));
        }
        if let Some(state) = self.state.filter(|state| *state != MappingState::Active) {
            return (BY_STATE, narrowed(vec![state.as_str()], &[&self.tenant, &self.backend, &self.kind]));
        }
        if let (Some(backend), None) = (&self.backend, &self.tenant) {
            return (BY_BACKEND, narrowed(vec![backend], &[&self.kind]));
        }
        (MAPPING, narrowed(Vec::new(), &[&self.tenant, &self.backend, &self.kind]))
    }
}

fn narrowed<'a>(mut parts: Vec<&'a str>, more: &[&'a Option<String>]) -> Vec<u8> {
    parts.extend(more.iter().map_while(|part| part.as_deref()));
    t::prefix(&parts)
}

/// Which operations are wanted; what is none does not narrow.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// The tenant.
    pub tenant: Option<String>,
    /// The backend.
    pub backend: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The CMP's id.
    pub cmp_id: Option<String>,
    /// The state.
    pub state: Option<OperationState>,
}

impl OperationFilter {
    fn admits(&self, operation: &Operation) -> bool {
        fn same(wanted: Option<&String>, actual: Option<&str>) -> bool {
            wanted.is_none_or(|wanted| Some(wanted.as_str()) == actual)
        }
        same(self.tenant.as_ref(), Some(&operation.tenant))
            && same(self.backend.as_ref(), Some(&operation.backend))
            && same(self.kind.as_ref(), Some(&operation.kind))
            && same(self.cmp_id.as_ref(), operation.cmp_id.as_deref())
            && self.state.is_none_or(|state| state == operation.state)
    }
}

/// The cursor is not one that a list gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this list gave")]
pub struct BadCursor;

/// Why a list could not be given.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor is wrong.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
    /// The store failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The mapping of an object.
pub fn mapping(state: &dyn State, key: &ObjectKey) -> Result<Option<Mapping>, StateError> {
    t::get(state, MAPPING, &t::mapping_key(key))
}

/// The mapping of a backend's object.
pub fn mapping_of_backend_id(
    state: &dyn State,
    backend: &str,
    kind: &str,
    backend_id: &str,
) -> Result<Option<Mapping>, StateError> {
    match state.get(BY_BACKEND, &t::backend_key(backend, kind, backend_id))? {
        Some(key) => t::get(state, MAPPING, &key),
        None => Ok(None),
    }
}

/// A page of mappings, in the order of the index that the filter is served from.
pub fn mappings(
    state: &dyn State,
    filter: &MappingFilter,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Mapping>, ListError> {
    if let (Some(tenant), Some(backend), Some(kind), Some(cmp_id)) =
        (&filter.tenant, &filter.backend, &filter.kind, &filter.cmp_id)
    {
        let key =
            ObjectKey { tenant: tenant.clone(), backend: backend.clone(), kind: kind.clone(), cmp_id: cmp_id.clone() };
        return Ok(single(mapping(state, &key)?.filter(|mapping| filter.admits(mapping))));
    }
    if let (Some(backend), Some(kind), Some(id)) = (&filter.backend, &filter.kind, &filter.backend_id) {
        return Ok(single(mapping_of_backend_id(state, backend, kind, id)?.filter(|mapping| filter.admits(mapping))));
    }
    let (table, prefix) = filter.index();
    // A label's key begins with the label, a state's with the state; what follows is the key in MAPPING.
    let skip = match table {
        BY_LABEL => 3,
        BY_STATE => 1,
        _ => 0,
    };
    pages(state, (table, &prefix, Order::Ascending), limit, cursor, |key, value| {
        let mapping = match table {
            MAPPING => Some(t::decode(MAPPING, value)?),
            BY_BACKEND => t::get(state, MAPPING, value)?,
            _ => t::get(state, MAPPING, &mapping_part(key, skip, filter.tenant.as_deref()))?,
        };
        Ok(mapping.filter(|mapping: &Mapping| filter.admits(mapping)))
    })
}

fn mapping_part(key: &[u8], skip: usize, tenant: Option<&str>) -> Vec<u8> {
    let rest = key.splitn(skip + 1, |byte| *byte == 0).nth(skip).unwrap_or_default();
    match tenant {
        Some(tenant) if skip > 1 => [tenant.as_bytes(), &[0], rest].concat(),
        _ => rest.to_vec(),
    }
}

/// An operation.
pub fn operation(state: &dyn State, id: OperationId) -> Result<Option<Operation>, StateError> {
    t::get(state, OPERATION, id.as_bytes())
}

/// A page of operations, the latest first.
pub fn operations(
    state: &dyn State,
    filter: &OperationFilter,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Operation>, ListError> {
    let undecided = filter.state.is_some_and(|wanted| !wanted.is_decided());
    let table = if undecided { UNDECIDED } else { OPERATION };
    pages(state, (table, &[], Order::Descending), limit, cursor, |key, value| {
        let operation =
            if undecided { t::get(state, OPERATION, key)? } else { Some(t::decode::<Operation>(OPERATION, value)?) };
        Ok(operation.filter(|operation| filter.admits(operation)))
    })
}

/// The id of the latest operation, and the time of the latest event: what comes next must not seem to come before.
pub fn latest(state: &dyn State) -> Result<(Option<OperationId>, u64), StateError> {
    let (mut id, mut at) = (None, Ok(0));
    let everything = (Bound::Unbounded, Bound::Unbounded);
    state.scan(OPERATION, everything, Order::Descending, &mut |key, _| {
        id = key.try_into().ok().map(OperationId::from_bytes);
        ControlFlow::Break(())
    })?;
    state.scan(EVENT, everything, Order::Descending, &mut |_, value| {
        at = t::decode::<Event>(EVENT, value).map(|event| event.at);
        ControlFlow::Break(())
    })?;
    Ok((id, at?))
}

/// Every operation that is not decided. Few in a healthy system.
pub fn undecided(state: &dyn State) -> Result<Vec<Operation>, StateError> {
    all(state, UNDECIDED, |key, _| t::get(state, OPERATION, key))
}

/// The operation that an idempotency key stands for, with the fingerprint of its request.
pub fn idempotency(state: &dyn State, tenant: &str, key: &str) -> Result<Option<(Operation, String)>, StateError> {
    let record: Option<t::KeyRecord> = t::get(state, t::IDEMPOTENCY, &t::idempotency_key(tenant, key))?;
    let Some(record) = record else { return Ok(None) };
    Ok(operation(state, record.operation)?.map(|operation| (operation, record.fingerprint)))
}

/// A backend's record.
pub fn backend(state: &dyn State, name: &str) -> Result<Option<BackendRecord>, StateError> {
    t::get(state, BACKEND, name.as_bytes())
}

/// Every backend's record, by name.
pub fn backends(state: &dyn State) -> Result<Vec<BackendRecord>, StateError> {
    all(state, BACKEND, |_, value| t::decode(BACKEND, value).map(Some))
}

/// A driver's record.
pub fn driver(state: &dyn State, name: &str) -> Result<Option<DriverRecord>, StateError> {
    t::get(state, DRIVER, name.as_bytes())
}

/// Every driver's record, by name.
pub fn drivers(state: &dyn State) -> Result<Vec<DriverRecord>, StateError> {
    all(state, DRIVER, |_, value| t::decode(DRIVER, value).map(Some))
}

/// The kinds that a backend has mapped objects of. Jumps from kind to kind, so it costs as many steps as there are kinds.
pub fn mapped_kinds(state: &dyn State, backend: &str) -> Result<Vec<String>, StateError> {
    let prefix = t::prefix(&[backend]);
    let end = t::prefix_end(&prefix);
    let mut kinds: Vec<String> = Vec::new();
    let mut from = prefix.clone();
    loop {
        let mut next = None;
        let upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        state.scan(BY_BACKEND, (Bound::Included(&from), upper), Order::Ascending, &mut |key, _| {
            next = key.split(|byte| *byte == 0).nth(1).map(|kind| String::from_utf8_lossy(kind).into_owned());
            ControlFlow::Break(())
        })?;
        let Some(kind) = next else { return Ok(kinds) };
        let Some(jump) = t::prefix_end(&t::prefix(&[backend, &kind])) else { return Ok(kinds) };
        kinds.push(kind);
        from = jump;
    }
}

/// Events after an index, and how far the store has looked: where nothing is found, the caller may go on from there.
pub fn events_after(state: &dyn State, after: u64, limit: usize) -> Result<Vec<Event>, StateError> {
    let from = after.saturating_add(1).to_be_bytes();
    let mut events = Vec::new();
    let mut error = None;
    state.scan(EVENT, (Bound::Included(&from), Bound::Unbounded), Order::Ascending, &mut |_, value| {
        match t::decode(EVENT, value) {
            Ok(event) => events.push(event),
            Err(failed) => error = Some(failed),
        }
        if events.len() >= limit || error.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    error.map_or(Ok(events), Err)
}

/// The index of the latest event; 0 if there is none.
pub fn newest_event(state: &dyn State) -> Result<u64, StateError> {
    let mut newest = 0;
    state.scan(EVENT, (Bound::Unbounded, Bound::Unbounded), Order::Descending, &mut |key, _| {
        newest = key.try_into().map_or(0, u64::from_be_bytes);
        ControlFlow::Break(())
    })?;
    Ok(newest)
}

/// The highest index whose event was forgotten: whoever wants to resume from below it has missed something.
pub fn events_forgotten(state: &dyn State) -> Result<u64, StateError> {
    t::counter(state, t::EVENTS_FORGOTTEN)
}

/// Whether there is anything that this expiry would forget.
pub fn anything_older(state: &dyn State, expiry: &Expiry) -> Result<bool, StateError> {
    if t::counter(state, t::OPERATIONS)? > expiry.operations_kept {
        return Ok(true);
    }
    let bounds: [(Table, &[u8]); 2] =
        [(t::IDEMPOTENCY_AGE, &expiry.idempotency_before.to_be_bytes()), (EVENT, &expiry.events_before.to_be_bytes())];
    for (table, end) in bounds {
        let mut any = false;
        state.scan(table, (Bound::Unbounded, Bound::Excluded(end)), Order::Ascending, &mut |_, _| {
            any = true;
            ControlFlow::Break(())
        })?;
        if any {
            return Ok(true);
        }
    }
    Ok(false)
}

fn single<T>(item: Option<T>) -> Page<T> {
    Page { items: item.into_iter().collect(), next: None }
}

fn all<T>(
    state: &dyn State,
    table: Table,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StateError>,
) -> Result<Vec<T>, StateError> {
    let mut items = Vec::new();
    let mut error = None;
    state.scan(
        table,
        (Bound::Unbounded, Bound::Unbounded),
        Order::Ascending,
        &mut |key, value| match read(key, value) {
            Ok(item) => {
                items.extend(item);
                ControlFlow::Continue(())
            }
            Err(failed) => {
                error = Some(failed);
                ControlFlow::Break(())
            }
        },
    )?;
    error.map_or(Ok(items), Err)
}

fn pages<T>(
    state: &dyn State,
    (table, prefix, order): (Table, &[u8], Order),
    limit: usize,
    cursor: Option<&str>,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StateError>,
) -> Result<Page<T>, ListError> {
    let last = cursor.map(|cursor| parse_cursor(cursor, table)).transpose()?;
    let end = t::prefix_end(prefix);
    let mut lower = if prefix.is_empty() { Bound::Unbounded } else { Bound::Included(prefix) };
    let mut upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    if let Some(last) = &last {
        if !last.starts_with(prefix) {
            return Err(BadCursor.into());
        }
        match order {
            Order::Ascending => lower = Bound::Excluded(last),
            Order::Descending => upper = Bound::Excluded(last),
        }
    }
    let mut page = Page { items: Vec::new(), next: None };
    let mut rows = 0;
    let mut error = None;
    let mut reached = Vec::new();
    state.scan(table, (lower, upper), order, &mut |key, value| {
        if page.items.len() == limit || rows == ROWS_PER_PAGE {
            page.next = Some(cursor_at(table, &reached));
            return ControlFlow::Break(());
        }
        rows += 1;
        reached.clear();
        reached.extend_from_slice(key);
        match read(key, value) {
            Ok(item) => {
                page.items.extend(item);
                ControlFlow::Continue(())
            }
            Err(failed) => {
                error = Some(failed);
                ControlFlow::Break(())
            }
        }
    })?;
    error.map_or(Ok(page), |error| Err(error.into()))
}

fn cursor_at(table: Table, key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&[table.0], key].concat())
}

fn parse_cursor(cursor: &str, table: Table) -> Result<Vec<u8>, BadCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor)?;
    match bytes.split_first() {
        Some((first, key)) if *first == table.0 => Ok(key.to_vec()),
        _ => Err(BadCursor),
    }
}
