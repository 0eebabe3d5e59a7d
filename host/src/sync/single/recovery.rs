//! From what lies in the files to the state as it was.

use std::sync::Arc;

use super::{Options, apply};
use crate::sync::store::{Disk, Log, StateFile, Store, View};
use crate::sync::{Machine, OpenError};

/// Opens the files, and applies what the log holds beyond the last checkpoint.
pub(super) fn recover<M: Machine>(
    disk: &impl Disk,
    machine: &M,
    options: &Options,
) -> Result<(Log, StateFile, View), OpenError> {
    let store = Store::open(disk, options.group, M::VERSION, options.cache_bytes)?;
    let mut view = View::new(options.group, Arc::clone(store.state.base()));
    let checkpoint = view.applied();
    store.log.replay(checkpoint, |index, encoded| {
        let command = serde_json::from_slice(encoded).map_err(|error| error.to_string());
        let applied = command.and_then(|command| apply(machine, index, command, &mut view));
        applied.map(drop).map_err(|reason| OpenError::Replay { index, reason })
    })?;
    // Last, so that the version before still opens what this one could not.
    store.raise(M::VERSION)?;
    tracing::info!(applied = view.applied(), replayed = view.applied() - checkpoint, "the store is open");
    Ok((store.log, store.state, view))
}
