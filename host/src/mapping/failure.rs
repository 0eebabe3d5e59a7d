//! Why a call did not succeed, as it is recorded and as the caller is told.

use crosspoint_contract::Violation;
use serde::{Deserialize, Serialize};

use super::OperationId;
use crate::sent::Sent;

/// The failure's name: stable, lower snake case, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request itself is malformed.
    InvalidRequest,
    /// The spec does not fit the kind's schema, or the backend says that it is wrong.
    InvalidSpec,
    /// No token, or none that is known.
    Unauthenticated,
    /// The token does not allow this.
    Forbidden,
    /// Too many failed attempts to authenticate.
    TooManyAttempts,
    /// No backend of this name, as far as the caller may know.
    UnknownBackend,
    /// No driver of this name is loaded.
    UnknownDriver,
    /// The backend's driver has no such kind.
    UnknownKind,
    /// The kind has no such action.
    UnknownAction,
    /// No operation of this id, as far as the caller may know.
    UnknownOperation,
    /// No such route.
    UnknownRoute,
    /// The object has no mapping.
    NotMapped,
    /// The kind does not have this verb.
    UnsupportedVerb,
    /// `If-None-Match: *`, and the object is mapped.
    AlreadyMapped,
    /// The object has another revision than `If-Match` names.
    Stale,
    /// Another operation on the object is under way.
    ObjectBusy,
    /// An earlier operation on the object is in doubt.
    InDoubt,
    /// The first call with this `Idempotency-Key` is still under way.
    IdempotencyInFlight,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyMismatch,
    /// The request needs an `Idempotency-Key`.
    IdempotencyKeyRequired,
    /// So many keys are remembered that no more can be promised.
    IdempotencyFull,
    /// The backend's id is mapped to another CMP object.
    BackendIdTaken,
    /// The operation is decided already.
    AlreadyDecided,
    /// The operation has nothing to refresh or to resolve in this way.
    NotResolvable,
    /// It was looked for at the backend after its deadline and is not there: the call was never executed.
    NotExecuted,
    /// More than one object at the backend carries the marker.
    Ambiguous,
    /// The backend's queue is full.
    QueueFull,
    /// The call waited in the backend's queue until its time was up.
    QueueTimeout,
    /// The backend has no such object any more.
    BackendNotFound,
    /// The backend has it already.
    BackendAlreadyExists,
    /// The backend's present state forbids it.
    BackendConflict,
    /// The backend did not accept the configured credentials.
    BackendUnauthenticated,
    /// The backend does not allow it to the configured credentials.
    BackendDenied,
    /// The backend asks for fewer calls.
    BackendThrottled,
    /// The backend says that it cannot serve now.
    BackendUnavailable,
    /// The backend refused for a reason of its own.
    BackendRejected,
    /// The backend's reply makes no sense.
    BackendMalformedReply,
    /// The driver could not say what the reply means.
    BackendFault,
    /// No connection to the backend.
    BackendUnreachable,
    /// The connection broke before the reply was whole.
    BackendConnectionLost,
    /// The backend did not answer in time.
    BackendTimeout,
    /// The driver is not loaded.
    DriverUnavailable,
    /// The driver trapped, looped or went over a limit.
    DriverFailed,
    /// The driver made an exchange that the host refuses to send.
    DriverRefused,
    /// The package was not accepted.
    DriverRejected,
    /// What the caller wants to remove is in use.
    InUse,
    /// Crosspoint stopped while the call was under way.
    Interrupted,
    /// The store does not take commands now.
    StoreUnavailable,
    /// This node is not the primary.
    NotPrimary,
    /// Crosspoint is shutting down.
    Draining,
    /// The events asked for are no longer kept.
    EventsCompacted,
    /// The body is longer than allowed.
    TooLarge,
    /// The body did not come in time.
    RequestTimeout,
    /// A defect in Crosspoint.
    Internal,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// Why a call did not succeed. Every one says whether the backend was reached and whether the same call may be tried
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// The failure's name.
    pub code: Code,
    /// For people: what happened, and what to do next.
    pub detail: String,
    /// Whether the exchange reached the backend.
    #[serde(default)]
    pub sent: Sent,
    /// Whether the same call may succeed if it is simply tried again.
    #[serde(default)]
    pub retryable: bool,
    /// Seconds to wait before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The status that the backend gave, where its protocol has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_status: Option<u16>,
    /// What is wrong with the spec, place by place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Violation>,
    /// The operation that this is about: its own, or the one in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// Whether this is the stored answer of an earlier call with the same idempotency key.
    #[serde(skip)]
    pub replayed: bool,
}

impl Failure {
    /// A failure before anything was sent, which trying again does not mend.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            sent: Sent::No,
            retryable: false,
            retry_after: None,
            backend_status: None,
            errors: Vec::new(),
            operation_id: None,
            replayed: false,
        }
    }

    /// Says whether the backend was reached.
    #[must_use]
    pub fn sent(mut self, sent: Sent) -> Self {
        self.sent = sent;
        self
    }

    /// Says that the same call may be tried again, after so many seconds if a number is given.
    #[must_use]
    pub fn retry(mut self, after: impl Into<Option<u32>>) -> Self {
        self.retryable = true;
        self.retry_after = after.into();
        self
    }

    /// Says what is wrong, place by place.
    #[must_use]
    pub fn errors(mut self, errors: Vec<Violation>) -> Self {
        self.errors = errors;
        self
    }

    /// Says which operation this is about.
    #[must_use]
    pub fn operation(mut self, id: OperationId) -> Self {
        self.operation_id = Some(id);
        self
    }
}
