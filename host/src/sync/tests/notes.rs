//! The machine of these tests: notes in tables, and a model of what they should be.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Barrier};

use serde::{Deserialize, Serialize};

use crate::sync::{KeyRange, Machine, Order, State, StateError, StateMut, Table, Visit};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Command {
    Write {
        table: u8,
        key: Vec<u8>,
        text: String,
    },
    /// Reads what is there: a replay that begins elsewhere gives something else.
    Append {
        table: u8,
        key: Vec<u8>,
        text: String,
    },
    Erase {
        table: u8,
        key: Vec<u8>,
    },
    /// Writes, then meets the test at its barrier, twice.
    Meet,
    /// Writes, then fails.
    Fail,
    /// Writes, then panics.
    Panic,
    /// Can be encoded, and not decoded again.
    Unreadable(Unreadable),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("nobody can read this"))
    }
}

pub(super) fn write(key: &str, text: &str) -> Command {
    Command::Write { table: 1, key: key.into(), text: text.to_owned() }
}

pub(super) fn append(key: &str, text: &str) -> Command {
    Command::Append { table: 1, key: key.into(), text: text.to_owned() }
}

/// A machine of some version. It answers with the number of bytes under the key.
pub(super) struct Machines<const VERSION: u32> {
    /// Where [`Command::Meet`] waits.
    pub(super) barrier: Arc<Barrier>,
    /// Whether [`Command::Panic`] and [`Command::Fail`] do.
    pub(super) sound: bool,
}

pub(super) type Notes = Machines<1>;

impl<const VERSION: u32> Default for Machines<VERSION> {
    fn default() -> Self {
        Self { barrier: Arc::new(Barrier::new(2)), sound: false }
    }
}

impl<const V: u32> Machine for Machines<V> {
    type Command = Command;
    type Response = usize;
    const VERSION: u32 = V;

    fn apply(&self, index: u64, command: Command, state: &mut dyn StateMut) -> Result<usize, StateError> {
        let mut put = |table, key: &[u8], value: Vec<u8>| {
            let len = value.len();
            state.put(Table(table), key, value);
            len
        };
        Ok(match command {
            Command::Write { table, key, text } => put(table, &key, text.into_bytes()),
            Command::Append { table, key, text } => {
                let mut value = state.get(Table(table), &key)?.unwrap_or_default();
                value.extend(text.bytes());
                state.put(Table(table), &key, value.clone());
                assert_eq!(state.get(Table(table), &key)?.as_ref(), Some(&value), "a machine reads its own writes");
                value.len()
            }
            Command::Erase { table, key } => {
                state.delete(Table(table), &key);
                0
            }
            Command::Meet => {
                put(1, b"met", b"here".to_vec());
                self.barrier.wait();
                self.barrier.wait();
                4
            }
            Command::Fail | Command::Panic if self.sound => put(1, b"sound", vec![]),
            Command::Fail => {
                put(1, b"broken", vec![]);
                return Err(StateError::new("as the test wants it"));
            }
            Command::Panic => {
                put(1, b"broken", vec![]);
                panic!("as the test wants it, at {index}");
            }
            Command::Unreadable(_) => unreachable!(),
        })
    }
}

/// All that a state holds, with and without a store.
pub(super) type Contents = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

#[derive(Clone, Default)]
pub(super) struct Model(pub(super) Contents);

impl Model {
    /// What commands make of an empty state.
    pub(super) fn of<'a>(commands: impl IntoIterator<Item = &'a Command>) -> Self {
        let mut model = Self::default();
        for (index, command) in (1..).zip(commands) {
            Notes::default().apply(index, command.clone(), &mut model).unwrap();
        }
        model
    }
}

impl State for Model {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(&(table.0, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, range: KeyRange<'_>, order: Order, visit: Visit<'_>) -> Result<(), StateError> {
        let within = |key: &[u8]| {
            let after_start = match range.0 {
                Bound::Included(start) => start <= key,
                Bound::Excluded(start) => start < key,
                Bound::Unbounded => true,
            };
            let before_end = match range.1 {
                Bound::Included(end) => key <= end,
                Bound::Excluded(end) => key < end,
                Bound::Unbounded => true,
            };
            after_start && before_end
        };
        let mut rows: Vec<_> = self.0.iter().filter(|((of, key), _)| *of == table.0 && within(key)).collect();
        if order == Order::Descending {
            rows.reverse();
        }
        for ((_, key), value) in rows {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl StateMut for Model {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.0.insert((table.0, key.to_vec()), value);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.0.remove(&(table.0, key.to_vec()));
    }
}

/// Key and value.
type Row = (Vec<u8>, Vec<u8>);

/// What a scan shows, at most `limit` rows of it.
pub(super) fn rows(
    state: &dyn State,
    table: u8,
    range: KeyRange<'_>,
    order: Order,
    limit: usize,
) -> Result<Vec<Row>, StateError> {
    let mut rows = Vec::new();
    state.scan(Table(table), range, order, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(rows)
}

/// Everything in a state.
pub(super) fn contents(state: &dyn State) -> Result<Contents, StateError> {
    let mut contents = Contents::new();
    for table in 0..=u8::MAX {
        for (key, value) in rows(state, table, (Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX)? {
            contents.insert((table, key), value);
        }
    }
    Ok(contents)
}
