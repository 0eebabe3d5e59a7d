//! The thread that makes frozen changes durable in the state's file.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

use super::inbox::{Unwritten, Written};
use super::{Shared, panic_text};
use crate::failpoint::FailPoint;
use crate::sync::Machine;
use crate::sync::store::{Layer, StateFile, told};

/// Changes to be made durable, and the index up to which they go.
pub(super) struct Job {
    pub(super) changes: Layer,
    pub(super) applied: u64,
}

/// Starts the thread; it ends when nobody can send it a job any more.
pub(super) fn start<M: Machine>(
    shared: Arc<Shared<M>>,
    mut state: StateFile,
) -> io::Result<(Sender<Job>, JoinHandle<()>)> {
    let (sender, jobs) = channel();
    let thread = Builder::new().name("sync-checkpoint".to_owned()).spawn(move || {
        for job in jobs {
            shared.inbox.written(write(&mut state, &job));
        }
    })?;
    Ok((sender, thread))
}

fn write(state: &mut StateFile, job: &Job) -> Written {
    let written = catch_unwind(AssertUnwindSafe(|| state.checkpoint(&job.changes, job.applied)));
    FailPoint::CheckpointWritten.pass();
    written.map_err(|panic| panic_text(&*panic)).and_then(|written| written.map_err(|error| told(&error))).map_err(
        |reason| Unwritten { reason: format!("the state cannot be written: {reason}"), base: Arc::clone(state.base()) },
    )
}
