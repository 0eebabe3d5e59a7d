//! The commands: the only way in which what is recorded changes.

use crosspoint_contract::Json;
use serde::{Deserialize, Serialize};

use super::{
    BackendRecord, DriverRecord, Failure, Labels, Mapping, ObjectKey, Operation, OperationId, PackageRef, Resolution,
};

/// What the machine applies. Times are milliseconds since the Unix epoch, read by the proposer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Record that an exchange is about to be made.
    Begin(Box<Intent>),
    /// Record what became of an operation, together with the mapping.
    Settle {
        /// Which operation.
        operation: OperationId,
        /// When.
        at: u64,
        /// What became of it.
        settlement: Box<Settlement>,
    },
    /// Record that an operation in doubt is about to be sent again.
    Extend {
        /// Which operation.
        operation: OperationId,
        /// Until when the exchange may take effect.
        deadline: u64,
        /// When.
        at: u64,
    },
    /// Bind an object that exists at the backend.
    Adopt {
        /// The CMP's side.
        key: ObjectKey,
        /// The backend's side, as it was read.
        success: Box<Success>,
        /// The caller's own marks.
        labels: Labels,
        /// When.
        at: u64,
    },
    /// Forget an object and leave the backend alone.
    Release {
        /// The CMP's side.
        key: ObjectKey,
        /// When.
        at: u64,
    },
    /// Set a backend's configuration.
    PutBackend {
        /// The record; its revision is set by the machine.
        record: Box<BackendRecord>,
        /// When.
        at: u64,
    },
    /// Remove a backend that has no mappings and no undecided operations.
    RemoveBackend {
        /// Its name.
        name: String,
        /// When.
        at: u64,
    },
    /// Make a package the active one of a driver.
    ActivateDriver {
        /// The driver's name.
        name: String,
        /// The package.
        package: PackageRef,
        /// Where it came from.
        source: String,
        /// When.
        at: u64,
    },
    /// Remove a driver that no backend uses.
    RemoveDriver {
        /// Its name.
        name: String,
        /// When.
        at: u64,
    },
    /// Forget what is older than promised, a bounded number of each.
    Expire(Expiry),
}

/// A mutating call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The operation, in state `open`.
    pub operation: Operation,
    /// Act only if the mapping still has this revision.
    pub mapping_revision: Option<u64>,
    /// How many idempotency keys may be remembered.
    pub idempotency_limit: u64,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// The backend did it, or accepted it and works on it.
    Succeeded(Success),
    /// The backend did not do it.
    Failed {
        /// Why.
        failure: Failure,
        /// How doubt ended, if there was any.
        resolution: Option<Resolution>,
    },
    /// Whether the backend did it is not known.
    Doubt(Failure),
    /// It will never be known, but this is how the object is now.
    Observed(Success),
}

/// What the backend's side looks like now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// The backend's id; none leaves it as it is.
    pub backend_id: Option<String>,
    /// The backend's revision; none leaves it as it is.
    pub revision: Option<String>,
    /// Attributes to keep; `null` leaves them as they are.
    pub attributes: Json,
    /// What the driver made of the reply.
    pub result: Json,
    /// What to ask with while the backend works on it.
    pub pending: Option<String>,
    /// How doubt ended, if there was any.
    pub resolution: Option<Resolution>,
}

/// What is too old to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Idempotency keys from before this time are forgotten.
    pub idempotency_before: u64,
    /// So many operations are kept; of those beyond, the oldest that are decided are forgotten.
    pub operations_kept: u64,
    /// Events with a lower index are forgotten.
    pub events_before: u64,
    /// At most so many of each.
    pub batch: usize,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// An operation was recorded; the mapping as it is now, if it is about one and the object is not gone.
    Operation {
        /// The operation as it is now.
        operation: Box<Operation>,
        /// The mapping as it is now; none if the object is gone or the operation is about the backend.
        mapping: Option<Box<Mapping>>,
    },
    /// A mapping was recorded; or, on release, removed: then this is what it was.
    Mapping(Box<Mapping>),
    /// A backend's configuration was recorded.
    Backend(Box<BackendRecord>),
    /// A driver's activation was recorded.
    Driver(Box<DriverRecord>),
    /// So many records were removed.
    Removed(usize),
}

/// Why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The idempotency key stands for this operation.
    #[error("the idempotency key was used for operation {}", .0.id)]
    Repeated(Box<Operation>),
    /// The idempotency key stands for another request.
    #[error("the idempotency key was used for another request, operation {}", .0.id)]
    KeyMismatch(Box<Operation>),
    /// No more keys can be remembered.
    #[error("too many idempotency keys are remembered")]
    KeysFull,
    /// The object has a mapping already.
    #[error("the object is mapped already")]
    AlreadyMapped(Box<Mapping>),
    /// The object has no mapping.
    #[error("the object is not mapped")]
    NotMapped,
    /// The mapping's state does not allow it.
    #[error("the object is {}", .0.state.as_str())]
    Busy(Box<Mapping>),
    /// The mapping has another revision.
    #[error("the mapping has another revision")]
    Stale(Box<Mapping>),
    /// The backend's id is mapped to another object.
    #[error("the backend's id is mapped to another object")]
    BackendIdTaken(Box<ObjectKey>),
    /// No such operation.
    #[error("there is no such operation")]
    UnknownOperation,
    /// The operation is decided.
    #[error("the operation is decided already")]
    AlreadyDecided(Box<Operation>),
    /// No such backend or driver.
    #[error("there is no such record")]
    Unknown,
    /// It is still used; by what.
    #[error("{0}")]
    InUse(String),
}
