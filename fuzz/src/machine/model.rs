//! What the mapping machine promises, said again in the simplest way: maps of records, no index, no counter, no bytes.
//!
//! It is written from the documents, not from the machine. Where the two differ, one of them is wrong.

use std::collections::BTreeMap;

use crosspoint::mapping::{
    Applied, BackendRecord, Code, Command, DriverRecord, Event, EventType, Expiry, Failure, Intent, Labels, Mapping,
    MappingState, ObjectKey, Operation, OperationId, OperationState, PackageRef, Refusal, Settlement, Success,
};
use crosspoint::sent::Sent;
use crosspoint_contract::{Json, Verb};

/// How many earlier packages of a driver are remembered.
const HISTORY: usize = 8;
/// Forgetting looks at so many times the operations that are too many, so that one command stays short.
const LOOKED_AT: usize = 4;

type Answer = Result<Applied, Refusal>;

/// Everything that is remembered.
#[derive(Clone, Debug, Default)]
pub struct Model {
    index: u64,
    pub mappings: BTreeMap<ObjectKey, Mapping>,
    pub operations: BTreeMap<OperationId, Operation>,
    /// By tenant and key.
    pub promises: BTreeMap<(String, String), Promise>,
    pub backends: BTreeMap<String, BackendRecord>,
    pub drivers: BTreeMap<String, DriverRecord>,
    pub events: BTreeMap<u64, Event>,
    pub forgotten: u64,
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    pub fingerprint: String,
    pub operation: OperationId,
    pub at: u64,
}

impl Model {
    /// One command, at the next index of the log.
    pub fn apply(&mut self, command: Command) -> Answer {
        self.index += 1;
        match command {
            Command::Begin(intent) => self.begin(*intent),
            Command::Settle { operation, at, settlement } => self.settle(operation, at, *settlement),
            Command::Extend { operation, deadline, at } => self.extend(operation, deadline, at),
            Command::Adopt { key, success, labels, at } => self.adopt(key, *success, labels, at),
            Command::Release { key, at } => self.release(&key, at),
            Command::PutBackend { record, at } => Ok(self.put_backend(*record, at)),
            Command::RemoveBackend { name, at } => self.remove_backend(name, at),
            Command::ActivateDriver { name, package, source, at } => Ok(self.activate(name, package, source, at)),
            Command::RemoveDriver { name, at } => self.remove_driver(name, at),
            Command::Expire(expiry) => Ok(Applied::Removed(self.expire(expiry))),
        }
    }

    /// The object that a backend's object is mapped to: one at most, whoever's.
    pub fn owner(&self, backend: &str, kind: &str, backend_id: &str) -> Option<&Mapping> {
        let mut owners = self.mappings.values().filter(|it| {
            (it.key.backend.as_str(), it.key.kind.as_str(), it.backend_id.as_deref())
                == (backend, kind, Some(backend_id))
        });
        let owner = owners.next();
        assert_eq!(owners.next(), None, "one backend object is one CMP object");
        owner
    }

    /// The operations that are not decided.
    pub fn undecided(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values().filter(|operation| !operation.state.is_decided())
    }

    /// A key is one call: the same request again is the same call, another request is refused. Without a key of its own
    /// a call is judged by its object alone: one change at a time, and only of what is mapped.
    fn begin(&mut self, intent: Intent) -> Answer {
        let Intent { operation, mapping_revision, idempotency_limit } = intent;
        if let Some(it) = &operation.idempotency {
            let promise = self.promises.get(&(operation.tenant.clone(), it.key.clone()));
            match promise {
                Some(promise) => {
                    let earlier = Box::new(self.operations[&promise.operation].clone());
                    let same = promise.fingerprint == it.fingerprint;
                    return Err(if same { Refusal::Repeated(earlier) } else { Refusal::KeyMismatch(earlier) });
                }
                None if self.promises.len() as u64 >= idempotency_limit => return Err(Refusal::KeysFull),
                None => {}
            }
        }
        let at = operation.started_at;
        let mapping = match operation.object() {
            Some(key) => Some(self.reserved(key, &operation, mapping_revision)?),
            None => None,
        };
        if let Some(it) = &operation.idempotency {
            let promise = Promise { fingerprint: it.fingerprint.clone(), operation: operation.id, at };
            self.promises.insert((operation.tenant.clone(), it.key.clone()), promise);
        }
        self.operations.insert(operation.id, operation.clone());
        let mapping = match mapping {
            Some(mapping) => Some(Box::new(self.keep(mapping, Some(operation.id), at))),
            None => {
                self.tell(Event::new(self.index, at, EventType::OperationOpen).operation(&operation));
                None
            }
        };
        Ok(Applied::Operation { operation: Box::new(operation), mapping })
    }

