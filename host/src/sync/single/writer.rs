//! The thread that commits, applies and answers.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::checkpoint::Job;
use super::inbox::{Unwritten, Work, Written};
use super::{CommitObserver, Options, Proposal, Reply, Shared, apply, panic_text};
use crate::failpoint::FailPoint;
use crate::sync::store::{AppendError, Log, View};
use crate::sync::{Committed, Machine, ProposeError};

/// The one owner of the log and of the view.
pub(super) struct Writer<M: Machine> {
    machine: M,
    log: Log,
    view: View,
    jobs: Sender<Job>,
    shared: Arc<Shared<M>>,
    interval: Duration,
    overlay_bytes: usize,
    observer: Option<CommitObserver>,
    /// When the first change came that no checkpoint, written or under way, has.
    changed: Option<Instant>,
    /// Whether a checkpoint is under way.
    writing: bool,
}

impl<M: Machine> Writer<M> {
    pub(super) fn new(machine: M, log: Log, jobs: Sender<Job>, shared: Arc<Shared<M>>, options: &Options) -> Self {
        let view = View::clone(&shared.view.load());
        Self {
            machine,
            log,
            jobs,
            interval: options.checkpoint_interval,
            overlay_bytes: options.overlay_bytes,
            observer: options.observer.clone(),
            changed: (view.applied() > view.checkpoint()).then(Instant::now),
            writing: false,
            view,
            shared,
        }
    }

    /// Starts the thread. `running` is dropped when it has ended and closed the log.
    pub(super) fn start(mut self, running: watch::Sender<()>) -> io::Result<JoinHandle<()>> {
        Builder::new().name("sync-writer".to_owned()).spawn(move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.run())) {
                self.shared.fail(&format!("the writer died: {}", panic_text(&*panic)));
            }
            drop(self);
            drop(running);
        })
    }

    fn run(&mut self) {
        loop {
            let has_room = !self.writing || self.view.active_bytes() < self.overlay_bytes;
            match self.shared.inbox.next(has_room, self.due()) {
                Work::Commit(proposals) => self.commit(proposals),
                Work::Written(written) => self.thaw(written),
                Work::Due => {}
                Work::Drained => return self.finish(),
                Work::Stopped => return,
            }
            let full = self.view.active_bytes() >= self.overlay_bytes;
            if !self.writing && (full || self.due().is_some_and(|due| due <= Instant::now())) {
                self.freeze();
            }
        }
    }

    /// When the next checkpoint has to begin, if one can.
    fn due(&self) -> Option<Instant> {
        self.changed.filter(|_| !self.writing).and_then(|changed| changed.checked_add(self.interval))
    }

    /// Makes proposals durable together, applies them, and lets readers and proposers know, in that order.
    fn commit(&mut self, proposals: Vec<Proposal<M>>) {
        let mut encoded = Vec::with_capacity(proposals.len());
        let mut commands = Vec::with_capacity(proposals.len());
        let mut replies = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            encoded.push(proposal.encoded);
            commands.push(proposal.command);
            replies.push(proposal.reply);
        }
        let (first, started) = (self.log.last() + 1, Instant::now());
        if let Err(error) = self.log.append(encoded.iter().map(Vec::as_slice), self.view.checkpoint()) {
            let error_for: fn(String) -> ProposeError = match error {
                AppendError::NotCommitted(_) => ProposeError::Stopped,
                AppendError::Uncertain(_) => ProposeError::Uncertain,
            };
            return self.give_up(&error.to_string(), error_for, replies);
        }
        if let Some(observer) = &self.observer {
            (observer.0)(commands.len(), started.elapsed());
        }
        self.shared.durable.store(self.log.last(), Ordering::Release);
        FailPoint::EntriesLogged.pass();

        let mut next = self.view.clone();
        let mut answers = Vec::with_capacity(commands.len());
        for (index, command) in (first..).zip(commands) {
            match apply(&self.machine, index, command, &mut next) {
                Ok(response) => answers.push(Committed { index, response }),
                Err(reason) => {
                    // The batch is in the log, and the next opening applies it: what was applied of it here is withheld,
                    // lest a reader sees half of a command.
                    let reason = format!("the command at index {index} cannot be applied: {reason}");
                    return self.give_up(&reason, ProposeError::Uncertain, replies);
                }
            }
        }
        self.view = next;
        self.changed.get_or_insert_with(Instant::now);
        self.publish();
        self.shared.applied.send_replace(self.view.applied());
        FailPoint::EntriesApplied.pass();
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A proposer that went away does not want the answer.
            let _ = reply.send(Ok(answer));
        }
    }

    fn give_up(&self, reason: &str, error: impl Fn(String) -> ProposeError, replies: Vec<Reply<M>>) {
        self.shared.fail(reason);
        for reply in replies {
            let _ = reply.send(Err(error(reason.to_owned())));
        }
    }

    fn publish(&self) {
        self.shared.view.store(Arc::new(self.view.clone()));
    }

    /// Begins a checkpoint of all that is applied.
    fn freeze(&mut self) {
        let job = Job { applied: self.view.applied(), changes: self.view.freeze() };
        self.changed = None;
        self.writing = true;
        if self.jobs.send(job).is_err() {
            self.shared.fail("the checkpoint thread died");
        }
    }

    /// Ends a checkpoint: readers take the new file, and the next append forgets what it has.
    fn thaw(&mut self, written: Written) {
        self.writing = false;
        match written {
            Ok(base) => {
                self.view.thaw(base);
                self.publish();
            }
            Err(Unwritten { reason, base }) => {
                self.view.rebase(base);
                self.publish();
                self.shared.fail(&reason);
            }
        }
    }

    /// Writes the last checkpoint.
    fn finish(&mut self) {
        while self.view.checkpoint() < self.view.applied() {
            if !self.writing {
                self.freeze();
            }
            match self.shared.inbox.next(false, None) {
                Work::Written(written) => self.thaw(written),
                Work::Stopped => return,
                Work::Commit(_) | Work::Due | Work::Drained => {}
            }
        }
    }
}
