use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A refusal: `{"error": {"code", "message", "field", "id"}}`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: String::new(), id: None }
    }

    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        // serde_path_to_error calls the whole `.`.
        let field = field.trim_matches('.').to_owned();
        Self { field, ..Self::new(StatusCode::BAD_REQUEST, "invalid", message) }
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "X-Api-Key is missing or wrong")
    }

    pub fn not_found(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no rule `{id}`"))
    }

    pub fn duplicate(name: &str, id: &str) -> Self {
        Self {
            field: "name".to_owned(),
            id: Some(id.to_owned()),
            ..Self::new(StatusCode::CONFLICT, "duplicate-name", format!("rule `{id}` is called `{name}` already"))
        }
    }

    pub fn stale(revision: u64) -> Self {
        let message = format!("the rule has revision {revision}");
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", message)
    }

    /// What a fault answers on demand.
    pub fn on_demand(status: StatusCode) -> Self {
        let code = match status.as_u16() {
            429 => "throttled",
            503 => "unavailable",
            _ => "on-demand",
        };
        Self::new(status, code, "this reply was asked for")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self }))).into_response()
    }
}
