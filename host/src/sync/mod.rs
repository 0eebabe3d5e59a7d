//! Keeps a [`Machine`] the same on every node, and through every crash.
//!
//! A command is *proposed*; once it is durable as the acknowledgement mode demands, it is *applied* to the state, in the
//! order of its index, by every node alike. This module knows nothing of what the commands mean.
//!
//! ```text
//! propose ──▶ queue ──▶ log.redb: one transaction, one fsync for the whole queue ──▶ apply ──▶ answer
//!                                                                                      │
//! snapshot ◀── published view: active layer, over frozen layer, over a read transaction of state.redb
//!                                  └── checkpoint, every 100 ms ──▶ state.redb ──▶ the log may forget
//! ```
//!
//! - [`Machine`]: what is replicated. [`Replica`]: what `mapping` and `relay` see of it; any topology implements it.
//! - [`SingleNode`]: the replica of one node.
//! - `store`: the two files, and the layered view over them.
//!
//! **Invariant:** nothing is applied that is not durable in the log, nothing is acknowledged that is not applied, and the
//! log forgets nothing that is not durable in the state.

mod machine;
mod memory;
mod replica;
mod single;
mod store;
#[cfg(test)]
mod tests;

pub use machine::{KeyRange, Machine, Order, State, StateError, StateMut, Table, Visit};
pub use memory::Memory;
pub use replica::{Committed, ProposeError, Replica, ReplicaExt, Role, Snapshot, Status};
pub use single::{CloseError, CommitObserver, Options, SingleNode};
pub use store::{OpenError, SealError, seal, unseal};
