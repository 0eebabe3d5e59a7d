use std::collections::BTreeMap;
use std::ops::Bound;

use super::{KeyRange, Order, State, StateError, StateMut, Table, Visit};

/// A state in memory, for a machine alone: without log, files and threads. What it is tested, fuzzed and measured with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>);

impl State for Memory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(&table).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, table: Table, range: KeyRange<'_>, order: Order, visit: Visit<'_>) -> Result<(), StateError> {
        let Some(rows) = self.0.get(&table) else { return Ok(()) };
        let bound = |bound: Bound<&'_ [u8]>| match bound {
            Bound::Included(key) | Bound::Excluded(key) => Some(key.to_vec()),
            Bound::Unbounded => None,
        };
        // One that ends before it begins is empty, where a map would panic.
        if let (Some(lower), Some(upper)) = (bound(range.0), bound(range.1))
            && (lower > upper || lower == upper && matches!(range, (Bound::Excluded(_), Bound::Excluded(_))))
        {
            return Ok(());
        }
        let rows = rows.range::<[u8], _>(range);
        let _ = match order {
            Order::Ascending => rows.into_iter().try_for_each(|(key, value)| visit(key, value)),
            Order::Descending => rows.rev().try_for_each(|(key, value)| visit(key, value)),
        };
        Ok(())
    }
}

impl StateMut for Memory {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.0.entry(table).or_default().insert(key.to_vec(), value);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        let Some(rows) = self.0.get_mut(&table) else { return };
        rows.remove(key);
        // A table is what it holds: one that is empty again is as if it had never been.
        if rows.is_empty() {
            self.0.remove(&table);
        }
    }
}
