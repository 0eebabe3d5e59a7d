//! `state.redb`: the rows as of the last checkpoint.

use std::sync::Arc;

use redb::{
    Builder, Database, Range, ReadOnlyTable, ReadableDatabase, StorageBackend, TableDefinition, WriteTransaction,
};

use super::OpenError;
use super::layer::{Layer, RowKey, RowRange};
use super::seal::{seal, unseal};
use super::untouched::Untouched;
use super::view::Row;
use crate::sync::StateError;

pub(super) const FILE: &str = "state.redb";

/// [`RowKey`] → sealed value.
const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");
/// group → index up to which the rows are applied.
const APPLIED: TableDefinition<u32, u64> = TableDefinition::new("applied");

/// The file, for its one writer.
pub(in crate::sync) struct StateFile {
    database: Arc<Database>,
    group: u32,
    base: Arc<Base>,
    /// The file once more, for reads after a write has failed: redb then lets nobody read through what it has open.
    again: Option<Box<dyn StorageBackend>>,
}

/// The rows of one checkpoint, which stay readable while the file moves on.
pub(in crate::sync) struct Base {
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    applied: u64,
    /// Reads need the file open, also after its writer is gone.
    _database: Arc<Database>,
}

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(ROWS)?;
    transaction.open_table(APPLIED)?;
    Ok(())
}

impl StateFile {
    pub(super) fn new(database: Database, again: Box<dyn StorageBackend>, group: u32) -> Result<Self, OpenError> {
        let database = Arc::new(database);
        let base = Base::read(&database, group).map_err(|error| OpenError::redb(FILE, error))?;
        Ok(Self { database, group, base: Arc::new(base), again: Some(again) })
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The last checkpoint.
    pub(in crate::sync) fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// Makes the changes up to `applied` durable, and gives the rows with them. After a failure the file takes no more,
    /// and the base is what is durable.
    pub(in crate::sync) fn checkpoint(&mut self, changes: &Layer, applied: u64) -> Result<Arc<Base>, redb::Error> {
        match self.write(changes, applied).and_then(|()| Base::read(&self.database, self.group)) {
            Ok(base) => self.base = Arc::new(base),
            Err(error) => {
                self.read_again();
                return Err(error);
            }
        }
        Ok(Arc::clone(&self.base))
    }

    /// Reads the file as the last commit left it.
    fn read_again(&mut self) {
        let Some(file) = self.again.take() else { return };
        let read = Untouched::new(file).map_err(redb::Error::from).and_then(|file| {
            let database = Builder::new().create_with_backend(file)?;
            Base::read(&Arc::new(database), self.group)
        });
        match read {
            Ok(base) => self.base = Arc::new(base),
            Err(error) => tracing::error!(%error, "`{FILE}` cannot be read any more"),
        }
    }

    fn write(&self, changes: &Layer, applied: u64) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        // Costs an fsync more, and saves the walk over the whole file that would follow a crash.
        transaction.set_quick_repair(true);
        {
            let mut rows = transaction.open_table(ROWS)?;
            for (key, value) in changes.iter() {
                match value {
                    Some(value) => rows.insert(key, seal(key, value).as_slice())?,
                    None => rows.remove(key)?,
                };
            }
            transaction.open_table(APPLIED)?.insert(self.group, applied)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Base {
    fn read(database: &Arc<Database>, group: u32) -> Result<Self, redb::Error> {
        let transaction = database.begin_read()?;
        let rows = transaction.open_table(ROWS)?;
        let applied = transaction.open_table(APPLIED)?.get(group)?.map_or(0, |index| index.value());
        Ok(Self { rows, applied, _database: Arc::clone(database) })
    }

    /// The index up to which the rows are applied.
    pub(in crate::sync) fn applied(&self) -> u64 {
        self.applied
    }

    pub(super) fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StateError> {
        let sealed = self.rows.get(key)?;
        sealed.map(|sealed| open(key, sealed.value())).transpose()
    }

    pub(super) fn range<'a>(
        &self,
        range: &RowRange,
    ) -> Result<impl DoubleEndedIterator<Item = Result<Row<'a>, StateError>> + use<'a>, StateError> {
        let rows: Range<'static, _, _> = self.rows.range::<&[u8]>(range.bounds())?;
        Ok(rows.map(|row| {
            let (key, sealed) = row?;
            let value = open(key.value(), sealed.value())?;
            Ok((key.value().to_vec().into(), Some(value.into())))
        }))
    }
}

fn open(key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StateError> {
    unseal(key, sealed).map(<[u8]>::to_vec).map_err(|error| {
        StateError::new(format!("a row of `{FILE}` is not as it was written ({error}): restore a backup, or rejoin"))
    })
}

impl From<redb::StorageError> for StateError {
    fn from(error: redb::StorageError) -> Self {
        Self::new(format!("`{FILE}`: {error}"))
    }
}
