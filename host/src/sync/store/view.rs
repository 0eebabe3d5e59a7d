//! One consistent state: what changed since the last checkpoint, over the file.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::iter;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::layer::{Layer, PREFIX, RowKey, RowRange, row_key};
use super::state::Base;
use crate::sync::{KeyRange, Order, State, StateError, StateMut, Table, Visit};

/// A state at one index. A clone costs nothing, and is a state of its own: the writer applies a batch to one, and
/// publishes it when the batch is done.
#[derive(Clone)]
pub(in crate::sync) struct View {
    group: u32,
    /// Changes since the last freeze.
    active: Layer,
    /// Changes that a checkpoint is writing.
    frozen: Layer,
    base: Arc<Base>,
    applied: u64,
}

/// A row of some layer; one without a value is removed.
pub(super) type Row<'a> = (Cow<'a, RowKey>, Option<Cow<'a, [u8]>>);

impl View {
    /// The state of a checkpoint.
    pub(in crate::sync) fn new(group: u32, base: Arc<Base>) -> Self {
        Self { group, active: Layer::default(), frozen: Layer::default(), applied: base.applied(), base }
    }

    /// The index of the last command applied.
    pub(in crate::sync) fn applied(&self) -> u64 {
        self.applied
    }

    /// Records that commands are applied up to an index.
    pub(in crate::sync) fn advance(&mut self, applied: u64) {
        self.applied = applied;
    }

    /// The index up to which the state is durable in its file.
    pub(in crate::sync) fn checkpoint(&self) -> u64 {
        self.base.applied()
    }

    /// Memory taken by changes since the last freeze, in bytes.
    pub(in crate::sync) fn active_bytes(&self) -> usize {
        self.active.bytes()
    }

    /// Sets the changes apart for a checkpoint. Reads still see them.
    pub(in crate::sync) fn freeze(&mut self) -> Layer {
        self.frozen = std::mem::take(&mut self.active);
        self.frozen.clone()
    }

    /// Puts the file with the frozen changes in the place of the file without and the changes.
    pub(in crate::sync) fn thaw(&mut self, base: Arc<Base>) {
        self.frozen = Layer::default();
        self.rebase(base);
    }

    /// Puts another reading of the file below the changes.
    pub(in crate::sync) fn rebase(&mut self, base: Arc<Base>) {
        self.base = base;
    }
}

impl State for View {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let key = row_key(self.group, table, key);
        match self.active.get(&key).or_else(|| self.frozen.get(&key)) {
            Some(value) => Ok(value.as_deref().map(<[u8]>::to_vec)),
            None => self.base.get(&key),
        }
    }

    fn scan(&self, table: Table, range: KeyRange<'_>, order: Order, visit: Visit<'_>) -> Result<(), StateError> {
        let Some(range) = RowRange::new(self.group, table, range) else { return Ok(()) };
        let active = self.active.range(&range).map(borrowed).map(Ok);
        let frozen = self.frozen.range(&range).map(borrowed).map(Ok);
        let base = self.base.range(&range)?;
        match order {
            Order::Ascending => walk(over(order, active, over(order, frozen, base)), visit),
            Order::Descending => walk(over(order, active.rev(), over(order, frozen.rev(), base.rev())), visit),
        }
    }
}

impl StateMut for View {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.active.set(&row_key(self.group, table, key), Some(value));
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.active.set(&row_key(self.group, table, key), None);
    }
}

fn borrowed<'a>((key, value): (&'a RowKey, Option<&'a [u8]>)) -> Row<'a> {
    (key.into(), value.map(Cow::from))
}

/// Lays one layer over another, both in the same order: of a row that both have, the upper one counts.
fn over<'a>(
    order: Order,
    upper: impl Iterator<Item = Result<Row<'a>, StateError>>,
    lower: impl Iterator<Item = Result<Row<'a>, StateError>>,
) -> impl Iterator<Item = Result<Row<'a>, StateError>> {
    let (mut upper, mut lower) = (upper.peekable(), lower.peekable());
    iter::from_fn(move || {
        let first = match (upper.peek(), lower.peek()) {
            (Some(Ok((above, _))), Some(Ok((below, _)))) => order.compare(above, below),
            (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
            (None, _) | (_, Some(Err(_))) => Ordering::Greater,
        };
        match first {
            Ordering::Less => upper.next(),
            Ordering::Greater => lower.next(),
            Ordering::Equal => {
                lower.next();
                upper.next()
            }
        }
    })
}

/// Shows the rows that are there, without what was put before their keys.
fn walk<'a>(
    rows: impl Iterator<Item = Result<Row<'a>, StateError>>,
    mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<(), StateError> {
    for row in rows {
        if let (key, Some(value)) = row?
            && visit(key.get(PREFIX..).unwrap_or_default(), &value).is_break()
        {
            break;
        }
    }
    Ok(())
}
