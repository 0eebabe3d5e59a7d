//! The machine: from what is recorded and a command, to what is recorded next.

use crosspoint_contract::{Json, Verb};

use super::command::{Applied, Command, Intent, Refusal, Settlement, Success};
use super::tables::{
    self as t, BY_BACKEND, BY_LABEL, BY_STATE, IDEMPOTENCY, IDEMPOTENCY_AGE, MAPPING, OPERATION, UNDECIDED,
};
use super::{
    Code, Event, EventType, Failure, Labels, Mapping, MappingState, ObjectKey, Operation, OperationState, Resolution,
};
use crate::sent::Sent;
use crate::sync::{Machine, StateError, StateMut};

mod records;

/// The deterministic machine behind the mapping store.
///
/// **Invariant:** it asks no clock and draws no number; time and ids come with the commands. A refused command changes
/// nothing at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ledger;

/// What applying a command gives; the outer error is the store's own.
type Outcome = Result<Result<Applied, Refusal>, StateError>;

impl Machine for Ledger {
    type Command = Command;
    type Response = Result<Applied, Refusal>;

    const VERSION: u32 = 1;

    fn apply(&self, index: u64, command: Command, state: &mut dyn StateMut) -> Outcome {
        let mut step = Step { index, state };
        match command {
            Command::Begin(intent) => step.begin(*intent),
            Command::Settle { operation, at, settlement } => step.settle(operation, at, *settlement),
            Command::Extend { operation, deadline, at } => step.extend(operation, deadline, at),
            Command::Adopt { key, success, labels, at } => step.adopt(key, *success, labels, at),
            Command::Release { key, at } => step.release(&key, at),
            Command::PutBackend { record, at } => step.put_backend(*record, at),
            Command::RemoveBackend { name, at } => step.remove_backend(&name, at),
            Command::ActivateDriver { name, package, source, at } => step.activate_driver(name, package, source, at),
            Command::RemoveDriver { name, at } => step.remove_driver(&name, at),
            Command::Expire(expiry) => step.expire(expiry),
        }
    }
}

/// One command being applied.
struct Step<'a> {
    index: u64,
    state: &'a mut dyn StateMut,
}

