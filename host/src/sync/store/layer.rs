//! Changes that are not in the state's file yet.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::sync::{KeyRange, Table};

/// What a row costs in memory besides its bytes, roughly: two nodes of the tree and the heads of three allocations.
const ROW_OVERHEAD: usize = 160;

/// A row's address in a file: group (u32, big-endian), table (u8), key.
pub(super) type RowKey = [u8];

/// The address of a row.
pub(super) fn row_key(group: u32, table: Table, key: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(PREFIX + key.len());
    row.extend(group.to_be_bytes());
    row.push(table.0);
    row.extend_from_slice(key);
    row
}

/// Bytes of a [`RowKey`] before the key.
pub(super) const PREFIX: usize = 5;

/// A range of rows in one table, which is not empty by its bounds.
pub(super) struct RowRange {
    start: Vec<u8>,
    includes_start: bool,
    end: Option<Vec<u8>>,
    includes_end: bool,
}

impl RowRange {
    /// The rows that a range of keys covers; none if the range ends before it begins.
    pub(super) fn new(group: u32, table: Table, (start, end): KeyRange<'_>) -> Option<Self> {
        let (start, includes_start) = match start {
            Bound::Included(key) => (row_key(group, table, key), true),
            Bound::Excluded(key) => (row_key(group, table, key), false),
            Bound::Unbounded => (row_key(group, table, &[]), true),
        };
        let (end, includes_end) = match end {
            Bound::Included(key) => (Some(row_key(group, table, key)), true),
            Bound::Excluded(key) => (Some(row_key(group, table, key)), false),
            Bound::Unbounded => (next_table(group, table), false),
        };
        let is_empty =
            end.as_ref().is_some_and(|end| start > *end || (start == *end && !(includes_start && includes_end)));
        (!is_empty).then_some(Self { start, includes_start, end, includes_end })
    }

    pub(super) fn bounds(&self) -> KeyRange<'_> {
        let start = if self.includes_start { Bound::Included(&*self.start) } else { Bound::Excluded(&*self.start) };
        let end = match &self.end {
            Some(end) if self.includes_end => Bound::Included(&**end),
            Some(end) => Bound::Excluded(&**end),
            None => Bound::Unbounded,
        };
        (start, end)
    }
}

/// Where the table after a table begins; none after the very last.
fn next_table(group: u32, table: Table) -> Option<Vec<u8>> {
    match table.0.checked_add(1) {
        Some(next) => Some(row_key(group, Table(next), &[])),
        None => Some(row_key(group.checked_add(1)?, Table(0), &[])),
    }
}

/// Rows set and removed, over whatever lies below.
///
/// It is a persistent tree: a clone costs nothing, shares what both have, and does not see what the other changes. That is
/// what lets a reader keep a state without a lock while the writer goes on.
#[derive(Clone, Default)]
pub(in crate::sync) struct Layer {
    rows: RedBlackTreeMapSync<Arc<RowKey>, Change>,
    bytes: usize,
}

/// A row's new value; none if it is removed.
type Change = Option<Arc<[u8]>>;

impl Layer {
    /// Memory taken, in bytes, roughly.
    pub(in crate::sync) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What became of a row; none if nothing did.
    pub(super) fn get(&self, key: &RowKey) -> Option<&Change> {
        self.rows.get(key)
    }

    pub(super) fn set(&mut self, key: &RowKey, value: Option<Vec<u8>>) {
        let cost = |value: Option<&[u8]>| key.len() + value.map_or(0, <[u8]>::len) + ROW_OVERHEAD;
        self.bytes += cost(value.as_deref());
        if let Some(before) = self.get(key) {
            self.bytes = self.bytes.saturating_sub(cost(before.as_deref()));
        }
        self.rows.insert_mut(key.into(), value.map(Arc::from));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&RowKey, Option<&[u8]>)> {
        self.rows.iter().map(|(key, value)| (&**key, value.as_deref()))
    }

    pub(super) fn range<'a>(
        &'a self,
        range: &'a RowRange,
    ) -> impl DoubleEndedIterator<Item = (&'a RowKey, Option<&'a [u8]>)> {
        self.rows.range::<RowKey, _>(range.bounds()).map(|(key, value)| (&**key, value.as_deref()))
    }
}
