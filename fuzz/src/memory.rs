//! A state in memory: the machine and the queries alone, without files and threads.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crosspoint::sync::{KeyRange, Order, State, StateError, StateMut, Table, Visit};

/// Rows by table and key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(BTreeMap<(Table, Vec<u8>), Vec<u8>>);

impl State for Memory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: Table,
        (lower, upper): KeyRange<'_>,
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StateError> {
        let inside = |key: &[u8]| {
            let above = match lower {
                Bound::Included(lower) => key >= lower,
                Bound::Excluded(lower) => key > lower,
                Bound::Unbounded => true,
            };
            let below = match upper {
                Bound::Included(upper) => key <= upper,
                Bound::Excluded(upper) => key < upper,
                Bound::Unbounded => true,
            };
            above && below
        };
        let rows = self.0.iter().filter(|((of, key), _)| *of == table && inside(key));
        let mut visit = |((_, key), value): (&(Table, Vec<u8>), &Vec<u8>)| visit(key, value);
        let _: ControlFlow<()> = match order {
            Order::Ascending => { rows }.try_for_each(&mut visit),
            Order::Descending => rows.rev().try_for_each(&mut visit),
        };
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