    fn reserved(&self, key: ObjectKey, operation: &Operation, revision: Option<u64>) -> Result<Mapping, Refusal> {
        let creates = operation.verb == Verb::Create;
        let Some(mapping) = self.mappings.get(&key).cloned() else {
            return if creates { Ok(reserved_anew(key, operation)) } else { Err(Refusal::NotMapped) };
        };
        if mapping.state != MappingState::Active {
            return Err(Refusal::Busy(Box::new(mapping)));
        }
        if creates {
            return Err(Refusal::AlreadyMapped(Box::new(mapping)));
        }
        if revision.is_some_and(|revision| revision != mapping.revision) {
            return Err(Refusal::Stale(Box::new(mapping)));
        }
        let state = if operation.verb == Verb::Delete { MappingState::Deleting } else { MappingState::Updating };
        Ok(Mapping { state, operation: Some(operation.id), ..mapping })
    }

    /// What became of a call that is not decided.
    fn settle(&mut self, id: OperationId, at: u64, settlement: Settlement) -> Answer {
        let mut operation = self.undecided_one(id)?;
        let before = operation.object().map(|key| self.mappings[&key].clone());
        let settlement = match (settlement, &before) {
            (Settlement::Succeeded(success) | Settlement::Observed(success), Some(mapping))
                if self.belongs_to_another(mapping, success.backend_id.as_deref()) =>
            {
                let failure = Failure::new(Code::BackendIdTaken, "").sent(Sent::Yes).operation(id);
                Settlement::Failed { failure, resolution: success.resolution }
            }
            (settlement, _) => settlement,
        };
        let after = match settlement {
            Settlement::Succeeded(success) => succeed(&mut operation, before.clone(), success),
            // What is seen is how the object is: nobody waits for anything any more.
            Settlement::Observed(success) => {
                let after = succeed(&mut operation, before.clone(), Success { pending: None, ..success });
                operation.state = OperationState::Observed;
                after
            }
            Settlement::Failed { failure, resolution } => {
                operation.state = OperationState::Failed;
                operation.sent = failure.sent;
                operation.failure = Some(failure);
                operation.resolution = resolution.or(operation.resolution);
                operation.poll_token = None;
                let stays = before.clone().filter(|_| operation.verb != Verb::Create);
                stays.map(|mapping| Mapping { state: MappingState::Active, operation: None, ..mapping })
            }
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
            let frees_its_key = operation.state == OperationState::Failed
                && operation.failure.as_ref().is_some_and(|failure| failure.retryable);
            if frees_its_key {
                self.promises.retain(|_, promise| promise.operation != id);
            }
        }
        self.operations.insert(id, operation.clone());
        let mapping = match (before, after) {
            (_, Some(after)) => Some(Box::new(self.keep(after, Some(id), at))),
            (Some(before), None) => {
                self.mappings.remove(&before.key);
                let gone =
                    Event::new(self.index, at, EventType::Gone).object(&before.key, before.backend_id.as_deref());
                self.tell(Event { operation_id: Some(id), ..gone });
                None
            }
            (None, None) => {
                let what = match operation.state {
                    OperationState::Open => EventType::OperationOpen,
                    OperationState::Pending => EventType::OperationPending,
                    OperationState::Unknown => EventType::OperationUnknown,
                    OperationState::Succeeded | OperationState::Observed => EventType::OperationSucceeded,
                    OperationState::Failed => EventType::OperationFailed,
                };
                self.tell(Event::new(self.index, at, what).operation(&operation));
                None
            }
        };
        Ok(Applied::Operation { operation: Box::new(operation), mapping })
    }

    /// It is sent again: until when it may take effect never becomes earlier.
    fn extend(&mut self, id: OperationId, deadline: u64, at: u64) -> Answer {
        let mut operation = self.undecided_one(id)?;
        operation.deadline = operation.deadline.max(deadline);
        self.operations.insert(id, operation.clone());
        self.tell(Event::new(self.index, at, EventType::OperationOpen).operation(&operation));
        Ok(Applied::Operation { operation: Box::new(operation), mapping: None })
    }

