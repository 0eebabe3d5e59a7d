//! Health and metrics: for machines that watch, without a token, and telling nothing that needs one.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::access::Access;
use super::problem::Problem;
use crate::auth::Permission;
use crate::sync::Role;
use crate::telemetry::Metrics;

/// How it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HealthBody {
    /// `ok` or `primary`; else why not.
    pub status: &'static str,
}

/// `GET /livez`: the process serves HTTP.
pub async fn live() -> impl IntoResponse {
    axum::Json(HealthBody { status: "ok" })
}

/// `GET /readyz`: calls can be served.
pub async fn ready(State(app): State<App>) -> impl IntoResponse {
    let status = app.relay.store().status();
    let (code, word) = match (&status.error, app.is_draining()) {
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (Some(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "store failed"),
        (None, false) => (StatusCode::OK, "ok"),
    };
    (code, axum::Json(HealthBody { status: word }))
}

/// `GET /leaderz`: this node acts on mutating calls. The address that callers use should point here.
pub async fn leader(State(app): State<App>) -> impl IntoResponse {
    let status = app.relay.store().status();
    let acts = status.role == Role::Primary && status.error.is_none() && !app.is_draining();
    let (code, word) =
        if acts { (StatusCode::OK, "primary") } else { (StatusCode::SERVICE_UNAVAILABLE, "not primary") };
    (code, axum::Json(HealthBody { status: word }))
}

/// `GET /metrics`: OpenMetrics text. It names backends and drivers, so it needs a token that may see them.
pub async fn metrics(State(app): State<App>, access: Access) -> Result<impl IntoResponse, Problem> {
    access.require(Permission::ReadSystem)?;
    app.relay.sample_gauges()?;
    let text = app.relay.metrics().render();
    Ok(([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], text))
}
