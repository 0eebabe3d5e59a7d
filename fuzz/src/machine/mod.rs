//! The mapping machine beside its [model](model::Model): after every command of any list, both have given the same
//! answer, and whatever is asked of the one is what the other says.

mod model;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use crosspoint::mapping::query::{self, MappingFilter, OperationFilter};
use crosspoint::mapping::{
    Applied, Code, Command, Ledger, Mapping, MappingState, ObjectKey, Operation, OperationState, Refusal,
};
use crosspoint::sync::{Machine, Memory};

use self::model::Model;
pub use self::steps::Step;
use self::steps::{BACKEND_IDS, BACKENDS, CMP_IDS, KEYS, KINDS, TENANTS};

/// The longest list of commands that is looked at: each is followed by many questions.
const LONGEST: usize = 256;

/// Any bytes as commands.
pub fn target(bytes: &[u8]) {
    agrees(bytes.as_chunks().0);
}

/// Applies the steps' commands to both, and compares.
pub fn agrees(steps: &[Step]) {
    let (mut machine, mut model) = (Memory::default(), Model::default());
    for (n, step) in steps.iter().take(LONGEST).enumerate() {
        let command = steps::command(*step, n, &model);
        let before = machine.clone();
        if let Command::Expire(expiry) = &command {
            assert_eq!(query::anything_older(&machine, expiry).unwrap(), model.anything_older(expiry), "{expiry:?}");
        }
        let expected = model.apply(command.clone());
        let answer = Ledger.apply(n as u64 + 1, command.clone(), &mut machine).unwrap();
        if answer.is_err() {
            assert_eq!(machine, before, "a refused command changes nothing: {command:?}");
        }
        assert_eq!(answer.map(plain_applied).map_err(plain_refusal), expected, "after {command:?}");
        look_up(&machine, &model);
        list(&machine, &model, *step);
    }
}

/// Words for people are not compared: whoever is told that something is in use, is told by what.
fn plain_refusal(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::InUse(words) => {
            assert!(!words.is_empty(), "an operator is told what is in the way");
            Refusal::InUse(String::new())
        }
        Refusal::Repeated(operation) => Refusal::Repeated(Box::new(plain(*operation))),
        Refusal::KeyMismatch(operation) => Refusal::KeyMismatch(Box::new(plain(*operation))),
        Refusal::AlreadyDecided(operation) => Refusal::AlreadyDecided(Box::new(plain(*operation))),
        refusal => refusal,
    }
}

fn plain_applied(applied: Applied) -> Applied {
    match applied {
        Applied::Operation { operation, mapping } => {
            Applied::Operation { operation: Box::new(plain(*operation)), mapping }
        }
        applied => applied,
    }
}

fn plain(mut operation: Operation) -> Operation {
    if let Some(failure) = operation.failure.as_mut().filter(|failure| failure.code == Code::BackendIdTaken) {
        failure.detail.clear();
    }
    operation
}

/// Every question that names what it wants.
fn look_up(machine: &Memory, model: &Model) {
    for (backend, kind) in BACKENDS.iter().flat_map(|backend| KINDS.map(|kind| (*backend, kind))) {
        for (tenant, cmp_id) in TENANTS.iter().flat_map(|tenant| CMP_IDS.map(|cmp_id| (*tenant, cmp_id))) {
            let [tenant, backend, kind, cmp_id] = [tenant, backend, kind, cmp_id].map(str::to_owned);
            let key = ObjectKey { tenant, backend, kind, cmp_id };
            assert_eq!(query::mapping(machine, &key).unwrap().as_ref(), model.mappings.get(&key));
        }
        for id in BACKEND_IDS {
            let found = query::mapping_of_backend_id(machine, backend, kind, id).unwrap();
            assert_eq!(found.as_ref(), model.owner(backend, kind, id), "{backend}, {kind}, {id}");
        }
    }
    for backend in BACKENDS {
        let bound = model.mappings.values().filter(|it| it.key.backend == backend && it.backend_id.is_some());
        let kinds: BTreeSet<_> = bound.map(|it| it.key.kind.clone()).collect();
        assert_eq!(query::mapped_kinds(machine, backend).unwrap().into_iter().collect::<BTreeSet<_>>(), kinds);
    }
    for (tenant, key) in TENANTS.iter().flat_map(|tenant| KEYS.map(|key| ((*tenant).to_owned(), key.to_owned()))) {
        let found = query::idempotency(machine, &tenant, &key).unwrap();
        let found = found.map(|(operation, fingerprint)| (operation.id, fingerprint));
        let promise = model.promises.get(&(tenant, key));
        assert_eq!(found, promise.map(|promise| (promise.operation, promise.fingerprint.clone())));
    }
    let undecided: Vec<_> = model.undecided().cloned().collect();
    assert_eq!(query::undecided(machine).unwrap().into_iter().map(plain).collect::<Vec<_>>(), undecided);
    assert_eq!(query::backends(machine).unwrap(), all(&model.backends));
    assert_eq!(query::drivers(machine).unwrap(), all(&model.drivers));
    assert_eq!(query::events_after(machine, 0, usize::MAX).unwrap(), all(&model.events));
    assert_eq!(query::events_forgotten(machine).unwrap(), model.forgotten);
    assert_eq!(query::newest_event(machine).unwrap(), model.events.keys().next_back().copied().unwrap_or(0));
}

