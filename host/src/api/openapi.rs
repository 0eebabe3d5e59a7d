//! The OpenAPI 3.1 document: the routes, and for each configured backend the kinds of its driver with their schemas.
//!
//! It is made anew whenever a driver is published or a backend changes, and kept until then.

mod generic;
mod specific;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use crosspoint_contract::Description;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::App;
use super::access::Access;
use super::problem::Problem;
use crate::auth::{Permission, Principal};
pub use generic::operations;

/// What the document is, to HTTP.
const MEDIA_TYPE: &str = "application/vnd.oai.openapi+json";

/// The document as it was last made, and what it was made of.
#[derive(Default)]
pub struct Document(ArcSwapOption<Made>);

struct Made {
    of: (u64, u64),
    text: Bytes,
}

/// `GET /openapi.json`. Drivers' schemas tell which systems there are, so it needs a token, and shows what that reaches.
pub async fn serve(State(app): State<App>, access: Access) -> Result<impl IntoResponse, Problem> {
    let principal = access.principal();
    let text = if principal.backends.is_some() || principal.kinds.is_some() {
        Bytes::from(document(&app, principal).to_string())
    } else {
        whole(&app, principal)
    };
    Ok(([(header::CONTENT_TYPE, format!("{MEDIA_TYPE};version=3.1"))], text))
}

/// The document for those who reach everything, kept for as long as it is true.
fn whole(app: &App, principal: &Principal) -> Bytes {
    let of = app.relay.publications();
    match app.openapi.0.load_full() {
        Some(made) if made.of == of => made.text.clone(),
        _ => {
            let text = Bytes::from(document(app, principal).to_string());
            app.openapi.0.store(Some(Arc::new(Made { of, text: text.clone() })));
            text
        }
    }
}

/// What a principal reaches of a driver's abilities at a backend.
fn reached(principal: &Principal, backend: &str, description: &Description) -> Description {
    let mut reached = description.clone();
    reached.kinds.retain(|kind| principal.may(Permission::ReadObjects { backend, kind: &kind.name }).is_ok());
    if principal.kinds.is_some() || principal.backends.as_ref().is_some_and(|backends| !backends.contains(backend)) {
        reached.actions.clear();
    }
    reached
}

fn document(app: &App, principal: &Principal) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths = Map::new();
    for operation in operations() {
        let value = operation.render(&mut generator);
        for (path, method) in operation.addresses() {
            let entry = paths.entry(path).or_insert_with(|| json!({}));
            if let Some(methods) = entry.as_object_mut() {
                methods.insert(method.to_owned(), value.clone());
            }
        }
    }
    for view in app.relay.backends() {
        if let Some(generation) = app.relay.registry().get(&view.settings.driver) {
            let description = reached(principal, &view.name, generation.description());
            specific::add(&mut paths, &mut generator, &view.name, &description);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Crosspoint",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "One call in, one call out, and the mapping kept.",
            "description": "Every object route makes exactly one exchange with its backend, or none if it is refused first. Every problem says whether the backend was reached (`sent`) and whether the same call may be tried again (`retryable`).",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": generator.take_definitions(true),
        },
    })
}
