//! Any failure as a response: a problem as RFC 9457 has it, with the headers that belong to it, and of a bounded size,
//! whatever a driver or a backend said.

use axum::http::header;
use axum::response::IntoResponse;
use crosspoint::api::Problem;
use crosspoint::mapping::{Code, Failure, OperationId};
use crosspoint::sent::Sent;
use crosspoint_contract::Violation;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::input::Input;

/// No caller is sent more, whatever went wrong; so much only where all of it are control characters, six for one.
const LARGEST: usize = 1024 * 1024;

/// Any bytes as a failure.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let failure = Failure {
        code: input.choice(&codes()),
        detail: input.long_text(),
        sent: input.choice(&[Sent::No, Sent::Maybe, Sent::Yes]),
        retryable: input.flag(),
        retry_after: input.flag().then(|| u32::from_be_bytes([input.byte(), input.byte(), input.byte(), input.byte()])),
        backend_status: input.flag().then(|| u16::from_be_bytes([input.byte(), input.byte()])),
        operation_id: input.flag().then(|| OperationId::from_bytes([input.byte(); 16])),
        replayed: input.flag(),
        errors: violations(&mut input),
    };
    let response = Problem(failure.clone()).into_response();
    let (head, body) = response.into_parts();
    let header = |name| head.headers.get(name).map(|value| value.to_str().expect("a header of text"));
    assert!(head.status.is_client_error() || head.status.is_server_error());
    assert_eq!(header(header::CONTENT_TYPE), Some("application/problem+json"));
    assert_eq!(header(header::RETRY_AFTER), failure.retry_after.map(|seconds| seconds.to_string()).as_deref());
    assert_eq!(header(header::WWW_AUTHENTICATE).is_some(), head.status.as_u16() == 401);
    assert_eq!(head.headers.contains_key("idempotency-replayed"), failure.replayed);

    let body = body.collect().now_or_never().expect("a problem is there at once").unwrap().to_bytes();
    assert!(body.len() <= LARGEST, "a problem of {} bytes", body.len());
    let body: Value = serde_json::from_slice(&body).expect("a problem is JSON");
    well_formed(&body, head.status.as_u16());
    let code = serde_json::to_value(failure.code).unwrap();
    assert_eq!(body["code"], code);
    let kind = format!("urn:crosspoint:problem:{}", code.as_str().unwrap().replace('_', "-"));
    assert_eq!(body["type"], kind, "a type is a URI");
    assert_eq!((&body["sent"], &body["retryable"]), (&failure.sent.as_str().into(), &failure.retryable.into()));
    assert_eq!(body["retry_after"].as_u64(), failure.retry_after.map(u64::from));
    assert_eq!(body["backend_status"].as_u64(), failure.backend_status.map(u64::from));
    assert_eq!(body["operation_id"].as_str(), failure.operation_id.map(|id| id.to_string()).as_deref());
    let shown = body["detail"].as_str().unwrap();
    let whole = shown == failure.detail || failure.detail.starts_with(shown.trim_end_matches('…'));
    assert!(whole, "what is told is what was said, or its beginning");
    for (error, violation) in body["errors"].as_array().into_iter().flatten().zip(&failure.errors) {
        let pointer = error["pointer"].as_str().unwrap();
        assert!(violation.pointer.starts_with(pointer.trim_end_matches('…')), "{pointer}");
    }
}

/// A problem as every caller may count on it.
pub fn well_formed(body: &Value, status: u16) {
    assert_eq!(body["status"], status);
    for member in ["type", "title", "detail", "code", "sent"] {
        assert!(body[member].is_string(), "{member} is missing: {body}");
    }
    assert!(!body["title"].as_str().unwrap().is_empty() && body["retryable"].is_boolean(), "{body}");
}

fn violations(input: &mut Input<'_>) -> Vec<Violation> {
    let violation = Violation { pointer: input.long_text(), message: input.long_text() };
    vec![violation; usize::from(input.byte())]
}

/// Every code, as the API names them.
fn codes() -> Vec<Code> {
    let schema = schemars::schema_for!(Code).to_value();
    let names = schema["oneOf"].as_array().unwrap().iter().map(|variant| variant["const"].clone());
    names.map(|name| serde_json::from_value(name).unwrap()).collect()
}
