//! `log.redb`: what was proposed, in order, until the state has it.

use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};

use super::OpenError;
use super::error::told;
use super::seal::{seal, unseal};

pub(super) const FILE: &str = "log.redb";

/// (group, index) → sealed command.
const ENTRIES: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("entries");
/// group → index up to which the log was forgotten.
const FORGOTTEN: TableDefinition<u32, u64> = TableDefinition::new("forgotten");

/// How many entries one append may forget beyond twice its own: it must catch up, and must not stall.
const FORGET_EXTRA: u64 = 256;

/// One group's log: consecutive entries after `forgotten`, up to `last`.
pub(in crate::sync) struct Log {
    database: Database,
    group: u32,
    forgotten: u64,
    last: u64,
}

/// Why entries were not appended. The log takes no more after either.
#[derive(Debug, thiserror::Error)]
pub(in crate::sync) enum AppendError {
    /// None of the entries is in the log.
    #[error("the log cannot be written: {}", told(.0))]
    NotCommitted(redb::Error),
    /// All of the entries are in the log, or none.
    #[error("the log may not be written: {}", told(.0))]
    Uncertain(redb::Error),
}

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(ENTRIES)?;
    transaction.open_table(FORGOTTEN)?;
    Ok(())
}

impl Log {
    pub(super) fn new(database: Database, group: u32) -> Result<Self, OpenError> {
        let (forgotten, last) = ends(&database, group).map_err(|error| OpenError::redb(FILE, error))?;
        Ok(Self { database, group, forgotten, last })
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The index up to which the log was forgotten.
    pub(in crate::sync) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The index of the last entry ever appended.
    pub(in crate::sync) fn last(&self) -> u64 {
        self.last
    }

    /// Makes commands durable with one fsync, and forgets earlier ones up to `forget` on the way, which costs no other.
    pub(in crate::sync) fn append<'a>(
        &mut self,
        commands: impl ExactSizeIterator<Item = &'a [u8]>,
        forget: u64,
    ) -> Result<(), AppendError> {
        let count = commands.len() as u64;
        let forget = forget.min(self.forgotten + 2 * count + FORGET_EXTRA).max(self.forgotten);
        let transaction = self.write(commands, forget).map_err(AppendError::NotCommitted)?;
        transaction.commit().map_err(|error| AppendError::Uncertain(error.into()))?;
        self.last += count;
        self.forgotten = forget;
        Ok(())
    }

    fn write<'a>(
        &self,
        commands: impl Iterator<Item = &'a [u8]>,
        forget: u64,
    ) -> Result<WriteTransaction, redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut entries = transaction.open_table(ENTRIES)?;
            if forget > self.forgotten {
                entries.retain_in((self.group, self.forgotten + 1)..=(self.group, forget), |_, _| false)?;
                transaction.open_table(FORGOTTEN)?.insert(self.group, forget)?;
            }
            for (index, command) in (self.last + 1..).zip(commands) {
                entries.insert((self.group, index), seal(&address(self.group, index), command).as_slice())?;
            }
        }
        Ok(transaction)
    }

    /// Visits every command after an index, in order.
    pub(in crate::sync) fn replay(
        &self,
        after: u64,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let failed = |error| OpenError::redb(FILE, error);
        let transaction = self.database.begin_read().map_err(|error| failed(error.into()))?;
        let entries = transaction.open_table(ENTRIES).map_err(|error| failed(error.into()))?;
        let range = entries.range((self.group, after + 1)..=(self.group, u64::MAX));
        for (expected, entry) in (after + 1..).zip(range.map_err(|error| failed(error.into()))?) {
            let (key, sealed) = entry.map_err(|error| failed(error.into()))?;
            let (_, index) = key.value();
            if index != expected {
                return Err(OpenError::Corrupt {
                    file: FILE,
                    reason: format!("the entry at index {expected} is missing"),
                });
            }
            let command = unseal(&address(self.group, index), sealed.value())
                .map_err(|error| OpenError::seal(FILE, &format!("the entry at index {index}"), error))?;
            visit(index, command)?;
        }
        Ok(())
    }
}

/// Up to where the log was forgotten, and its last index.
fn ends(database: &Database, group: u32) -> Result<(u64, u64), redb::Error> {
    let transaction = database.begin_read()?;
    let forgotten = transaction.open_table(FORGOTTEN)?.get(group)?.map_or(0, |index| index.value());
    let entries = transaction.open_table(ENTRIES)?;
    let last = entries.range((group, 0)..=(group, u64::MAX))?.next_back().transpose()?;
    Ok((forgotten, last.map_or(forgotten, |(key, _)| key.value().1)))
}

fn address(group: u32, index: u64) -> [u8; 12] {
    let mut address = [0; 12];
    let (first, rest) = address.split_at_mut(4);
    first.copy_from_slice(&group.to_be_bytes());
    rest.copy_from_slice(&index.to_be_bytes());
    address
}