    fn undecided_one(&self, id: OperationId) -> Result<Operation, Refusal> {
        let operation = self.operations.get(&id).cloned().ok_or(Refusal::UnknownOperation)?;
        if operation.state.is_decided() { Err(Refusal::AlreadyDecided(Box::new(operation))) } else { Ok(operation) }
    }

    fn belongs_to_another(&self, mapping: &Mapping, backend_id: Option<&str>) -> bool {
        let owner = backend_id.and_then(|id| self.owner(&mapping.key.backend, &mapping.key.kind, id));
        owner.is_some_and(|owner| owner.key != mapping.key)
    }

    fn adopt(&mut self, key: ObjectKey, success: Success, labels: Labels, at: u64) -> Answer {
        if let Some(mapping) = self.mappings.get(&key) {
            return Err(Refusal::AlreadyMapped(Box::new(mapping.clone())));
        }
        let id = success.backend_id.as_deref();
        if let Some(owner) = id.and_then(|id| self.owner(&key.backend, &key.kind, id)) {
            return Err(Refusal::BackendIdTaken(Box::new(owner.key.clone())));
        }
        let mapping = Mapping {
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
        let adopted = Event::new(self.index, at, EventType::Adopted);
        self.tell(adopted.object(&mapping.key, mapping.backend_id.as_deref()));
        self.mappings.insert(mapping.key.clone(), mapping.clone());
        Ok(Applied::Mapping(Box::new(mapping)))
    }

    fn release(&mut self, key: &ObjectKey, at: u64) -> Answer {
        let mapping = self.mappings.get(key).cloned().ok_or(Refusal::NotMapped)?;
        if mapping.state != MappingState::Active {
            return Err(Refusal::Busy(Box::new(mapping)));
        }
        self.mappings.remove(key);
        self.tell(Event::new(self.index, at, EventType::Released).object(key, mapping.backend_id.as_deref()));
        Ok(Applied::Mapping(Box::new(mapping)))
    }

    fn put_backend(&mut self, record: BackendRecord, at: u64) -> Applied {
        let record = BackendRecord { revision: self.index, ..record };
        self.tell(Event { backend: Some(record.name.clone()), ..Event::new(self.index, at, EventType::BackendPut) });
        self.backends.insert(record.name.clone(), record.clone());
        Applied::Backend(Box::new(record))
    }

    fn remove_backend(&mut self, name: String, at: u64) -> Answer {
        let record = self.backends.get(&name).cloned().ok_or(Refusal::Unknown)?;
        let mapped = self.mappings.keys().any(|key| key.backend == name);
        if mapped || self.undecided().any(|operation| operation.backend == name) {
            return Err(Refusal::InUse(String::new()));
        }
        self.backends.remove(&name);
        self.tell(Event { backend: Some(name), ..Event::new(self.index, at, EventType::BackendRemoved) });
        Ok(Applied::Backend(Box::new(record)))
    }

    /// The one that was active comes first in the history, and none stands there twice or beside itself.
    fn activate(&mut self, name: String, package: PackageRef, source: String, at: u64) -> Applied {
        let before = self.drivers.remove(&name);
        let history = before.map(|it| [vec![it.active], it.history].concat()).unwrap_or_default();
        let history = history.into_iter().filter(|earlier| earlier.digest != package.digest).take(HISTORY).collect();
        let driver = Some(format!("{name}@{}", package.version));
        self.tell(Event { driver, ..Event::new(self.index, at, EventType::DriverActivated) });
        let record = DriverRecord { name, active: package, history, source, activated_at: at };
        self.drivers.insert(record.name.clone(), record.clone());
        Applied::Driver(Box::new(record))
    }

    fn remove_driver(&mut self, name: String, at: u64) -> Answer {
        let record = self.drivers.get(&name).cloned().ok_or(Refusal::Unknown)?;
        if self.backends.values().any(|backend| backend.driver == name) {
            return Err(Refusal::InUse(String::new()));
        }
        self.drivers.remove(&name);
        self.tell(Event { driver: Some(name), ..Event::new(self.index, at, EventType::DriverRemoved) });
        Ok(Applied::Driver(Box::new(record)))
    }

    /// The oldest of each first, and no more than a batch of each. An operation that a key stands for is promised.
    fn expire(&mut self, expiry: Expiry) -> usize {
        let mut old: Vec<_> = self.promises.iter().filter(|(_, it)| it.at < expiry.idempotency_before).collect();
        old.sort_by_key(|(key, promise)| (promise.at, key.0.clone(), key.1.clone()));
        let old: Vec<_> = old.into_iter().take(expiry.batch).map(|(key, _)| key.clone()).collect();
        self.promises.retain(|key, _| !old.contains(key));

        let count = self.operations.len() as u64;
        let excess = usize::try_from(count.saturating_sub(expiry.operations_kept)).unwrap_or(usize::MAX);
        let excess = excess.min(expiry.batch);
        let promised = |id: OperationId| self.promises.values().any(|promise| promise.operation == id);
        let looked_at = self.operations.values().take(LOOKED_AT * excess);
        let forgettable = looked_at.filter(|it| it.state.is_decided() && !promised(it.id)).map(|it| it.id);
        let forgettable: Vec<_> = forgettable.take(excess).collect();
        self.operations.retain(|id, _| !forgettable.contains(id));

        let events: Vec<_> =
            self.events.range(..expiry.events_before).take(expiry.batch).map(|(index, _)| *index).collect();
        self.events.retain(|index, _| !events.contains(index));
        self.forgotten = events.last().copied().unwrap_or(self.forgotten);
        old.len() + forgettable.len() + events.len()
    }

    /// Whether an expiry would find anything.
    pub fn anything_older(&self, expiry: &Expiry) -> bool {
        self.operations.len() as u64 > expiry.operations_kept
            || self.promises.values().any(|promise| promise.at < expiry.idempotency_before)
            || self.events.keys().any(|index| *index < expiry.events_before)
    }

    /// Every change of a mapping gives it a revision and an event.
    fn keep(&mut self, mapping: Mapping, operation: Option<OperationId>, at: u64) -> Mapping {
        let mapping = Mapping { revision: self.index, updated_at: at, ..mapping };
        let what = match mapping.state {
            MappingState::Creating => EventType::Creating,
            MappingState::Active => EventType::Active,
            MappingState::Updating => EventType::Updating,
            MappingState::Deleting => EventType::Deleting,
            MappingState::Pending => EventType::Pending,
            MappingState::Unknown => EventType::Unknown,
        };
        let event = Event::new(self.index, at, what).object(&mapping.key, mapping.backend_id.as_deref());
        self.tell(Event { operation_id: operation, ..event });
        self.mappings.insert(mapping.key.clone(), mapping.clone());
        mapping
    }

    fn tell(&mut self, event: Event) {
        assert_eq!(self.events.insert(self.index, event), None, "a command makes at most one event");
    }
}

fn reserved_anew(key: ObjectKey, operation: &Operation) -> Mapping {
    Mapping {
        key,
        backend_id: None,
        state: MappingState::Creating,
        revision: 0,
        backend_revision: None,
        labels: operation.labels.clone().unwrap_or_default(),
        attributes: Json::null(),
        operation: Some(operation.id),
        created_at: operation.started_at,
        updated_at: operation.started_at,
    }
}

/// The backend did it, or works on it. What it does not say again stays as it was.
fn succeed(operation: &mut Operation, mapping: Option<Mapping>, success: Success) -> Option<Mapping> {
    let waits = success.pending.is_some();
    operation.state = if waits { OperationState::Pending } else { OperationState::Succeeded };
    operation.sent = Sent::Yes;
    operation.failure = None;
    operation.result = success.result;
    operation.poll_token = success.pending;
    operation.resolution = success.resolution.or(operation.resolution.clone());
    let mapping = mapping.filter(|_| waits || operation.verb != Verb::Delete)?;
    Some(Mapping {
        state: if waits { MappingState::Pending } else { MappingState::Active },
        operation: waits.then_some(operation.id),
        backend_id: success.backend_id.or(mapping.backend_id),
        backend_revision: success.revision.or(mapping.backend_revision),
        attributes: if success.attributes.is_null() { mapping.attributes } else { success.attributes },
        labels: operation.labels.clone().unwrap_or(mapping.labels),
        ..mapping
    })
}
