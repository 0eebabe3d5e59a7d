//! What Crosspoint remembers: which CMP object is which backend object, and what became of each mutating call.
//!
//! [`Ledger`] is the deterministic machine that the replica applies; [`Command`]s are its only way to change, and
//! [`query`] its only way to be read. It knows no clock, no HTTP and no Wasm.

mod command;
mod event;
mod failure;
mod key;
mod ledger;
mod model;
mod operation;
pub mod query;
mod tables;
#[cfg(test)]
mod tests;

pub use command::{Applied, Command, Expiry, Intent, Refusal, Settlement, Success};
pub use event::{Event, EventType};
pub use failure::{Code, Failure};
pub use key::{IdError, ObjectKey, valid_id, valid_name};
pub use ledger::Ledger;
pub use model::{BackendRecord, DriverRecord, Labels, Mapping, MappingState, PackageRef};
pub use operation::{Idempotency, Operation, OperationId, OperationState, Resolution, ResolvedBy};
