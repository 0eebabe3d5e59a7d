//! What is replicated: a deterministic machine, and the state that it reads and writes.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A deterministic state machine.
///
/// **Invariant:** no clock, no I/O, no randomness: everything comes from the command and the state. Two nodes that apply
/// the same commands in the same order hold the same bytes.
pub trait Machine: Send + Sync + 'static {
    /// What changes the state. It is stored as JSON: self-describing, so that a later version can read it with a field
    /// more, and so that it can carry JSON values of its own. What is applied is always what was decoded from those bytes,
    /// on the node that proposed it too.
    type Command: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// What the proposer is told. A refusal is a response like any other, not a [`StateError`].
    type Response: Send + 'static;

    /// Version of the commands and of the state's layout. A machine that raises it reads what earlier ones wrote; a store
    /// with a newer one is refused on opening.
    const VERSION: u32;

    /// Applies one command. `index` is its place in the log; indexes are consecutive and begin at 1.
    ///
    /// An error, or a panic, means that the state could not be read or is not what the machine wrote: the replica stops,
    /// and keeps nothing of what the command and the others of its batch changed.
    fn apply(&self, index: u64, command: Self::Command, state: &mut dyn StateMut)
    -> Result<Self::Response, StateError>;
}

/// A table of the state; tables share nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub u8);

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key up.
    Ascending,
    /// From the highest key down.
    Descending,
}

impl Order {
    /// How two keys follow each other in this order.
    pub(super) fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Self::Ascending => a.cmp(b),
            Self::Descending => b.cmp(a),
        }
    }
}

/// A range of keys. One that ends before it begins is empty.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// What a scan calls with each key and value; it says whether to go on.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// One consistent state, as some prefix of the log left it. Keys are ordered by their bytes.
pub trait State {
    /// The value of a key, if there is one.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// Visits the keys of a range with their values, in order, until the callback breaks.
    fn scan(&self, table: Table, range: KeyRange<'_>, order: Order, visit: Visit<'_>) -> Result<(), StateError>;
}

/// A state in the hands of [`Machine::apply`]: what it writes, it reads back at once; others see it when the command is
/// applied.
pub trait StateMut: State {
    /// Sets a key.
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>);

    /// Removes a key, if it is there.
    fn delete(&mut self, table: Table, key: &[u8]);
}

/// The state cannot be read, or is not what the machine wrote. Nothing that a caller sends can cause it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state is not readable: {0}")]
pub struct StateError(String);

impl StateError {
    /// An error with a text for the operator.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
