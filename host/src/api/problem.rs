//! The one place where failures become responses: RFC 9457 problems.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crosspoint_contract::Violation;
use schemars::JsonSchema;
use serde::Serialize;

use crate::mapping::{Code, Failure};
use crate::sent::Sent;

/// Longest text of a problem, in bytes: a driver, and so a backend, decides what many of them say.
const TEXT: usize = 2048;
/// Most things that a problem lists as wrong.
const ERRORS: usize = 32;

/// A failure on its way to the caller.
#[derive(Clone, Debug)]
pub struct Problem(pub Failure);

/// The body of a problem (RFC 9457), `application/problem+json`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProblemBody {
    /// `urn:crosspoint:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What sort of failure it is, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do next.
    pub detail: String,
    /// The failure's name, for programs.
    pub code: Code,
    /// Whether the backend was reached.
    pub sent: Sent,
    /// Whether the same call may succeed if it is simply tried again.
    pub retryable: bool,
    /// Seconds to wait before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The operation that this is about: its own, or the one in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// The status that the backend gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_status: Option<u16>,
    /// What is wrong, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub errors: Vec<ProblemError>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProblemError {
    /// JSON Pointer (RFC 6901) into the spec, or into the request's body where that is what is wrong.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<&Failure> for ProblemBody {
    fn from(failure: &Failure) -> Self {
        let (status, title) = status(failure.code);
        Self {
            kind: format!("urn:crosspoint:problem:{}", failure.code.to_string().replace('_', "-")),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: shortened(&failure.detail),
            code: failure.code,
            sent: failure.sent,
            retryable: failure.retryable,
            retry_after: failure.retry_after,
            operation_id: failure.operation_id.map(|id| id.to_string()),
            backend_status: failure.backend_status,
            errors: failure.errors.iter().take(ERRORS).map(ProblemError::from).collect(),
        }
    }
}

impl From<&Violation> for ProblemError {
    fn from(violation: &Violation) -> Self {
        Self { pointer: shortened(&violation.pointer), message: shortened(&violation.message) }
    }
}

/// As much of a text as a problem has room for.
fn shortened(text: &str) -> String {
    match text.get(..text.floor_char_boundary(TEXT)) {
        Some(beginning) if beginning.len() < text.len() => format!("{beginning}…"),
        _ => text.to_owned(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(failure) = self;
        let (status, _) = status(failure.code);
        let mut response = (status, Json(ProblemBody::from(&failure))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = failure.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if failure.replayed {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"crosspoint\""));
        }
        response
    }
}