fn all<K, V: Clone>(records: &BTreeMap<K, V>) -> Vec<V> {
    records.values().cloned().collect()
}

/// Two lists with filters that the step tells, page by page.
fn list(machine: &Memory, model: &Model, [a, b, c, d, ..]: Step) {
    let wanted =
        |bits: u8, from: &[&str]| (bits & 1 == 1).then(|| from[usize::from(bits >> 1) % from.len()].to_owned());
    let states = [MappingState::Creating, MappingState::Active, MappingState::Pending, MappingState::Unknown];
    let filter = MappingFilter {
        tenant: wanted(a, &TENANTS),
        backend: wanted(a >> 2, &BACKENDS),
        kind: wanted(a >> 4, &KINDS),
        cmp_id: wanted(b, &CMP_IDS),
        backend_id: wanted(b >> 3, &BACKEND_IDS),
        labels: wanted(c, &["x", "y", ""]).map(|value| ("a".to_owned(), value)).into_iter().collect(),
        state: (c >> 4 & 1 == 1).then(|| states[usize::from(c >> 5) % states.len()]),
    };
    let limit = usize::from(d % 4) + 1;
    let found = crate::paging::all(|cursor| query::mappings(machine, &filter, limit, cursor), limit);
    let found: BTreeSet<_> = found.into_iter().map(|mapping| mapping.key).collect();
    // A list of a backend's objects, whoever's, is of those that the backend has a name for.
    let by_backend = filter.backend.is_some() && filter.tenant.is_none() && filter.state.is_none_or(active);
    let expected = model.mappings.values().filter(|it| admits(&filter, it) && !(by_backend && it.backend_id.is_none()));
    assert_eq!(found, expected.map(|it| it.key.clone()).collect(), "{filter:?}");

    let states = [OperationState::Open, OperationState::Unknown, OperationState::Succeeded, OperationState::Failed];
    let filter = OperationFilter {
        tenant: wanted(a, &TENANTS),
        backend: wanted(a >> 2, &BACKENDS),
        kind: wanted(a >> 4, &KINDS),
        cmp_id: wanted(b, &CMP_IDS),
        state: (c >> 4 & 1 == 1).then(|| states[usize::from(c >> 5) % states.len()]),
    };
    let found = crate::paging::all(|cursor| query::operations(machine, &filter, limit, cursor), limit);
    let latest_first = model.operations.values().rev().filter(|it| admits_operation(&filter, it));
    assert_eq!(
        found.into_iter().map(plain).collect::<Vec<_>>(),
        latest_first.cloned().collect::<Vec<_>>(),
        "{filter:?}"
    );
}

fn active(state: MappingState) -> bool {
    state == MappingState::Active
}

fn same(wanted: Option<&String>, actual: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| Some(wanted.as_str()) == actual)
}

fn admits(filter: &MappingFilter, mapping: &Mapping) -> bool {
    same(filter.tenant.as_ref(), Some(&mapping.key.tenant))
        && same(filter.backend.as_ref(), Some(&mapping.key.backend))
        && same(filter.kind.as_ref(), Some(&mapping.key.kind))
        && same(filter.cmp_id.as_ref(), Some(&mapping.key.cmp_id))
        && same(filter.backend_id.as_ref(), mapping.backend_id.as_deref())
        && filter.labels.iter().all(|(name, value)| mapping.labels.get(name) == Some(value))
        && filter.state.is_none_or(|state| state == mapping.state)
}

fn admits_operation(filter: &OperationFilter, operation: &Operation) -> bool {
    same(filter.tenant.as_ref(), Some(&operation.tenant))
        && same(filter.backend.as_ref(), Some(&operation.backend))
        && same(filter.kind.as_ref(), Some(&operation.kind))
        && same(filter.cmp_id.as_ref(), operation.cmp_id.as_deref())
        && filter.state.is_none_or(|state| state == operation.state)
}
