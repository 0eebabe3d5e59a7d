//! Backends, drivers, and the forgetting of what is old.

use std::ops::{Bound, ControlFlow};

use super::super::command::{Applied, Expiry, Refusal};
use super::super::tables::{self as t, BACKEND, DRIVER, EVENT, IDEMPOTENCY_AGE, MAPPING, OPERATION, UNDECIDED};
use super::super::{BackendRecord, DriverRecord, Event, EventType, Mapping, Operation, PackageRef};
use super::{Outcome, Step};
use crate::sync::{Order, State, StateError, Table};

/// How many earlier packages of a driver are remembered for roll-back.
const HISTORY: usize = 8;

impl Step<'_> {
    pub(super) fn put_backend(&mut self, mut record: BackendRecord, at: u64) -> Outcome {
        record.revision = self.index;
        t::put(self.state, BACKEND, record.name.as_bytes(), &record)?;
        self.event(&Event { backend: Some(record.name.clone()), ..Event::new(self.index, at, EventType::BackendPut) })?;
        Ok(Ok(Applied::Backend(Box::new(record))))
    }

    pub(super) fn remove_backend(&mut self, name: &str, at: u64) -> Outcome {
        let Some(record) = t::get::<BackendRecord>(self.state, BACKEND, name.as_bytes())? else {
            return Ok(Err(Refusal::Unknown));
        };
        if let Some(example) = self.mapping_of(name)? {
            let text = format!(
                "the backend has mappings, `{}` for instance: delete or release them first",
                example.key.cmp_id
            );
            return Ok(Err(Refusal::InUse(text)));
        }
        let undecided = keys(self.state, UNDECIDED, &[], usize::MAX)?;
        for id in undecided {
            if t::get::<Operation>(self.state, OPERATION, &id)?.is_some_and(|operation| operation.backend == name) {
                return Ok(Err(Refusal::InUse("the backend has operations that are not decided".to_owned())));
            }
        }
        self.state.delete(BACKEND, name.as_bytes());
        self.event(&Event { backend: Some(name.to_owned()), ..Event::new(self.index, at, EventType::BackendRemoved) })?;
        Ok(Ok(Applied::Backend(Box::new(record))))
    }

    /// Some mapping of a backend, if there is one. Tenants come first in the keys, so it jumps from tenant to tenant.
    fn mapping_of(&self, backend: &str) -> Result<Option<Mapping>, StateError> {
        let mut from = Vec::new();
        loop {
            let mut next: Option<Mapping> = None;
            let mut error = None;
            self.state.scan(
                MAPPING,
                (Bound::Included(&from), Bound::Unbounded),
                Order::Ascending,
                &mut |_, value| {
                    match t::decode(MAPPING, value) {
                        Ok(mapping) => next = Some(mapping),
                        Err(failed) => error = Some(failed),
                    }
                    ControlFlow::Break(())
                },
            )?;
            if let Some(error) = error {
                return Err(error);
            }
            let Some(mapping) = next else { return Ok(None) };
            if mapping.key.backend == backend {
                return Ok(Some(mapping));
            }
            let here = t::prefix(&[&mapping.key.tenant, backend]);
            let current = t::mapping_key(&mapping.key);
            let jump = if current < here { Some(here) } else { t::prefix_end(&t::prefix(&[&mapping.key.tenant])) };
            match jump {
                Some(jump) => from = jump,
                None => return Ok(None),
            }
        }
    }

    pub(super) fn activate_driver(&mut self, name: String, package: PackageRef, source: String, at: u64) -> Outcome {
        let mut history = Vec::new();
        if let Some(before) = t::get::<DriverRecord>(self.state, DRIVER, name.as_bytes())? {
            history.push(before.active);
            history.extend(before.history);
        }
        history.retain(|earlier| earlier.digest != package.digest);
        history.truncate(HISTORY);
        let record = DriverRecord { name, active: package, history, source, activated_at: at };
        t::put(self.state, DRIVER, record.name.as_bytes(), &record)?;
        let driver = Some(format!("{}@{}", record.name, record.active.version));
        self.event(&Event { driver, ..Event::new(self.index, at, EventType::DriverActivated) })?;
        Ok(Ok(Applied::Driver(Box::new(record))))
    }

    pub(super) fn remove_driver(&mut self, name: &str, at: u64) -> Outcome {
        let Some(record) = t::get::<DriverRecord>(self.state, DRIVER, name.as_bytes())? else {
            return Ok(Err(Refusal::Unknown));
        };
        for backend in keys(self.state, BACKEND, &[], usize::MAX)? {
            let user: Option<BackendRecord> = t::get(self.state, BACKEND, &backend)?;
            if let Some(user) = user.filter(|user| user.driver == name) {
                return Ok(Err(Refusal::InUse(format!(
                    "backend `{}` uses the driver: remove the backend first",
                    user.name
                ))));
            }
        }
        self.state.delete(DRIVER, name.as_bytes());
        self.event(&Event { driver: Some(name.to_owned()), ..Event::new(self.index, at, EventType::DriverRemoved) })?;
        Ok(Ok(Applied::Driver(Box::new(record))))
    }

    pub(super) fn expire(&mut self, expiry: Expiry) -> Outcome {
        let mut removed = 0;
        for key in keys(self.state, IDEMPOTENCY_AGE, &expiry.idempotency_before.to_be_bytes(), expiry.batch)? {
            let (_, key) = key.split_at_checked(size_of::<u64>()).unwrap_or_default();
            removed += usize::from(self.forget_key(key)?);
        }
        let count = t::counter(self.state, t::OPERATIONS)?;
        let excess =
            usize::try_from(count.saturating_sub(expiry.operations_kept)).unwrap_or(usize::MAX).min(expiry.batch);
        let mut forgotten = 0;
        for id in self.forgettable(excess)? {
            self.state.delete(OPERATION, &id);
            forgotten += 1;
        }
        t::set_counter(self.state, t::OPERATIONS, count.saturating_sub(forgotten));
        removed += usize::try_from(forgotten).unwrap_or(usize::MAX);
        let events = keys(self.state, EVENT, &expiry.events_before.to_be_bytes(), expiry.batch)?;
        if let Some(last) = events.last().and_then(|key| <[u8; 8]>::try_from(key.as_slice()).ok()) {
            t::set_counter(self.state, t::EVENTS_FORGOTTEN, u64::from_be_bytes(last));
        }
        for key in events {
            self.state.delete(EVENT, &key);
            removed += 1;
        }
        Ok(Ok(Applied::Removed(removed)))
    }
}

