//! What each file says of itself: what it is, of which store, and who can read it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Disk, OpenError};

/// The version of the layout of both files.
const FORMAT: u32 = 1;
const HEADER: TableDefinition<&str, &[u8]> = TableDefinition::new("crosspoint");
const KEY: &str = "header";

/// A file's own description. These four fields stay, whatever else a later [`FORMAT`] changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The name of the file, so that the one cannot take the other's place.
    pub file: String,
    /// [`FORMAT`] of the program that wrote last.
    pub format: u32,
    /// Version of the machine that wrote last.
    pub machine: u32,
    /// Both files of a store have the same.
    pub store: Uuid,
}

/// A file to be opened.
pub(super) struct FileKind {
    pub name: &'static str,
    /// Memory for its pages, in bytes.
    pub cache_bytes: usize,
    /// Makes the tables of a new one.
    pub make_tables: fn(&WriteTransaction) -> Result<(), redb::Error>,
}

impl FileKind {
    /// Opens the file if this program can read it; makes it, as part of the given store, if it is not there.
    pub(super) fn open(&self, disk: &impl Disk, machine: u32, store: Uuid) -> Result<(Database, Header), OpenError> {
        let name = self.name;
        if !disk.has(name)? {
            disk.make(name, |file| {
                let database = self.database(file)?;
                let header = Header { file: name.to_owned(), format: FORMAT, machine, store };
                write(&database, &header, self.make_tables).map_err(|error| OpenError::redb(name, error))
            })?;
        }
        let file = disk.open(name)?;
        if file.len().is_ok_and(|len| len == 0) {
            return Err(OpenError::Corrupt { file: name, reason: "it is empty".to_owned() });
        }
        let database = self.database(file)?;
        let header = read(&database, name)?;
        header.admit(name, machine)?;
        Ok((database, header))
    }

    fn database(&self, file: impl StorageBackend) -> Result<Database, OpenError> {
        let mut builder = Builder::new();
        builder.set_cache_size(self.cache_bytes);
        // redb trusts some of what it reads, and panics when a damaged file misleads it.
        catch_unwind(AssertUnwindSafe(|| builder.create_with_backend(file)))
            .map_err(|_| OpenError::Corrupt { file: self.name, reason: "its inner structure is broken".to_owned() })?
            .map_err(|error| OpenError::redb(self.name, error.into()))
    }
}

impl Header {
    fn admit(&self, file: &'static str, machine: u32) -> Result<(), OpenError> {
        if self.file != file {
            return Err(OpenError::Mismatched(format!("`{file}` holds what belongs into `{}`", self.file)));
        }
        let newer = |what, found, known| Err(OpenError::Newer { file, what, found, known });
        if self.format > FORMAT {
            return newer("file format", self.format, FORMAT);
        }
        if self.machine > machine {
            return newer("data format", self.machine, machine);
        }
        Ok(())
    }

    /// Records that this program's version writes from now on, so that an older one refuses the file.
    pub(super) fn raise(&self, database: &Database, file: &'static str, machine: u32) -> Result<(), OpenError> {
        let raised = Self { format: FORMAT, machine, ..self.clone() };
        if raised == *self {
            return Ok(());
        }
        write(database, &raised, |_| Ok(())).map_err(|error| OpenError::redb(file, error))
    }
}

fn read(database: &Database, file: &'static str) -> Result<Header, OpenError> {
    let failed = |error| OpenError::redb(file, error);
    let transaction = database.begin_read().map_err(|error| failed(error.into()))?;
    let table = match transaction.open_table(HEADER) {
        Ok(table) => table,
        Err(redb::TableError::Storage(error)) => return Err(failed(error.into())),
        Err(_) => return Err(OpenError::Foreign { file, reason: "another program made this database".to_owned() }),
    };
    let bytes = table.get(KEY).map_err(|error| failed(error.into()))?;
    let bytes = bytes.ok_or_else(|| OpenError::Corrupt { file, reason: "its header is missing".to_owned() })?;
    serde_json::from_slice(bytes.value())
        .map_err(|error| OpenError::Corrupt { file, reason: format!("its header is not readable: {error}") })
}

fn write(
    database: &Database,
    header: &Header,
    tables: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let bytes = serde_json::to_vec(header).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    transaction.open_table(HEADER)?.insert(KEY, bytes.as_slice())?;
    tables(&transaction)?;
    transaction.commit()?;
    Ok(())
}
