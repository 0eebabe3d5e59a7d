//! Every route, in one table: the router is made of it, and so is the OpenAPI document.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use super::problem::Problem;
use super::{App, backends, drivers, events, health, mappings, objects, openapi};
use crate::mapping::{Code, Failure};
use crate::telemetry::{REQUEST_ID, RequestId};

/// The path of every route with its handlers. What each operation means stands in `openapi`, under the same path.
fn table() -> Vec<(&'static str, MethodRouter<App>)> {
    use super::operations as ops;
    vec![
        ("/v1/backends", get(backends::list)),
        (
            "/v1/backends/{backend}",
            get(backends::get).merge(put(backends::put)).merge(delete(backends::remove)).merge(post(backends::command)),
        ),
        ("/v1/backends/{backend}/actions/{action}", post(objects::backend_action)),
        ("/v1/backends/{backend}/objects/{kind}", get(objects::list)),
        (
            "/v1/backends/{backend}/objects/{kind}/{cmp_id}",
            get(objects::get)
                .merge(put(objects::put))
                .merge(patch(objects::patch))
                .merge(delete(objects::delete))
                .merge(post(objects::command)),
        ),
        ("/v1/backends/{backend}/objects/{kind}/{cmp_id}/actions/{action}", post(objects::action)),
        ("/v1/mappings", get(mappings::list)),
        ("/v1/mappings:lookup", post(mappings::lookup)),
        ("/v1/operations", get(ops::list)),
        ("/v1/operations/{id}", get(ops::get).merge(post(ops::command))),
        ("/v1/events", get(events::stream)),
        ("/v1/drivers", get(drivers::list).merge(post(drivers::load))),
        ("/v1/drivers/{driver}", get(drivers::get).merge(delete(drivers::remove)).merge(post(drivers::command))),
        ("/livez", get(health::live)),
        ("/readyz", get(health::ready)),
        ("/leaderz", get(health::leader)),
        ("/metrics", get(health::metrics)),
        ("/openapi.json", get(openapi::serve)),
    ]
}

/// The router of the whole API.
pub fn router(app: App) -> Router {
    let routes = table().into_iter().fold(Router::new(), |router, (path, handlers)| router.route(path, handlers));
    routes
        .fallback(unknown)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

async fn unknown() -> Problem {
    Problem(Failure::new(Code::UnknownRoute, "there is no such route; /openapi.json lists them all"))
}

async fn unknown_method() -> Problem {
    Problem(Failure::new(
        Code::UnsupportedVerb,
        "the route does not take this method; /openapi.json lists what it takes",
    ))
}

/// Gives each request an id, counts it, and logs it.
async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    use tracing::Instrument;
    let id = RequestId::from_headers(request.headers());
    let route =
        request.extensions().get::<axum::extract::MatchedPath>().map_or("unmatched", |path| path.as_str()).to_owned();
    let span = tracing::info_span!("request", id = id.as_str(), method = %request.method(), route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    app.relay.metrics().request(&route, status.as_u16());
    span.in_scope(|| tracing::debug!(status = status.as_u16(), "answered"));
    response.headers_mut().insert(REQUEST_ID, id.header_value());
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response.into_response()
}

/// The documented operations must be exactly those that the router has; a test compares the two.
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::openapi::operations;

    #[test]
    fn every_route_is_documented_and_every_documented_route_exists() {
        let routed: BTreeSet<&str> = table().into_iter().map(|(path, _)| path).collect();
        let documented: BTreeSet<String> = operations().iter().map(|operation| operation.route.to_owned()).collect();
        assert_eq!(routed, documented.iter().map(String::as_str).collect());
    }
}
