//! Any sequence of commands leaves rows that agree with each other: what the indexes and counters say is what the records
//! say. What the machine answers is compared with a model of it in `fuzz/src/machine`.

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};

use proptest::prelude::*;

use super::super::tables::{self as t};
use super::*;
use crate::sync::{Order, State as _, Table};

fn settlement() -> impl Strategy<Value = Settlement> {
    let success = (proptest::option::of(0_u8..4), any::<bool>()).prop_map(|(backend_id, pending)| Success {
        backend_id: backend_id.map(|n| format!("b{n}")),
        pending: pending.then(|| "job".to_owned()),
        ..Success::default()
    });
    prop_oneof![
        4 => success.clone().prop_map(Settlement::Succeeded),
        1 => success.prop_map(Settlement::Observed),
        2 => any::<bool>().prop_map(|retry| {
            let failure = Failure::new(Code::BackendConflict, "no");
            Settlement::Failed { failure: if retry { failure.retry(1) } else { failure }, resolution: None }
        }),
        2 => Just(doubt()),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let verb = prop_oneof![
        3 => Just(Verb::Create),
        2 => Just(Verb::Update),
        1 => Just(Verb::Replace),
        2 => Just(Verb::Delete),
        1 => Just(Verb::Action("x".into())),
    ];
    let labels = proptest::option::of(proptest::collection::btree_map("[ab]", "[xy]", 0..2));
    let key = proptest::option::of(("[kl]", "[fg]"));
    prop_oneof![
        6 => (0_u8..40, verb, 0_u8..4, labels, key).prop_map(|(number, verb, object, labels, idempotency)| {
            let mut operation = operation(u128::from(number), verb, &format!("o{object}"));
            operation.labels = labels;
            operation.idempotency = idempotency.map(|(key, fingerprint)| Idempotency { key, fingerprint });
            begin(operation)
        }),
        8 => (0_u8..40, settlement()).prop_map(|(number, settlement)| settle(u128::from(number), settlement)),
        1 => (0_u8..4, 0_u8..4).prop_map(|(object, backend_id)| Command::Adopt {
            key: super::key(&format!("o{object}")),
            success: Box::new(Success { backend_id: Some(format!("b{backend_id}")), ..Success::default() }),
            labels: Labels::new(),
            at: 1,
        }),
        1 => (0_u8..4).prop_map(|object| Command::Release { key: super::key(&format!("o{object}")), at: 1 }),
        1 => (0_u64..2, 0_u64..30, 0_u64..100).prop_map(|(age, operations_kept, events_before)| {
            Command::Expire(Expiry { idempotency_before: age * 5000, operations_kept, events_before, batch: 3 })
        }),
    ]
}

fn scan(memory: &Memory, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    memory.scan(table, (Bound::Unbounded, Bound::Unbounded), Order::Ascending, &mut visit).unwrap();
    rows
}

fn rows<T: serde::de::DeserializeOwned>(memory: &Memory, table: Table) -> Vec<(Vec<u8>, T)> {
    scan(memory, table).into_iter().map(|(key, value)| (key, serde_json::from_slice(&value).unwrap())).collect()
}

fn keys(memory: &Memory, table: Table) -> BTreeSet<Vec<u8>> {
    scan(memory, table).into_iter().map(|(key, _)| key).collect()
}

/// Every index says exactly what the records say.
fn check(memory: &Memory) {
    let mappings: Vec<(Vec<u8>, Mapping)> = rows(memory, t::MAPPING);
    let operations: Vec<(Vec<u8>, Operation)> = rows(memory, t::OPERATION);
    let (mut by_backend, mut by_label, mut by_state) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (key, mapping) in &mappings {
        assert_eq!(*key, t::mapping_key(&mapping.key));
        if let Some(backend_id) = &mapping.backend_id {
            let index = t::backend_key(&mapping.key.backend, &mapping.key.kind, backend_id);
            assert_eq!(memory.get(t::BY_BACKEND, &index).unwrap().as_ref(), Some(key));
            assert!(by_backend.insert(index), "two objects have one backend id");
        }
        by_label.extend(mapping.labels.iter().map(|(label, value)| t::label_key(&mapping.key, label, value)));
        let active = mapping.state == MappingState::Active;
        if !active {
            by_state.insert(t::state_key(mapping.state, &mapping.key));
        }
        assert_eq!(active, mapping.operation.is_none(), "whoever is not active says why");
        if let Some(id) = mapping.operation {
            let operation =
                operations.iter().map(|(_, operation)| operation).find(|operation| operation.id == id).unwrap();
            assert!(!operation.state.is_decided());
            assert_eq!(operation.object().as_ref(), Some(&mapping.key));
        }
    }
    assert_eq!(keys(memory, t::BY_BACKEND), by_backend);
    assert_eq!(keys(memory, t::BY_LABEL), by_label);
    assert_eq!(keys(memory, t::BY_STATE), by_state);
    let undecided: BTreeSet<_> =
        operations.iter().filter(|(_, operation)| !operation.state.is_decided()).map(|(id, _)| id.clone()).collect();
    assert_eq!(keys(memory, t::UNDECIDED), undecided);
    for (_, operation) in operations.iter().filter(|(_, operation)| !operation.state.is_decided()) {
        let mapping = mappings.iter().find(|(_, mapping)| Some(&mapping.key) == operation.object().as_ref());
        assert!(
            mapping.is_some_and(|(_, mapping)| mapping.operation == Some(operation.id)),
            "an undecided operation holds its object"
        );
    }
    assert_eq!(t::counter(memory, t::OPERATIONS).unwrap(), operations.len() as u64);
    let promised: Vec<(Vec<u8>, t::KeyRecord)> = rows(memory, t::IDEMPOTENCY);
    assert_eq!(t::counter(memory, t::KEYS).unwrap(), promised.len() as u64);
    let ages: BTreeSet<_> = promised.iter().map(|(key, record)| t::age_key(record.at, key)).collect();
    assert_eq!(keys(memory, t::IDEMPOTENCY_AGE), ages);
    for (_, record) in promised {
        assert!(
            operations.iter().any(|(_, operation)| operation.id == record.operation),
            "a promise names an operation that is kept"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_leave_records_that_agree(commands in proptest::collection::vec(command(), 1..120)) {
        let mut book = Book::default();
        let mut used = BTreeSet::new();
        for command in commands {
            // Ids are never used twice: they come from a clock and chance.
            if let Command::Begin(intent) = &command && !used.insert(intent.operation.id) {
                continue;
            }
            let before = book.memory.clone();
            let twin = { let mut twin = Book { memory: before.clone(), index: book.index }; let answer = twin.apply(command.clone()); (twin.memory, answer) };
            let answer = book.apply(command);
            prop_assert_eq!(&twin, &(book.memory.clone(), answer.clone()), "the machine is deterministic");
            if answer.is_err() {
                prop_assert_eq!(&before, &book.memory, "a refused command changes nothing");
            }
            check(&book.memory);
        }
    }
}