/// The HTTP status and the title of each code.
pub(super) fn status(code: Code) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match code {
        Code::InvalidRequest => (S::BAD_REQUEST, "The request is malformed"),
        Code::InvalidSpec => (S::UNPROCESSABLE_ENTITY, "The content is not valid"),
        Code::Unauthenticated => (S::UNAUTHORIZED, "A valid token is needed"),
        Code::Forbidden => (S::FORBIDDEN, "The token does not allow this"),
        Code::TooManyAttempts => (S::TOO_MANY_REQUESTS, "Too many failed attempts to authenticate"),
        Code::UnknownBackend => (S::NOT_FOUND, "No such backend"),
        Code::UnknownDriver => (S::NOT_FOUND, "No such driver"),
        Code::UnknownKind => (S::NOT_FOUND, "No such kind"),
        Code::UnknownAction => (S::NOT_FOUND, "No such action"),
        Code::UnknownOperation => (S::NOT_FOUND, "No such operation"),
        Code::UnknownRoute => (S::NOT_FOUND, "No such route"),
        Code::NotMapped => (S::NOT_FOUND, "The object is not mapped"),
        Code::UnsupportedVerb => (S::METHOD_NOT_ALLOWED, "The kind cannot do this"),
        Code::AlreadyMapped => (S::PRECONDITION_FAILED, "The object is mapped already"),
        Code::Stale => (S::PRECONDITION_FAILED, "The object has another revision"),
        Code::ObjectBusy => (S::CONFLICT, "Another operation is under way"),
        Code::InDoubt => (S::CONFLICT, "An operation is in doubt"),
        Code::IdempotencyInFlight => (S::CONFLICT, "The first call is still under way"),
        Code::IdempotencyMismatch => (S::UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another request"),
        Code::IdempotencyKeyRequired => (S::BAD_REQUEST, "An Idempotency-Key is required"),
        Code::IdempotencyFull => (S::SERVICE_UNAVAILABLE, "No more Idempotency-Keys can be kept"),
        Code::BackendIdTaken => (S::CONFLICT, "The backend's object is mapped to another CMP object"),
        Code::AlreadyDecided => (S::CONFLICT, "The operation is decided"),
        Code::NotResolvable => (S::CONFLICT, "The operation cannot be resolved in this way"),
        Code::NotExecuted => (S::CONFLICT, "The operation was never executed"),
        Code::Ambiguous => (S::CONFLICT, "Several objects answer to the operation"),
        Code::InUse => (S::CONFLICT, "It is in use"),
        Code::QueueFull => (S::TOO_MANY_REQUESTS, "The backend's queue is full"),
        Code::QueueTimeout => (S::SERVICE_UNAVAILABLE, "The backend is too busy"),
        Code::BackendNotFound => (S::NOT_FOUND, "The backend does not have the object"),
        Code::BackendAlreadyExists => (S::CONFLICT, "The backend has the object already"),
        Code::BackendConflict => (S::CONFLICT, "The backend's state forbids it"),
        Code::BackendUnauthenticated => (S::BAD_GATEWAY, "The backend does not accept Crosspoint's credentials"),
        Code::BackendDenied => (S::BAD_GATEWAY, "The backend does not allow it to Crosspoint's credentials"),
        Code::BackendThrottled => (S::SERVICE_UNAVAILABLE, "The backend asks for fewer calls"),
        Code::BackendUnavailable => (S::SERVICE_UNAVAILABLE, "The backend cannot serve now"),
        Code::BackendRejected => (S::UNPROCESSABLE_ENTITY, "The backend refused"),
        Code::BackendMalformedReply => (S::BAD_GATEWAY, "The backend's reply makes no sense"),
        Code::BackendFault => (S::BAD_GATEWAY, "The backend failed"),
        Code::BackendUnreachable => (S::BAD_GATEWAY, "The backend cannot be reached"),
        Code::BackendConnectionLost => (S::BAD_GATEWAY, "The connection to the backend broke"),
        Code::BackendTimeout => (S::GATEWAY_TIMEOUT, "The backend did not answer in time"),
        Code::DriverUnavailable => (S::SERVICE_UNAVAILABLE, "The driver is not available"),
        Code::DriverFailed => (S::BAD_GATEWAY, "The driver failed"),
        Code::DriverRefused => (S::BAD_GATEWAY, "The driver made an exchange that may not be sent"),
        Code::DriverRejected => (S::UNPROCESSABLE_ENTITY, "The package is not accepted"),
        Code::Interrupted => (S::SERVICE_UNAVAILABLE, "The call was interrupted"),
        Code::StoreUnavailable => (S::SERVICE_UNAVAILABLE, "The store is not available"),
        Code::NotPrimary => (S::SERVICE_UNAVAILABLE, "This node is not the primary"),
        Code::Draining => (S::SERVICE_UNAVAILABLE, "Crosspoint is shutting down"),
        Code::EventsCompacted => (S::GONE, "The events are no longer kept"),
        Code::TooLarge => (S::PAYLOAD_TOO_LARGE, "The body is too long"),
        Code::RequestTimeout => (S::REQUEST_TIMEOUT, "The body did not come in time"),
        Code::Internal => (S::INTERNAL_SERVER_ERROR, "A defect in Crosspoint"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// Every code with its status.
    fn codes() -> BTreeMap<String, String> {
        let schema = schemars::schema_for!(Code).to_value();
        let each = schema["oneOf"].as_array().unwrap().iter().map(|variant| variant["const"].clone());
        each.map(|code: Value| {
            let (status, _) = status(serde_json::from_value(code.clone()).unwrap());
            (code.as_str().unwrap().to_owned(), status.as_str().to_owned())
        })
        .collect()
    }

    #[test]
    fn callers_are_told_every_code_with_its_status() {
        let text = include_str!("../../../docs/callers.md");
        let (_, problems) = text.split_once("\n## Problems\n").unwrap();
        let row = |line: &str| {
            let (code, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((code.to_owned(), rest.split(' ').next()?.to_owned()))
        };
        let rows: Vec<_> = problems.lines().filter_map(row).collect();
        assert_eq!(rows.len(), codes().len(), "a code stands there twice, or is missing");
        assert_eq!(rows.into_iter().collect::<BTreeMap<_, _>>(), codes());
    }
}
