//! From what went wrong below to what the caller is told: the one place where faults become failures.

use crosspoint_contract::{Fault, Violation};

use crate::driver::CallError;
use crate::mapping::{Code, Failure, Mapping, Refusal};
use crate::sent::Sent;
use crate::sync::{ProposeError, StateError};
use crate::transport::{ErrorKind, TokenError, TransportError};

/// What a driver's fault says. `sent` is `No` for a fault of `encode`, `Yes` for one of `decode`.
pub(super) fn of_fault(fault: Fault, sent: Sent, status: Option<u16>) -> Failure {
    let detail = fault.to_string();
    let failure = match fault {
        Fault::Invalid(violations) => Failure::new(Code::InvalidSpec, detail).errors(violations),
        Fault::Unsupported(_) => Failure::new(Code::UnsupportedVerb, detail),
        Fault::NotFound(_) => Failure::new(Code::BackendNotFound, detail),
        Fault::AlreadyExists(_) => Failure::new(Code::BackendAlreadyExists, detail),
        Fault::Conflict(_) => Failure::new(Code::BackendConflict, detail),
        Fault::Stale(_) => Failure::new(Code::Stale, detail),
        Fault::Unauthenticated(_) => Failure::new(Code::BackendUnauthenticated, detail),
        Fault::Denied(_) => Failure::new(Code::BackendDenied, detail),
        Fault::Throttled(throttle) => Failure::new(Code::BackendThrottled, detail).retry(throttle.seconds.or(Some(1))),
        Fault::Unavailable(_) => Failure::new(Code::BackendUnavailable, detail).retry(5),
        Fault::Rejected(rejection) => {
            Failure { retryable: rejection.retryable, ..Failure::new(Code::BackendRejected, detail) }
        }
        Fault::MalformedReply(_) => Failure::new(Code::BackendMalformedReply, detail),
        Fault::Other(_) => Failure::new(Code::BackendFault, detail),
    };
    Failure { backend_status: status, ..failure.sent(sent) }
}

/// What a transport's error says.
pub(super) fn of_transport(error: &TransportError) -> Failure {
    let detail = error.to_string();
    let failure = match error.kind {
        ErrorKind::Connect | ErrorKind::Tls | ErrorKind::ConnectTimeout => {
            Failure::new(Code::BackendUnreachable, detail).retry(5)
        }
        ErrorKind::Unauthenticated => Failure::new(Code::BackendUnauthenticated, detail),
        ErrorKind::Barred => Failure::new(Code::BackendUnreachable, detail),
        ErrorKind::ReplyTimeout => Failure::new(Code::BackendTimeout, detail),
        ErrorKind::Reset if error.sent == Sent::No => Failure::new(Code::BackendConnectionLost, detail).retry(1),
        ErrorKind::Reset => Failure::new(Code::BackendConnectionLost, detail),
        ErrorKind::TooLarge | ErrorKind::Protocol => Failure::new(Code::BackendMalformedReply, detail),
        ErrorKind::Refused => Failure::new(Code::DriverRefused, detail),
        ErrorKind::Settings => Failure::new(Code::Internal, detail),
    };
    failure.sent(error.sent)
}

/// What a token endpoint says: nothing of the caller's own was sent.
pub(super) fn of_token(error: &TokenError) -> Failure {
    let detail = error.to_string();
    match error {
        TokenError::Transport(error) => of_transport(error),
        TokenError::Malformed(_) => Failure::new(Code::BackendMalformedReply, detail),
        TokenError::Refused { status: 429, .. } => Failure::new(Code::BackendThrottled, detail).retry(1),
        TokenError::Refused { status: 500.., .. } => Failure::new(Code::BackendUnavailable, detail).retry(5),
        TokenError::Refused { status: 403, .. } => Failure::new(Code::BackendDenied, detail),
        TokenError::Refused { code, .. } => match code.as_str() {
            // The credentials are good, but what was asked for is not: RFC 6749, section 5.2, and RFC 8707, section 2.
            "invalid_scope" | "invalid_target" | "unauthorized_client" => Failure::new(Code::BackendDenied, detail),
            _ => Failure::new(Code::BackendUnauthenticated, detail),
        },
    }
}

/// What a trap or a limit in a driver says.
pub(super) fn of_call_error(error: &CallError, sent: Sent) -> Failure {
    Failure::new(Code::DriverFailed, error.to_string()).sent(sent)
}