impl Step<'_> {
    fn begin(&mut self, intent: Intent) -> Outcome {
        let Intent { operation, mapping_revision, idempotency_limit } = intent;
        if let Some(refusal) = self.repeated(&operation, idempotency_limit)? {
            return Ok(Err(refusal));
        }
        let mapping = match operation.object() {
            None => None,
            Some(key) => {
                let found: Option<Mapping> = t::get(self.state, MAPPING, &t::mapping_key(&key))?;
                match reserve(found.clone(), key, &operation, mapping_revision) {
                    Err(refusal) => return Ok(Err(refusal)),
                    Ok(next) => Some((found, next)),
                }
            }
        };
        self.remember_key(&operation)?;
        t::put(self.state, OPERATION, operation.id.as_bytes(), &operation)?;
        let count = t::counter(self.state, t::OPERATIONS)?;
        t::set_counter(self.state, t::OPERATIONS, count + 1);
        self.state.put(UNDECIDED, operation.id.as_bytes(), Vec::new());
        let mapping = match mapping {
            None => {
                self.event(
                    &Event::new(self.index, operation.started_at, EventType::OperationOpen).operation(&operation),
                )?;
                None
            }
            Some((before, mut next)) => {
                self.write_mapping(before.as_ref(), &mut next, operation.started_at)?;
                self.mapping_event(&next, Some(&operation), operation.started_at)?;
                Some(Box::new(next))
            }
        };
        Ok(Ok(Applied::Operation { operation: Box::new(operation), mapping }))
    }

    /// What stands against a call with this idempotency key, if it has one.
    fn repeated(&self, operation: &Operation, limit: u64) -> Result<Option<Refusal>, StateError> {
        let Some(idempotency) = &operation.idempotency else { return Ok(None) };
        let key = t::idempotency_key(&operation.tenant, &idempotency.key);
        let Some(record) = t::get::<t::KeyRecord>(self.state, IDEMPOTENCY, &key)? else {
            return Ok((t::counter(self.state, t::KEYS)? >= limit).then_some(Refusal::KeysFull));
        };
        let Some(earlier) = t::get::<Operation>(self.state, OPERATION, record.operation.as_bytes())? else {
            return Ok(None);
        };
        Ok(Some(if record.fingerprint == idempotency.fingerprint {
            Refusal::Repeated(Box::new(earlier))
        } else {
            Refusal::KeyMismatch(Box::new(earlier))
        }))
    }

    fn remember_key(&mut self, operation: &Operation) -> Result<(), StateError> {
        let Some(idempotency) = &operation.idempotency else { return Ok(()) };
        let key = t::idempotency_key(&operation.tenant, &idempotency.key);
        let record = t::KeyRecord {
            fingerprint: idempotency.fingerprint.clone(),
            operation: operation.id,
            at: operation.started_at,
        };
        self.forget_key(&key)?;
        t::put(self.state, IDEMPOTENCY, &key, &record)?;
        self.state.put(IDEMPOTENCY_AGE, &t::age_key(record.at, &key), Vec::new());
        let count = t::counter(self.state, t::KEYS)?;
        t::set_counter(self.state, t::KEYS, count + 1);
        Ok(())
    }

    /// Forgets an idempotency key, if it is remembered.
    fn forget_key(&mut self, key: &[u8]) -> Result<bool, StateError> {
        let Some(record) = t::get::<t::KeyRecord>(self.state, IDEMPOTENCY, key)? else { return Ok(false) };
        self.state.delete(IDEMPOTENCY, key);
        self.state.delete(IDEMPOTENCY_AGE, &t::age_key(record.at, key));
        let count = t::counter(self.state, t::KEYS)?;
        t::set_counter(self.state, t::KEYS, count.saturating_sub(1));
        Ok(true)
    }

    fn settle(&mut self, id: super::OperationId, at: u64, settlement: Settlement) -> Outcome {
        let Some(mut operation) = t::get::<Operation>(self.state, OPERATION, id.as_bytes())? else {
            return Ok(Err(Refusal::UnknownOperation));
        };
        if operation.state.is_decided() {
            return Ok(Err(Refusal::AlreadyDecided(Box::new(operation))));
        }
        let before = match operation.object() {
            None => None,
            Some(key) => t::get::<Mapping>(self.state, MAPPING, &t::mapping_key(&key))?,
        };
        let settlement = self.refuse_taken(&operation, before.as_ref(), settlement)?;
        let after = match settlement {
            Settlement::Succeeded(success) => succeeded(&mut operation, before.clone(), success),
            Settlement::Observed(success) => {
                // What is seen is how the object is now: there is nothing left to wait for.
                let after = succeeded(&mut operation, before.clone(), Success { pending: None, ..success });
                operation.state = OperationState::Observed;
                after
            }
            Settlement::Failed { failure, resolution } => failed(&mut operation, before.clone(), failure, resolution),
            Settlement::Doubt(failure) => {
                operation.state = OperationState::Unknown;
                operation.sent = failure.sent;
                operation.failure = Some(failure);
                before.clone().map(|mapping| Mapping { state: MappingState::Unknown, ..mapping })
            }
        };
        if operation.state.is_decided() {
            operation.finished_at = Some(at);
            operation.spec = Json::null();
            self.state.delete(UNDECIDED, id.as_bytes());
            self.release_key(&operation)?;
        }
        t::put(self.state, OPERATION, id.as_bytes(), &operation)?;
        let mapping = self.replace_mapping(before, after, &operation, at)?;
        Ok(Ok(Applied::Operation { operation: Box::new(operation), mapping }))
    }

    fn extend(&mut self, id: super::OperationId, deadline: u64, at: u64) -> Outcome {
        let Some(mut operation) = t::get::<Operation>(self.state, OPERATION, id.as_bytes())? else {
            return Ok(Err(Refusal::UnknownOperation));
        };
        if operation.state.is_decided() {
            return Ok(Err(Refusal::AlreadyDecided(Box::new(operation))));
        }
        operation.deadline = operation.deadline.max(deadline);
        t::put(self.state, OPERATION, id.as_bytes(), &operation)?;
        self.event(&Event::new(self.index, at, EventType::OperationOpen).operation(&operation))?;
        Ok(Ok(Applied::Operation { operation: Box::new(operation), mapping: None }))
    }

    /// A backend id that belongs to another object turns success into failure: one backend object is one CMP object.
    fn refuse_taken(
        &self,
        operation: &Operation,
        mapping: Option<&Mapping>,
        settlement: Settlement,
    ) -> Result<Settlement, StateError> {
        let (Settlement::Succeeded(success) | Settlement::Observed(success)) = &settlement else {
            return Ok(settlement);
        };
        let (Some(mapping), Some(id)) = (mapping, &success.backend_id) else { return Ok(settlement) };
        let Some(owner) = self.owner(&mapping.key, id)? else { return Ok(settlement) };
        if owner == mapping.key {
            return Ok(settlement);
        }
        let whose = if owner.tenant == mapping.key.tenant {
            format!("CMP object `{}`", owner.cmp_id)
        } else {
            "another tenant's object".to_owned()
        };
        let failure = Failure::new(
            Code::BackendIdTaken,
            format!("the backend answered with object `{id}`, which is mapped to {whose}"),
        )
        .sent(Sent::Yes)
        .operation(operation.id);
        Ok(Settlement::Failed { failure, resolution: success.resolution.clone() })
    }

    fn owner(&self, key: &ObjectKey, backend_id: &str) -> Result<Option<ObjectKey>, StateError> {
        let Some(owner) = self.state.get(BY_BACKEND, &t::backend_key(&key.backend, &key.kind, backend_id))? else {
            return Ok(None);
        };
        Ok(t::get::<Mapping>(self.state, MAPPING, &owner)?.map(|mapping| mapping.key))
    }

    /// A call that failed, did nothing and may simply be tried again, must not be answered from memory when it is.
    fn release_key(&mut self, operation: &Operation) -> Result<(), StateError> {
        let retryable = operation.failure.as_ref().is_some_and(|failure| failure.retryable);
        if operation.state != OperationState::Failed || !retryable {
            return Ok(());
        }
        match self.promise(operation)? {
            Some(key) => self.forget_key(&key).map(drop),
            None => Ok(()),
        }
    }

    /// The idempotency key that stands for an operation. One that the operation was begun with may have been forgotten
    /// for its age, and given to another one since.
    fn promise(&self, operation: &Operation) -> Result<Option<Vec<u8>>, StateError> {
        let Some(idempotency) = &operation.idempotency else { return Ok(None) };
        let key = t::idempotency_key(&operation.tenant, &idempotency.key);
        let record: Option<t::KeyRecord> = t::get(self.state, IDEMPOTENCY, &key)?;
        Ok(record.filter(|record| record.operation == operation.id).map(|_| key))
    }

    fn replace_mapping(
        &mut self,
        before: Option<Mapping>,
        after: Option<Mapping>,
        operation: &Operation,
        at: u64,
    ) -> Result<Option<Box<Mapping>>, StateError> {
        match (before, after) {
            (before, Some(mut after)) => {
                self.write_mapping(before.as_ref(), &mut after, at)?;
                self.mapping_event(&after, Some(operation), at)?;
                Ok(Some(Box::new(after)))
            }
            (Some(before), None) => {
                self.erase_mapping(&before);
                let event =
                    Event::new(self.index, at, EventType::Gone).object(&before.key, before.backend_id.as_deref());
                self.event(&Event { operation_id: Some(operation.id), ..event })?;
                Ok(None)
            }
            (None, None) => {
                let what = match operation.state {
                    OperationState::Open => EventType::OperationOpen,
                    OperationState::Pending => EventType::OperationPending,
                    OperationState::Unknown => EventType::OperationUnknown,
                    OperationState::Succeeded | OperationState::Observed => EventType::OperationSucceeded,
                    OperationState::Failed => EventType::OperationFailed,
                };
                self.event(&Event::new(self.index, at, what).operation(operation))?;
                Ok(None)
            }
        }
    }

    fn adopt(&mut self, key: ObjectKey, success: Success, labels: Labels, at: u64) -> Outcome {
        if let Some(mapping) = t::get::<Mapping>(self.state, MAPPING, &t::mapping_key(&key))? {
            return Ok(Err(Refusal::AlreadyMapped(Box::new(mapping))));
        }
        if let Some(id) = &success.backend_id
            && let Some(owner) = self.owner(&key, id)?
        {
            return Ok(Err(Refusal::BackendIdTaken(Box::new(owner))));
        }
        let mut mapping = Mapping {
            key,
            backend_id: success.backend_id,
            state: MappingState::Active,
            revision: self.index,
            backend_revision: success.revision,
            labels,
            attributes: success.attributes,
            operation: None,
            created_at: at,
            updated_at: at,
        };
        self.write_mapping(None, &mut mapping, at)?;
        self.event(
            &Event::new(self.index, at, EventType::Adopted).object(&mapping.key, mapping.backend_id.as_deref()),
        )?;
        Ok(Ok(Applied::Mapping(Box::new(mapping))))
    }

    fn release(&mut self, key: &ObjectKey, at: u64) -> Outcome {
        let Some(mapping) = t::get::<Mapping>(self.state, MAPPING, &t::mapping_key(key))? else {
            return Ok(Err(Refusal::NotMapped));
        };
        if mapping.state != MappingState::Active {
            return Ok(Err(Refusal::Busy(Box::new(mapping))));
        }
        self.erase_mapping(&mapping);
        self.event(&Event::new(self.index, at, EventType::Released).object(key, mapping.backend_id.as_deref()))?;
        Ok(Ok(Applied::Mapping(Box::new(mapping))))
    }

    /// Writes a mapping and its index entries, stamped with this command's index.
    fn write_mapping(&mut self, before: Option<&Mapping>, after: &mut Mapping, at: u64) -> Result<(), StateError> {
        after.revision = self.index;
        after.updated_at = at;
        if let Some(before) = before {
            self.erase_index(before);
        }
        let key = t::mapping_key(&after.key);
        t::put(self.state, MAPPING, &key, after)?;
        if let Some(id) = &after.backend_id {
            self.state.put(BY_BACKEND, &t::backend_key(&after.key.backend, &after.key.kind, id), key);
        }
        for (label, value) in &after.labels {
            self.state.put(BY_LABEL, &t::label_key(&after.key, label, value), Vec::new());
        }
        if after.state != MappingState::Active {
            self.state.put(BY_STATE, &t::state_key(after.state, &after.key), Vec::new());
        }
        Ok(())
    }

    fn erase_mapping(&mut self, mapping: &Mapping) {
        self.erase_index(mapping);
        self.state.delete(MAPPING, &t::mapping_key(&mapping.key));
    }

    fn erase_index(&mut self, mapping: &Mapping) {
        if let Some(id) = &mapping.backend_id {
            self.state.delete(BY_BACKEND, &t::backend_key(&mapping.key.backend, &mapping.key.kind, id));
        }
        for (label, value) in &mapping.labels {
            self.state.delete(BY_LABEL, &t::label_key(&mapping.key, label, value));
        }
        if mapping.state != MappingState::Active {
            self.state.delete(BY_STATE, &t::state_key(mapping.state, &mapping.key));
        }
    }

    fn mapping_event(&mut self, mapping: &Mapping, operation: Option<&Operation>, at: u64) -> Result<(), StateError> {
        let what = match mapping.state {
            MappingState::Creating => EventType::Creating,
            MappingState::Active => EventType::Active,
            MappingState::Updating => EventType::Updating,
            MappingState::Deleting => EventType::Deleting,
            MappingState::Pending => EventType::Pending,
            MappingState::Unknown => EventType::Unknown,
        };
        let event = Event::new(self.index, at, what).object(&mapping.key, mapping.backend_id.as_deref());
        self.event(&Event { operation_id: operation.map(|operation| operation.id), ..event })
    }

    fn event(&mut self, event: &Event) -> Result<(), StateError> {
        t::put(self.state, t::EVENT, &event.index.to_be_bytes(), event)
    }
}

