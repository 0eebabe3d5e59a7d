//! The two files of a node, and the view over them.
//!
//! | file | holds | written |
//! |---|---|---|
//! | `log.redb` | the commands since the last checkpoint, and how far the log was forgotten | once for each batch, one fsync |
//! | `state.redb` | the rows, and the index up to which they are applied | once for each checkpoint |
//!
//! They are two because a redb file has one writer: in one file, a checkpoint would hold up every append. Every key
//! begins with the number of a replication group, so that many groups can share a node.

mod disk;
mod error;
mod header;
mod layer;
mod log;
mod seal;
mod state;
mod untouched;
mod view;

use uuid::Uuid;

pub(super) use disk::{Directory, Disk};
pub use error::OpenError;
pub(super) use error::told;
use header::{FileKind, Header};
pub(super) use layer::Layer;
pub(super) use log::{AppendError, Log};
pub use seal::{SealError, seal, unseal};
pub(super) use state::{Base, StateFile};
pub(super) use view::View;

/// Memory for pages of the log, which is only ever read on opening.
const LOG_CACHE_BYTES: usize = 16 << 20;

/// A node's files for one group, found to belong together.
pub(super) struct Store {
    pub(super) log: Log,
    pub(super) state: StateFile,
    headers: (Header, Header),
}

impl Store {
    /// Opens both files, or makes them.
    pub(super) fn open(disk: &impl Disk, group: u32, machine: u32, cache_bytes: usize) -> Result<Self, OpenError> {
        // The log is made first.
        if disk.has(state::FILE)? && !disk.has(log::FILE)? {
            return Err(OpenError::Mismatched(format!("`{}` is missing", log::FILE)));
        }
        let log = FileKind { name: log::FILE, cache_bytes: LOG_CACHE_BYTES, make_tables: log::make_tables };
        let state = FileKind { name: state::FILE, cache_bytes, make_tables: state::make_tables };
        let (log, log_header) = log.open(disk, machine, Uuid::now_v7())?;
        let (state_database, state_header) = state.open(disk, machine, log_header.store)?;
        if log_header.store != state_header.store {
            return Err(OpenError::Mismatched("they come from two different stores".to_owned()));
        }
        let store = Self {
            log: Log::new(log, group)?,
            state: StateFile::new(state_database, Box::new(disk.open(state::FILE)?), group)?,
            headers: (log_header, state_header),
        };
        store.check_continuity()?;
        Ok(store)
    }

    /// The log must begin at or before the end of the state, and must not end before it.
    fn check_continuity(&self) -> Result<(), OpenError> {
        let (applied, forgotten, last) = (self.state.base().applied(), self.log.forgotten(), self.log.last());
        if applied < forgotten {
            return Err(OpenError::Mismatched(format!(
                "the state ends at {applied}, but the log begins after {forgotten}: `{}` is an older copy",
                state::FILE
            )));
        }
        if last < applied {
            return Err(OpenError::Mismatched(format!(
                "the log ends at {last}, but the state at {applied}: `{}` is an older copy",
                log::FILE
            )));
        }
        Ok(())
    }

    /// Lets no older version open the store from now on: it could not read what will be written.
    pub(super) fn raise(&self, machine: u32) -> Result<(), OpenError> {
        self.headers.0.raise(self.log.database(), log::FILE, machine)?;
        self.headers.1.raise(self.state.database(), state::FILE, machine)
    }
}