/// What the store says.
pub(super) fn of_state(error: &StateError) -> Failure {
    Failure::new(Code::StoreUnavailable, format!("the store cannot be read: {error}")).retry(5)
}

/// What the replica says of a command that it did not take, or may not have taken.
pub(super) fn of_propose(error: &ProposeError) -> Failure {
    let code = match error {
        ProposeError::NotPrimary { .. } => Code::NotPrimary,
        _ => Code::StoreUnavailable,
    };
    Failure::new(code, error.to_string()).retry(1)
}

/// What the machine says of a command that it refused, where the caller asked for something that cannot be.
pub(super) fn of_refusal(refusal: Refusal) -> Failure {
    let detail = refusal.to_string();
    match refusal {
        Refusal::Repeated(operation) => {
            Failure::new(Code::IdempotencyInFlight, "the first call with this Idempotency-Key is still under way")
                .retry(1)
                .operation(operation.id)
        }
        Refusal::KeyMismatch(operation) => Failure::new(
            Code::IdempotencyMismatch,
            "the Idempotency-Key was used for another request: use a new key for a new call",
        )
        .operation(operation.id),
        Refusal::KeysFull => Failure::new(
            Code::IdempotencyFull,
            "so many Idempotency-Keys are remembered that this one could not be kept",
        )
        .retry(60),
        Refusal::AlreadyMapped(mapping) => already_mapped(&mapping),
        Refusal::NotMapped => not_mapped(),
        Refusal::Busy(mapping) => busy(&mapping),
        Refusal::Stale(mapping) => stale(&mapping),
        Refusal::BackendIdTaken(_) => {
            Failure::new(Code::BackendIdTaken, "the backend's object is mapped to another CMP object")
        }
        Refusal::UnknownOperation => Failure::new(Code::UnknownOperation, detail),
        Refusal::AlreadyDecided(operation) => Failure::new(
            Code::AlreadyDecided,
            format!("the operation is decided already: {}", operation.state.as_str()),
        )
        .operation(operation.id),
        Refusal::Unknown => Failure::new(Code::UnknownRoute, detail),
        Refusal::InUse(text) => Failure::new(Code::InUse, text),
    }
}

/// The object has no mapping.
pub(super) fn not_mapped() -> Failure {
    Failure::new(Code::NotMapped, "the object is not mapped: create it with PUT, or adopt an existing one with :adopt")
}

/// The object is mapped, and the caller demanded that it is not.
pub(super) fn already_mapped(mapping: &Mapping) -> Failure {
    Failure::new(
        Code::AlreadyMapped,
        format!(
            "the object is mapped already, to `{}`",
            mapping.backend_id.as_deref().unwrap_or("an id not known yet")
        ),
    )
}

/// The object is not in a state in which it can be changed.
pub(super) fn busy(mapping: &Mapping) -> Failure {
    let failure = match mapping.state {
        crate::mapping::MappingState::Unknown => Failure::new(
            Code::InDoubt,
            "an earlier operation on the object is in doubt: resolve it first (POST /v1/operations/{id}:resolve), or repeat it with its Idempotency-Key",
        ),
        state => {
            Failure::new(Code::ObjectBusy, format!("the object is {}: another operation is under way", state.as_str()))
                .retry(1)
        }
    };
    match mapping.operation {
        Some(id) => failure.operation(id),
        None => failure,
    }
}

/// The object changed between the look at its mapping and the intent.
pub(super) fn overtaken(mapping: &Mapping) -> Failure {
    let failure =
        Failure::new(Code::ObjectBusy, "another call changed the object at the same moment: try again").retry(1);
    match mapping.operation {
        Some(id) => failure.operation(id),
        None => failure,
    }
}

/// The object has another revision than the caller demanded.
pub(super) fn stale(mapping: &Mapping) -> Failure {
    Failure::new(Code::Stale, format!("the object has changed: its mapping's revision is {}", mapping.revision))
}

/// The spec does not fit the kind's schema.
pub(super) fn invalid_spec(errors: Vec<Violation>) -> Failure {
    let first = errors.first().map_or_else(String::new, |violation| format!(": {violation}"));
    Failure::new(Code::InvalidSpec, format!("the spec does not fit the schema{first}")).errors(errors)
}
