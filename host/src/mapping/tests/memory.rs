//! A state in memory, for tests of the machine alone.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crate::sync::{KeyRange, Order, State, StateError, StateMut, Table};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(pub BTreeMap<(Table, Vec<u8>), Vec<u8>>);

impl State for Memory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: Table,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        let inside = |key: &[u8]| {
            let above = match range.0 {
                Bound::Included(lower) => key >= lower,
                Bound::Excluded(lower) => key > lower,
                Bound::Unbounded => true,
            };
            let below = match range.1 {
                Bound::Included(upper) => key <= upper,
                Bound::Excluded(upper) => key < upper,
                Bound::Unbounded => true,
            };
            above && below
        };
        let mut rows: Vec<_> = self.0.iter().filter(|((of, key), _)| *of == table && inside(key)).collect();
        if order == Order::Descending {
            rows.reverse();
        }
        let _ = rows.into_iter().try_for_each(|((_, key), value)| visit(key, value));
        Ok(())
    }
}

impl StateMut for Memory {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.0.insert((table, key.to_vec()), value);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.0.remove(&(table, key.to_vec()));
    }
}
