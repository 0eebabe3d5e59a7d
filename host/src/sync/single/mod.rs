//! The replica of one node: its own primary, with group commit.
//!
//! | thread | does | waits for |
//! |---|---|---|
//! | any | encodes a command and puts it into the inbox | nothing: a full inbox refuses |
//! | writer | takes all that waits, appends it with one fsync, applies it, publishes the view, answers | the inbox |
//! | checkpoint | writes the frozen layer to the state's file | the writer's next job |
//!
//! The writer alone changes the view, so nothing is locked: a reader takes the published one.

mod checkpoint;
mod inbox;
mod options;
mod recovery;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};

use self::inbox::{Inbox, Refused};
use self::writer::Writer;
use super::store::{Directory, Disk, View};
use super::{Committed, Machine, OpenError, ProposeError, Replica, Role, Snapshot, Status};

pub use options::{CommitObserver, Options};

/// The replica of a node that has no peers.
///
/// Dropping it stops it at once, and waits for the transaction under way. Nothing acknowledged is lost either way: what no
/// checkpoint holds is replayed from the log on the next opening, which [`SingleNode::close`] saves.
pub struct SingleNode<M: Machine> {
    shared: Arc<Shared<M>>,
    options: Options,
    threads: Vec<JoinHandle<()>>,
    /// Closed when the writer has ended.
    ended: watch::Receiver<()>,
}

/// What proposers, readers and the threads share.
struct Shared<M: Machine> {
    inbox: Inbox<Proposal<M>>,
    view: ArcSwap<View>,
    applied: watch::Sender<u64>,
    durable: AtomicU64,
}

/// A command on its way.
struct Proposal<M: Machine> {
    command: M::Command,
    /// What `command` was decoded from.
    encoded: Vec<u8>,
    reply: Reply<M>,
}

/// What a proposer is told.
type Answer<M> = Result<Committed<<M as Machine>::Response>, ProposeError>;
type Reply<M> = oneshot::Sender<Answer<M>>;

/// The replica had stopped before it was closed. Everything acknowledged is in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store had stopped: {0}")]
pub struct CloseError(String);

impl<M: Machine> SingleNode<M> {
    /// Opens the store in a directory, or makes it, and applies what the log holds beyond the last checkpoint.
    ///
    /// Blocks on the disk.
    pub fn open(directory: impl AsRef<Path>, machine: M, options: Options) -> Result<Self, OpenError> {
        Self::open_on(&Directory::prepare(directory.as_ref())?, machine, options)
    }

    pub(super) fn open_on(disk: &impl Disk, machine: M, options: Options) -> Result<Self, OpenError> {
        let (log, state, view) = recovery::recover(disk, &machine, &options)?;
        let shared = Arc::new(Shared {
            inbox: Inbox::new(options.queue_commands, options.queue_bytes),
            applied: watch::Sender::new(view.applied()),
            durable: AtomicU64::new(log.last()),
            view: ArcSwap::from_pointee(view),
        });
        let (running, ended) = watch::channel(());
        // From here on the node is dropped, and so stopped, when starting a thread fails.
        let mut node = Self { shared: Arc::clone(&shared), options, threads: Vec::new(), ended };
        let (jobs, checkpoint) = checkpoint::start(Arc::clone(&shared), state).map_err(OpenError::Thread)?;
        node.threads.push(checkpoint);
        let writer = Writer::new(machine, log, jobs, shared, &node.options);
        node.threads.push(writer.start(running).map_err(OpenError::Thread)?);
        Ok(node)
    }

    /// Takes no more commands, commits those that wait, writes the last checkpoint, and ends. Reads go on; the files stay
    /// in use until the node and its snapshots are dropped.
    ///
    /// Cancel-safe: once begun, it goes on by itself. Closing twice is closing once.
    pub async fn close(&self) -> Result<(), CloseError> {
        self.shared.inbox.drain();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
        self.shared.inbox.failure().map_or(Ok(()), |reason| Err(CloseError(reason)))
    }

    /// Hands a command over to the writer.
    fn submit(&self, command: &M::Command) -> Result<oneshot::Receiver<Answer<M>>, ProposeError> {
        let unstorable = |error: serde_json::Error| ProposeError::Unstorable(error.to_string());
        let encoded = serde_json::to_vec(command).map_err(unstorable)?;
        let (size, limit) = (encoded.len(), self.options.command_bytes);
        if size > limit {
            return Err(ProposeError::TooLarge { size, limit });
        }
        // A command that cannot be read again would make the log unreadable; and what is applied now must be what a
        // replay applies. Decoding here keeps the cost away from the one writer.
        let command = serde_json::from_slice(&encoded).map_err(unstorable)?;
        let (reply, answer) = oneshot::channel();
        self.shared.inbox.push(Proposal { command, encoded, reply }, size).map_err(|refused| match refused {
            Refused::Full => ProposeError::Busy,
            Refused::Closed(reason) => ProposeError::Stopped(reason),
        })?;
        Ok(answer)
    }
}

impl<M: Machine> Replica<M> for SingleNode<M> {
    fn propose(&self, command: M::Command) -> BoxFuture<'_, Answer<M>> {
        let handed_over = self.submit(&command);
        Box::pin(async move {
            handed_over?.await.unwrap_or_else(|_| {
                // The writer answers whatever it takes, unless it dies with the proposal in hand.
                let reason = self.shared.inbox.failure().unwrap_or_else(|| "the writer died".to_owned());
                Err(ProposeError::Uncertain(reason))
            })
        })
    }

    fn snapshot(&self) -> Snapshot {
        self.shared.view.load_full()
    }

    fn applied(&self) -> watch::Receiver<u64> {
        self.shared.applied.subscribe()
    }

    fn status(&self) -> Status {
        let view = self.shared.view.load();
        Status {
            role: Role::Primary,
            term: 1,
            epoch: 1,
            applied: view.applied(),
            durable: self.shared.durable.load(Ordering::Acquire),
            checkpoint: view.checkpoint(),
            queue: self.shared.inbox.len(),
            error: self.shared.inbox.failure(),
        }
    }
}

impl<M: Machine> Drop for SingleNode<M> {
    fn drop(&mut self) {
        self.shared.stop("the store was closed");
        for thread in self.threads.drain(..).rev() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl<M: Machine> Shared<M> {
    /// Takes no more commands, and refuses those that wait. The first reason stays.
    fn stop(&self, reason: &str) {
        for proposal in self.inbox.stop(reason) {
            let _ = proposal.reply.send(Err(ProposeError::Stopped(reason.to_owned())));
        }
    }

    /// The same, for a failure that an operator must hear of.
    fn fail(&self, reason: &str) {
        tracing::error!(reason, "the store stops: it takes no more changes until a restart");
        self.stop(reason);
    }
}

/// Applies one command. An error, or a panic, says why the view is of no more use.
fn apply<M: Machine>(machine: &M, index: u64, command: M::Command, view: &mut View) -> Result<M::Response, String> {
    let response = catch_unwind(AssertUnwindSafe(|| machine.apply(index, command, view)))
        .map_err(|panic| panic_text(&*panic))?
        .map_err(|error| error.to_string())?;
    view.advance(index);
    Ok(response)
}

/// What a panic said.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.as_deref().unwrap_or("without a text"))
}