/// The mapping as it is while the operation is under way, if its present state allows the operation.
fn reserve(
    found: Option<Mapping>,
    key: ObjectKey,
    operation: &Operation,
    revision: Option<u64>,
) -> Result<Mapping, Refusal> {
    let state = match operation.verb {
        Verb::Create => MappingState::Creating,
        Verb::Delete => MappingState::Deleting,
        _ => MappingState::Updating,
    };
    match found {
        None if state == MappingState::Creating => Ok(Mapping {
            key,
            backend_id: None,
            state,
            revision: 0,
            backend_revision: None,
            labels: operation.labels.clone().unwrap_or_default(),
            attributes: Json::null(),
            operation: Some(operation.id),
            created_at: operation.started_at,
            updated_at: operation.started_at,
        }),
        None => Err(Refusal::NotMapped),
        Some(mapping) if mapping.state != MappingState::Active => Err(Refusal::Busy(Box::new(mapping))),
        Some(mapping) if state == MappingState::Creating => Err(Refusal::AlreadyMapped(Box::new(mapping))),
        Some(mapping) if revision.is_some_and(|revision| revision != mapping.revision) => {
            Err(Refusal::Stale(Box::new(mapping)))
        }
        Some(mapping) => Ok(Mapping { state, operation: Some(operation.id), ..mapping }),
    }
}

