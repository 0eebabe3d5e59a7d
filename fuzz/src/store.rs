//! Any bytes where the store keeps its own: a damaged row or entry is noticed, and no question and no command on top of
//! it panics.

use crosspoint::mapping::query::{self, MappingFilter, OperationFilter};
use crosspoint::mapping::{Command, Expiry, Ledger, ObjectKey};
use crosspoint::sync::{Machine, Memory, StateMut, Table, seal, unseal};

use crate::cursor;
use crate::input::Input;

/// How many tables the machine has, and a few that it has not.
const TABLES: u8 = 16;

/// Any bytes as a sealed row, a command, or rows of the state.
pub fn target(bytes: &[u8]) {
    let Some((what, rest)) = bytes.split_first() else { return };
    match what % 3 {
        0 => sealed(rest),
        1 => command(rest),
        _ => rows(rest),
    }
}

/// What is accepted is just what was sealed, at this address.
fn sealed(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let address = input.text().into_bytes();
    let bytes = input.rest();
    if let Ok(payload) = unseal(&address, bytes) {
        assert_eq!(seal(&address, payload), bytes);
    }
    let good = seal(&address, bytes);
    assert_eq!(unseal(&address, &good), Ok(bytes));
    assert!(unseal(&[&address[..], b"x"].concat(), &good).is_err(), "a row that lies in another's place");
    let flipped = bytes.len() % good.len();
    let damaged: Vec<_> =
        good.iter().enumerate().map(|(n, byte)| if n == flipped { byte ^ 0x10 } else { *byte }).collect();
    assert!(unseal(&address, &damaged).is_err(), "a flipped bit");
}

/// A command that can be read is one that can be written, and says the same; applying it does not panic.
fn command(bytes: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(bytes) else { return };
    let written = serde_json::to_vec(&command).expect("a command can be written");
    let read: Command = serde_json::from_slice(&written).expect("and read again");
    assert_eq!(serde_json::to_vec(&read).unwrap(), written);
    let _ = Ledger.apply(1, command, &mut Memory::default());
}

/// Rows that no machine wrote.
fn rows(bytes: &[u8]) {
    let mut memory = Memory::default();
    let mut input = Input::new(bytes);
    for _ in 0..4 {
        let (table, key) = (Table(input.byte() % TABLES), input.text());
        memory.put(table, key.as_bytes(), input.text().into_bytes());
    }
    let (table, key) = (Table(input.byte() % TABLES), input.text());
    memory.put(table, key.as_bytes(), input.rest().to_vec());
    let key = ObjectKey { tenant: "acme".into(), backend: "fw".into(), kind: "rule".into(), cmp_id: "1".into() };
    let _ = query::mapping(&memory, &key);
    let _ = query::mapping_of_backend_id(&memory, "fw", "rule", "b1");
    let _ = query::mappings(&memory, &MappingFilter::default(), 10, None);
    let _ =
        query::mappings(&memory, &MappingFilter { backend: Some("fw".into()), ..MappingFilter::default() }, 10, None);
    let _ = query::operations(&memory, &OperationFilter::default(), 10, None);
    let _ = (query::undecided(&memory), query::idempotency(&memory, "acme", "k"), query::mapped_kinds(&memory, "fw"));
    let _ = (query::backends(&memory), query::drivers(&memory), query::events_after(&memory, 0, 10));
    let _ = (query::newest_event(&memory), query::events_forgotten(&memory));
    for (n, command) in cursor::commands().into_iter().take(4).enumerate() {
        let _ = Ledger.apply(n as u64 + 1, command, &mut memory);
    }
    let expiry = Expiry { idempotency_before: 5000, operations_kept: 0, events_before: u64::MAX, batch: 10 };
    let _ = Ledger.apply(9, Command::Expire(expiry), &mut memory);
    let _ = Ledger.apply(10, Command::RemoveBackend { name: "fw".into(), at: 1 }, &mut memory);
    let _ = Ledger.apply(11, Command::RemoveDriver { name: "firewall".into(), at: 1 }, &mut memory);
}
