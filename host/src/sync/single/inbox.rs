//! What the writer has to do: proposals in order, and the checkpoint that was written.
//!
//! It is no channel because the writer takes everything that waits at once (that is the group commit), and because the
//! reason why it is closed is kept beside the queue, so that no proposal slips in between.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::sync::store::Base;

/// What a checkpoint came to: the state's file with it, or why it failed.
pub(super) type Written = Result<Arc<Base>, Unwritten>;

/// A checkpoint that failed.
pub(super) struct Unwritten {
    pub(super) reason: String,
    /// What can be read of the state's file.
    pub(super) base: Arc<Base>,
}

/// The writer's inbox.
pub(super) struct Inbox<P> {
    state: Mutex<State<P>>,
    wake: Condvar,
    most: usize,
    most_bytes: usize,
}

struct State<P> {
    proposals: Vec<P>,
    bytes: usize,
    written: Option<Written>,
    phase: Phase,
}

enum Phase {
    Open,
    Draining,
    Stopped(String),
}

/// Why a proposal was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed(String),
}

/// What to do next.
pub(super) enum Work<P> {
    /// Commit these, in order.
    Commit(Vec<P>),
    /// A checkpoint was written, or failed.
    Written(Written),
    /// The time has come that was waited for.
    Due,
    /// Nothing will come any more; except for a checkpoint under way.
    Drained,
    /// Leave everything as it is.
    Stopped,
}

impl<P> Inbox<P> {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        let state = State { proposals: Vec::new(), bytes: 0, written: None, phase: Phase::Open };
        Self { state: Mutex::new(state), wake: Condvar::new(), most, most_bytes }
    }

    /// Adds a proposal, or refuses it; never waits.
    pub(super) fn push(&self, proposal: P, bytes: usize) -> Result<(), Refused> {
        let mut state = self.state.lock();
        match &state.phase {
            Phase::Open => {}
            Phase::Draining => return Err(Refused::Closed("it is being closed".to_owned())),
            Phase::Stopped(reason) => return Err(Refused::Closed(reason.clone())),
        }
        let crowded = state.bytes + bytes > self.most_bytes && !state.proposals.is_empty();
        if crowded || state.proposals.len() >= self.most {
            return Err(Refused::Full);
        }
        state.bytes += bytes;
        state.proposals.push(proposal);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// How many proposals wait.
    pub(super) fn len(&self) -> usize {
        self.state.lock().proposals.len()
    }

    /// Waits for something to do, until a time if one is given. Proposals are left alone unless they are wanted.
    pub(super) fn next(&self, wants_proposals: bool, until: Option<Instant>) -> Work<P> {
        let mut state = self.state.lock();
        loop {
            if matches!(state.phase, Phase::Stopped(_)) {
                return Work::Stopped;
            }
            if let Some(written) = state.written.take() {
                return Work::Written(written);
            }
            if wants_proposals && !state.proposals.is_empty() {
                state.bytes = 0;
                return Work::Commit(std::mem::take(&mut state.proposals));
            }
            if wants_proposals && matches!(state.phase, Phase::Draining) {
                return Work::Drained;
            }
            match until {
                None => self.wake.wait(&mut state),
                Some(until) => {
                    if self.wake.wait_until(&mut state, until).timed_out() {
                        return Work::Due;
                    }
                }
            }
        }
    }

    /// Brings what a checkpoint came to.
    pub(super) fn written(&self, written: Written) {
        self.state.lock().written = Some(written);
        self.wake.notify_one();
    }

    /// Takes no more proposals; those that wait are still to be committed.
    pub(super) fn drain(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Draining;
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Takes no more proposals, and gives back those that wait. The first reason stays.
    pub(super) fn stop(&self, reason: &str) -> Vec<P> {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Stopped(_)) {
            state.phase = Phase::Stopped(reason.to_owned());
        }
        let proposals = std::mem::take(&mut state.proposals);
        drop(state);
        self.wake.notify_one();
        proposals
    }

    /// Why it was stopped, if it was.
    pub(super) fn failure(&self) -> Option<String> {
        match &self.state.lock().phase {
            Phase::Stopped(reason) => Some(reason.clone()),
            Phase::Open | Phase::Draining => None,
        }
    }
}