impl Step<'_> {
    /// Up to `limit` of the oldest operations that are decided and that no idempotency key stands for: their answers
    /// are promised.
    fn forgettable(&self, limit: usize) -> Result<Vec<Vec<u8>>, StateError> {
        let mut ids = Vec::new();
        let mut error = None;
        let mut visit = |id: &[u8], value: &[u8]| -> Result<(), StateError> {
            let operation: Operation = t::decode(OPERATION, value)?;
            if operation.state.is_decided() && self.promise(&operation)?.is_none() {
                ids.push(id.to_vec());
            }
            Ok(())
        };
        let mut looked_at = 0;
        self.state.scan(OPERATION, (Bound::Unbounded, Bound::Unbounded), Order::Ascending, &mut |id, value| {
            // Those that cannot go yet must not make this command long.
            if looked_at >= limit.saturating_mul(4) {
                return ControlFlow::Break(());
            }
            looked_at += 1;
            match visit(id, value) {
                Ok(()) => ControlFlow::Continue(()),
                Err(failed) => {
                    error = Some(failed);
                    ControlFlow::Break(())
                }
            }
        })?;
        ids.truncate(limit);
        error.map_or(Ok(ids), Err)
    }
}

/// Up to `limit` keys of a table, from its start; below `end` unless that is empty.
fn keys(state: &(impl State + ?Sized), table: Table, end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StateError> {
    let end = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
    let mut keys = Vec::new();
    state.scan(table, (Bound::Unbounded, end), Order::Ascending, &mut |key, _| {
        if keys.len() == limit {
            return ControlFlow::Break(());
        }
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok(keys)
}
