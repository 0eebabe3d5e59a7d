//! The simulation's own side, for those who run the appliance as a process. No key is wanted, nothing is recorded.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use crate::Shared;
use crate::fault::{Fault, Moment};
use crate::journal::Request;
use crate::store::Store;

type Sim = State<Arc<Shared>>;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sim/requests", get(requests))
        .route("/_sim/reset", post(reset))
        .route("/_sim/next", post(next))
        .route("/_sim/hold", post(hold))
        .route("/_sim/release", post(release))
}

async fn requests(State(shared): Sim) -> Json<Vec<Request>> {
    Json(shared.journal.all())
}

async fn reset(State(shared): Sim) -> StatusCode {
    *shared.store.lock() = Store::default();
    shared.faults.clear();
    shared.journal.clear();
    StatusCode::NO_CONTENT
}

async fn next(State(shared): Sim, Json(fault): Json<Fault>) -> StatusCode {
    shared.faults.arm(fault);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Hold {
    at: Moment,
}

async fn hold(State(shared): Sim, Json(hold): Json<Hold>) -> StatusCode {
    shared.faults.hold(hold.at);
    StatusCode::NO_CONTENT
}

async fn release(State(shared): Sim) -> StatusCode {
    shared.faults.release();
    StatusCode::NO_CONTENT
}
