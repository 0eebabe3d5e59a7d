//! The appliance's API.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::Shared;
use crate::error::ApiError;
use crate::journal::Effect;
use crate::rule::{Rule, RuleSpec};

type Api = State<Arc<Shared>>;

pub(crate) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let rule = get(read).put(replace).patch(update).delete(delete);
    Router::new()
        .route("/api/v1/rules", get(list).post(create))
        .route("/api/v1/rules/{id}", rule)
        .route("/api/v1/rules/{id}/hit-count:reset", post(reset_hits))
        .route("/api/v1/commit", post(commit))
        .route("/api/v1/status", get(status))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), authenticate))
}

async fn authenticate(State(shared): Api, request: Request, next: Next) -> Response {
    let given = request.headers().get("x-api-key").and_then(|key| key.to_str().ok());
    if shared.key.is_some() && shared.key.as_deref() != given {
        return ApiError::unauthorized().into_response();
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    comment: String,
    after: Option<String>,
    limit: Option<usize>,
}

async fn list(State(shared): Api, Query(page): Query<Page>) -> Response {
    let limit = page.limit.unwrap_or(100).clamp(1, 1000);
    let (rules, more) = shared.store.lock().page(&page.comment, page.after.as_deref(), limit);
    let next = rules.last().filter(|_| more).map(|rule| rule.id.clone());
    Json(json!({ "rules": rules, "next": next })).into_response()
}

async fn create(State(shared): Api, body: Bytes) -> Result<Response, ApiError> {
    let rule = shared.store.lock().create(RuleSpec::from_json(&body)?)?;
    let location = [(header::LOCATION, format!("/api/v1/rules/{}", rule.id))];
    let effect = Extension(Effect { created: Some(rule.id.clone()) });
    Ok((StatusCode::CREATED, location, effect, show(rule)).into_response())
}

async fn read(State(shared): Api, Path(id): Path<String>) -> Result<Response, ApiError> {
    Ok(show(shared.store.lock().get(&id)?))
}

async fn replace(State(shared): Api, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Changed {
    shared.store.lock().change(&id, if_match(&headers), |_| RuleSpec::from_json(&body)).map(changed)
}

async fn update(State(shared): Api, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Changed {
    shared.store.lock().change(&id, if_match(&headers), |spec| spec.patched(&body)).map(changed)
}

async fn delete(State(shared): Api, Path(id): Path<String>, headers: HeaderMap) -> Changed {
    shared.store.lock().delete(&id, if_match(&headers))?;
    Ok((Extension(Effect::default()), StatusCode::NO_CONTENT.into_response()))
}

async fn reset_hits(State(shared): Api, Path(id): Path<String>) -> Changed {
    shared.store.lock().reset_hits(&id).map(changed)
}

async fn commit(State(shared): Api) -> Changed {
    let commits = shared.store.lock().commit();
    Ok((Extension(Effect::default()), Json(json!({ "commit": commits })).into_response()))
}

async fn status(State(shared): Api) -> Response {
    let store = shared.store.lock();
    Json(json!({ "model": "FW-1", "rules": store.all().len(), "commits": store.commits() })).into_response()
}

type Changed = Result<(Extension<Effect>, Response), ApiError>;

fn changed(rule: Rule) -> (Extension<Effect>, Response) {
    (Extension(Effect::default()), show(rule))
}

fn show(rule: Rule) -> Response {
    ([(header::ETAG, rule.etag())], Json(rule)).into_response()
}

fn if_match(headers: &HeaderMap) -> Option<&str> {
    // A tag that is no text matches nothing, rather than everything.
    headers.get(header::IF_MATCH).map(|tag| tag.to_str().unwrap_or_default())
}
