//! What callers are shown: the shapes of `/v1`, documented where they are made.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crosspoint_contract::Json;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;

use super::problem::ProblemBody;
use crate::mapping::{Labels, Mapping, MappingState, ObjectKey, Operation, OperationState, Resolution, ResolvedBy};
use crate::relay::Answer;
use crate::sent::Sent;

/// A mapping: (tenant, backend, kind, CMP id) ↔ (backend, kind, backend id).
#[derive(Debug, Serialize, JsonSchema)]
pub struct MappingBody {
    /// The tenant.
    pub tenant: String,
    /// The backend's name.
    pub backend: String,
    /// The kind of object.
    pub kind: String,
    /// The CMP's id.
    pub cmp_id: String,
    /// The backend's id; none until the backend gave one.
    pub backend_id: Option<String>,
    /// Where the object stands.
    pub state: MappingState,
    /// The log index of the last change.
    pub revision: u64,
    /// The revision that the backend gave.
    pub backend_revision: Option<String>,
    /// What marks the object at its backend, where the kind can carry a marker.
    pub marker: String,
    /// The caller's own marks.
    pub labels: Labels,
    /// What the driver asked to have kept.
    #[schemars(with = "serde_json::Value")]
    pub attributes: Json,
    /// The operation that is under way or in doubt.
    pub operation: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

impl From<Mapping> for MappingBody {
    fn from(mapping: Mapping) -> Self {
        let marker = mapping.key.marker();
        let ObjectKey { tenant, backend, kind, cmp_id } = mapping.key;
        Self {
            tenant,
            backend,
            kind,
            cmp_id,
            backend_id: mapping.backend_id,
            state: mapping.state,
            revision: mapping.revision,
            backend_revision: mapping.backend_revision,
            marker,
            labels: mapping.labels,
            attributes: mapping.attributes,
            operation: mapping.operation.map(|id| id.to_string()),
            created_at: time(mapping.created_at),
            updated_at: time(mapping.updated_at),
        }
    }
}

/// An operation: the record of one mutating call.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationBody {
    /// The operation's id.
    pub id: String,
    /// The tenant.
    pub tenant: String,
    /// The backend's name.
    pub backend: String,
    /// The kind of object; none for an action on the backend.
    pub kind: Option<String>,
    /// The CMP's id; none for an action on the backend.
    pub cmp_id: Option<String>,
    /// What was asked: `create`, `replace`, `update`, `delete`, `action:NAME`.
    pub verb: String,
    /// Where it stands.
    pub state: OperationState,
    /// Whether the exchange reached the backend.
    pub sent: Sent,
    /// Who asked: the name of the token.
    pub caller: String,
    /// What translated it: `name@version`.
    pub driver: String,
    /// The caller's key, if it gave one.
    pub idempotency_key: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// Until when the exchange may still take effect; RFC 3339.
    pub deadline: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
    /// What the driver made of the reply.
    #[schemars(with = "serde_json::Value")]
    pub result: Json,
    /// Why it failed, or why it is in doubt.
    pub problem: Option<ProblemBody>,
    /// How doubt ended, if there was any.
    pub resolution: Option<ResolutionBody>,
}

/// How doubt about an operation ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResolutionBody {
    /// What ended it.
    pub by: ResolvedBy,
    /// RFC 3339.
    pub at: String,
    /// Who asked.
    pub caller: String,
}

impl From<Operation> for OperationBody {
    fn from(operation: Operation) -> Self {
        Self {
            id: operation.id.to_string(),
            tenant: operation.tenant,
            backend: operation.backend,
            kind: Some(operation.kind).filter(|kind| !kind.is_empty()),
            cmp_id: operation.cmp_id,
            verb: operation.verb.to_string(),
            state: operation.state,
            sent: operation.sent,
            caller: operation.caller,
            driver: operation.driver,
            idempotency_key: operation.idempotency.map(|idempotency| idempotency.key),
            started_at: time(operation.started_at),
            deadline: time(operation.deadline),
            finished_at: operation.finished_at.map(time),
            result: operation.result,
            problem: operation.failure.as_ref().map(ProblemBody::from),
            resolution: operation.resolution.map(|Resolution { by, at, caller }| ResolutionBody {
                by,
                at: time(at),
                caller,
            }),
        }
    }
}

/// The answer of an object route.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnswerBody {
    /// The mapping as it is now; none if the object is gone, or none was asked about.
    pub mapping: Option<MappingBody>,
    /// What the driver made of the backend's reply.
    #[schemars(with = "serde_json::Value")]
    pub result: Json,
    /// The operation, for mutating calls.
    pub operation: Option<OperationBody>,
}

/// A list, a page of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give this as `cursor` to go on; none at the end.
    pub next_cursor: Option<String>,
}

/// An answer as a response. `created` says that a creation was asked for.
pub fn answer(answer: Answer) -> Response {
    use crosspoint_contract::Verb;
    let state = answer.operation.as_ref().map(|operation| operation.state);
    // What a resolution found was created earlier.
    let created = answer.operation.as_ref().is_some_and(|it| it.verb == Verb::Create && it.resolution.is_none());
    let status = match state {
        Some(OperationState::Pending) => StatusCode::ACCEPTED,
        Some(OperationState::Succeeded) if created && !answer.replayed => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let location = match (status, &answer.mapping, &answer.operation) {
        (StatusCode::CREATED, Some(mapping), _) => Some(object_path(&mapping.key)),
        (StatusCode::ACCEPTED, _, Some(operation)) => Some(format!("/v1/operations/{}", operation.id)),
        _ => None,
    };
    let body = AnswerBody {
        mapping: answer.mapping.map(MappingBody::from),
        result: answer.result,
        operation: answer.operation.map(OperationBody::from),
    };
    let mut response = (status, axum::Json(body)).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: Option<String>| {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, answer.etag.as_deref().map(entity_tag));
    set(header::LOCATION, location);
    if answer.replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn object_path(key: &ObjectKey) -> String {
    let encoded = utf8_percent_encode(&key.cmp_id, NON_ALPHANUMERIC);
    format!("/v1/backends/{}/objects/{}/{encoded}", key.backend, key.kind)
}

/// What an entity tag may not hold as it is (RFC 9110, section 8.8.3), and the sign that escapes it: a backend's own
/// revision may be any text, an ETag in its quotes for instance.
const OPAQUE: &AsciiSet = &CONTROLS.add(b'"').add(b' ').add(b'%');

/// A revision as an entity tag, in quotes.
pub fn entity_tag(revision: &str) -> String {
    format!("\"{}\"", utf8_percent_encode(revision, OPAQUE))
}

/// The revision of an entity tag that [`entity_tag`] made.
pub fn revision(entity_tag: &str) -> Option<String> {
    let escaped = entity_tag.trim().strip_prefix('"')?.strip_suffix('"')?;
    if escaped.contains('"') {
        return None;
    }
    percent_decode_str(escaped).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A time as RFC 3339, UTC, with milliseconds.
pub fn time(milliseconds: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_millis(time).to_string()
}