fn succeeded(operation: &mut Operation, mapping: Option<Mapping>, success: Success) -> Option<Mapping> {
    operation.sent = Sent::Yes;
    operation.failure = None;
    operation.result = success.result;
    operation.resolution = success.resolution.or(operation.resolution.take());
    let pending = success.pending.is_some();
    operation.poll_token = success.pending;
    operation.state = if pending { OperationState::Pending } else { OperationState::Succeeded };
    let mapping = mapping?;
    if operation.verb == Verb::Delete && !pending {
        return None;
    }
    Some(Mapping {
        state: if pending { MappingState::Pending } else { MappingState::Active },
        operation: pending.then_some(operation.id),
        backend_id: success.backend_id.or(mapping.backend_id),
        backend_revision: success.revision.or(mapping.backend_revision),
        attributes: if success.attributes.is_null() { mapping.attributes } else { success.attributes },
        labels: operation.labels.clone().unwrap_or(mapping.labels),
        ..mapping
    })
}

fn failed(
    operation: &mut Operation,
    mapping: Option<Mapping>,
    failure: Failure,
    resolution: Option<Resolution>,
) -> Option<Mapping> {
    operation.state = OperationState::Failed;
    operation.sent = failure.sent;
    operation.failure = Some(failure);
    operation.resolution = resolution.or(operation.resolution.take());
    operation.poll_token = None;
    let mapping = mapping?;
    (operation.verb != Verb::Create).then_some(Mapping { state: MappingState::Active, operation: None, ..mapping })
}
