//! What the rest of the host sees of replication, whatever the topology.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::sync::watch;

use super::machine::{Machine, State};

/// A node's part in keeping one [`Machine`].
pub trait Replica<M: Machine>: Send + Sync {
    /// Proposes a command: resolves when it is durable as the acknowledgement mode demands, and applied.
    ///
    /// Commands proposed one after the other from one task are applied in that order.
    ///
    /// Cancel-safe: the command is handed over before this returns, and dropping the future does not withdraw it.
    fn propose(&self, command: M::Command) -> BoxFuture<'_, Result<Committed<M::Response>, ProposeError>>;

    /// The state as of now: every command that [`Self::applied`] has told of, and whole batches only. It is immutable,
    /// holds no lock, and waits for no writer; keep it for a call, not for ever, because it holds old pages in the store.
    fn snapshot(&self) -> Snapshot;

    /// The index of the last applied command. A change wakes waiters after [`Self::snapshot`] shows it.
    fn applied(&self) -> watch::Receiver<u64>;

    /// How the replica is.
    fn status(&self) -> Status;
}

/// One consistent state, to be read at leisure.
pub type Snapshot = Arc<dyn State + Send + Sync>;

/// What every [`Replica`] can do besides.
pub trait ReplicaExt<M: Machine>: Replica<M> {
    /// Reads one consistent state.
    fn view<T, E>(&self, read: impl FnOnce(&dyn State) -> Result<T, E>) -> Result<T, E> {
        read(&*self.snapshot())
    }
}

impl<M: Machine, R: Replica<M> + ?Sized> ReplicaExt<M> for R {}

/// A command that is durable and applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed<R> {
    /// Its place in the log.
    pub index: u64,
    /// What the machine answered.
    pub response: R,
}

/// Why a command was not acknowledged. [`Self::may_have_committed`] tells the doubtful case from the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// Only the primary takes commands. Not committed: ask the primary.
    #[error("this node is not the primary")]
    NotPrimary {
        /// The primary's address, if this node knows of one.
        primary: Option<String>,
    },
    /// Too many commands wait already. Not committed: try again later.
    #[error("too many commands are waiting to be committed")]
    Busy,
    /// Not committed: trying again cannot help.
    #[error("the command takes {size} bytes, and {limit} are allowed")]
    TooLarge {
        /// Bytes of the encoded command.
        size: usize,
        /// Most bytes that are taken.
        limit: usize,
    },
    /// The command cannot be encoded, or not decoded again. Not committed: trying again cannot help.
    #[error("the command cannot be stored: {0}")]
    Unstorable(String),
    /// The replica takes no commands any more, for the reason given. Not committed.
    #[error("the store has stopped: {0}")]
    Stopped(String),
    /// The replica failed while the command was on its way: it may have been committed, and it may be applied later.
    #[error("it is not known whether the command was committed: {0}")]
    Uncertain(String),
}

impl ProposeError {
    /// Whether the command may be in the log in spite of the error.
    #[must_use]
    pub fn may_have_committed(&self) -> bool {
        matches!(self, Self::Uncertain(_))
    }
}

/// A node's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The one that acts.
    Primary,
    /// One that follows.
    Standby,
    /// One that may neither act nor follow until its epoch is confirmed.
    Fenced,
}

/// How a replica is, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The node's part.
    pub role: Role,
    /// The reign of the current primary; it grows with every election.
    pub term: u64,
    /// It grows with every forced promotion.
    pub epoch: u64,
    /// Index of the last command that is applied.
    pub applied: u64,
    /// Index of the last command that is durable in this node's log.
    pub durable: u64,
    /// Index of the last command whose effect is durable in the state; the log before it may be forgotten.
    pub checkpoint: u64,
    /// Commands that wait to be committed.
    pub queue: usize,
    /// Why the replica takes no commands any more; none while it is well. Reads go on.
    pub error: Option<String>,
}
