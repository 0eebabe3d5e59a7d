//! Objects at backends: the routes that make one exchange each.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::App;
use super::access::Access;
use super::extract::{Conditions, Input, Params, Path, malformed};
use super::problem::Problem;
use super::render;
use crate::auth::Permission;
use crate::mapping::{Code, Failure, Labels, ObjectKey, valid_id};
use crate::relay::{Method, ObjectCall};

/// The body of a mutating call.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectInput {
    /// What the object shall be like; its schema depends on the kind.
    pub spec: Value,
    /// The caller's own marks on the mapping; left out, they stay as they are.
    pub labels: Option<Labels>,
}

/// The body of `:adopt`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptInput {
    /// The backend's id of the object to bind.
    pub backend_id: String,
    /// The caller's own marks on the mapping.
    #[serde(default)]
    pub labels: Labels,
}

/// The query of an object route.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectQuery {
    /// The tenant, for tokens that are bound to none.
    pub tenant: Option<String>,
    /// Show the exchange, make none.
    pub dry_run: bool,
}

/// The query of a list of objects.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListQuery {
    /// The tenant, for tokens that are bound to none.
    pub tenant: Option<String>,
    /// How many objects at most.
    pub limit: Option<u32>,
    /// `next_page` of the page before.
    pub page: Option<String>,
}

/// A page of what the backend has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListingBody {
    /// The objects.
    pub items: Vec<ListedBody>,
    /// Give this as `page` to go on; none at the end.
    pub next_page: Option<String>,
}

/// One object of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedBody {
    /// The backend's id.
    pub backend_id: String,
    /// The backend's revision.
    pub revision: Option<String>,
    /// The CMP's id, if the object is mapped.
    pub cmp_id: Option<String>,
    /// What the driver made of it.
    #[schemars(with = "serde_json::Value")]
    pub result: crosspoint_contract::Json,
}

/// What a dry run shows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DryRunBody {
    /// Always true.
    pub dry_run: bool,
    /// What the call would be for the driver.
    pub verb: String,
    /// The exchange that would be made.
    pub exchange: ExchangeBody,
}

/// An exchange, secrets as `***`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExchangeBody {
    /// The endpoint's role.
    pub endpoint: String,
    /// The HTTP method, where the protocol is HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The whole address.
    pub url: String,
    /// (name, value).
    pub headers: Vec<(String, String)>,
    /// The body: JSON where it is JSON, text where it is text, else its length in words; null if there is none.
    pub body: Value,
}

/// `PUT …/objects/{kind}/{cmp_id}`.
pub async fn put(
    app: State<App>,
    access: Access,
    path: Path,
    query: Params<ObjectQuery>,
    conditions: Conditions,
    input: Input<ObjectInput>,
) -> Result<Response, Problem> {
    change(app, access, &path, query, conditions, input, Method::Put).await
}

/// `PATCH …/objects/{kind}/{cmp_id}`.
pub async fn patch(
    app: State<App>,
    access: Access,
    path: Path,
    query: Params<ObjectQuery>,
    conditions: Conditions,
    input: Input<ObjectInput>,
) -> Result<Response, Problem> {
    change(app, access, &path, query, conditions, input, Method::Patch).await
}

/// `DELETE …/objects/{kind}/{cmp_id}`.
pub async fn delete(
    app: State<App>,
    access: Access,
    path: Path,
    query: Params<ObjectQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    change(app, access, &path, query, conditions, Input(ObjectInput::default()), Method::Delete).await
}

/// `GET …/objects/{kind}/{cmp_id}`.
pub async fn get(
    app: State<App>,
    access: Access,
    path: Path,
    query: Params<ObjectQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    change(app, access, &path, query, conditions, Input(ObjectInput::default()), Method::Get).await
}

/// `POST …/objects/{kind}/{cmp_id}/actions/{action}`.
pub async fn action(
    app: State<App>,
    access: Access,
    path: Path,
    query: Params<ObjectQuery>,
    conditions: Conditions,
    input: Input<ObjectInput>,
) -> Result<Response, Problem> {
    let method = Method::Action(path.text("action").to_owned());
    change(app, access, &path, query, conditions, input, method).await
}

async fn change(
    State(app): State<App>,
    access: Access,
    path: &Path,
    Params(query): Params<ObjectQuery>,
    conditions: Conditions,
    Input(input): Input<ObjectInput>,
    method: Method,
) -> Result<Response, Problem> {
    let (backend, kind) = (path.name("backend")?, path.name("kind")?);
    access.require(match method {
        Method::Get => Permission::ReadObjects { backend, kind },
        _ => Permission::ChangeObjects { backend, kind: Some(kind) },
    })?;
    let object = Some((kind.to_owned(), path.id("cmp_id")?.to_owned()));
    perform(&app, &access, backend, object, query, conditions, input, method).await
}

/// `POST /v1/backends/{backend}/actions/{action}`.
pub async fn backend_action(
    State(app): State<App>,
    access: Access,
    path: Path,
    Params(query): Params<ObjectQuery>,
    conditions: Conditions,
    Input(input): Input<ObjectInput>,
) -> Result<Response, Problem> {
    let backend = path.name("backend")?;
    access.require(Permission::ChangeObjects { backend, kind: None })?;
    let method = Method::Action(path.text("action").to_owned());
    perform(&app, &access, backend, None, query, conditions, input, method).await
}

#[allow(clippy::too_many_arguments, reason = "the parts of one request, each extracted by its own type")]
async fn perform(
    app: &App,
    access: &Access,
    backend: &str,
    object: Option<(String, String)>,
    query: ObjectQuery,
    conditions: Conditions,
    input: ObjectInput,
    method: Method,
) -> Result<Response, Problem> {
    if let Some(labels) = &input.labels {
        check_labels(labels)?;
    }
    let is_action = matches!(method, Method::Action(_));
    if is_action && !query.dry_run && conditions.idempotency_key.is_none() {
        let text = "an action needs an Idempotency-Key header, so that a retry is not a second action";
        return Err(Problem(Failure::new(Code::IdempotencyKeyRequired, text)));
    }
    let spec = if is_action && input.spec.is_null() { Value::Object(serde_json::Map::new()) } else { input.spec };
    let call = ObjectCall {
        caller: access.caller(query.tenant.as_deref())?,
        backend: backend.to_owned(),
        object,
        method,
        spec,
        labels: input.labels,
        precondition: conditions.precondition,
        idempotency_key: conditions.idempotency_key,
    };
    if query.dry_run {
        return Ok(axum::Json(Box::pin(dry_run(app, call)).await?).into_response());
    }
    Ok(render::answer(app.relay.call(call).await?))
}

async fn dry_run(app: &App, call: ObjectCall) -> Result<DryRunBody, Problem> {
    let dry_run = app.relay.dry_run(call).await?;
    let rendered = dry_run.rendered;
    Ok(DryRunBody {
        dry_run: true,
        verb: dry_run.verb.to_string(),
        exchange: ExchangeBody {
            endpoint: dry_run.endpoint,
            method: rendered.method,
            url: rendered.url,
            headers: rendered
                .headers
                .iter()
                .map(|header| (header.name.clone(), String::from_utf8_lossy(&header.value).into_owned()))
                .collect(),
            body: shown(rendered.body.as_ref()),
        },
    })
}

fn shown(body: &[u8]) -> Value {
    match (body.is_empty(), serde_json::from_slice(body), std::str::from_utf8(body)) {
        (true, ..) => Value::Null,
        (_, Ok(json), _) => json,
        (_, _, Ok(text)) => Value::from(text),
        _ => Value::from(format!("{} bytes", body.len())),
    }
}

/// `GET …/objects/{kind}`.
pub async fn list(
    State(app): State<App>,
    access: Access,
    path: Path,
    Params(query): Params<ListQuery>,
) -> Result<axum::Json<ListingBody>, Problem> {
    let (backend, kind) = (path.name("backend")?.to_owned(), path.name("kind")?.to_owned());
    access.require(Permission::ReadObjects { backend: &backend, kind: &kind })?;
    let caller = access.caller(query.tenant.as_deref())?;
    let relay = app.relay.clone();
    let listing =
        app.relay.detached(async move { relay.list(&caller, &backend, &kind, query.page, query.limit).await }).await?;
    let items = listing.items.into_iter().map(|item| ListedBody {
        backend_id: item.backend_id,
        revision: item.revision,
        cmp_id: item.cmp_id,
        result: item.result,
    });
    Ok(axum::Json(ListingBody { items: items.collect(), next_page: listing.next_page }))
}

/// `POST …/objects/{kind}/{cmp_id}:adopt` and `:release`.
pub async fn command(
    State(app): State<App>,
    access: Access,
    path: Path,
    Params(query): Params<ObjectQuery>,
    Input(input): Input<Value>,
) -> Result<Response, Problem> {
    let (backend, kind) = (path.name("backend")?, path.name("kind")?);
    let Some((cmp_id, verb)) = path.command("cmp_id") else {
        return Err(unknown_command(path.text("cmp_id")));
    };
    valid_id(cmp_id).map_err(|error| malformed(format!("the id in the path is not acceptable: {error}")))?;
    access.require(Permission::ChangeObjects { backend, kind: Some(kind) })?;
    let tenant = access.caller(query.tenant.as_deref())?.tenant;
    let key = ObjectKey { tenant, backend: backend.to_owned(), kind: kind.to_owned(), cmp_id: cmp_id.to_owned() };
    let relay = app.relay.clone();
    let answer = match verb {
        "adopt" => {
            // Whoever adopts may bind any object of the backend, other tenants' too.
            access.require(Permission::ChangeSystem)?;
            let AdoptInput { backend_id, labels } = super::extract::parse(input.to_string().as_bytes())?;
            valid_id(&backend_id).map_err(|error| malformed(format!("the backend's id is not acceptable: {error}")))?;
            check_labels(&labels)?;
            app.relay.detached(async move { relay.adopt(key, backend_id, labels).await }).await?
        }
        "release" => app.relay.detached(async move { relay.release(key).await }).await?,
        other => return Err(unknown_command(other)),
    };
    Ok(render::answer(answer))
}

fn unknown_command(verb: &str) -> Problem {
    Problem(Failure::new(
        Code::UnknownRoute,
        format!("POST to an object is `:adopt`, `:release` or `/actions/NAME`, not `{verb}`"),
    ))
}

fn check_labels(labels: &Labels) -> Result<(), Problem> {
    if labels.len() > 64 {
        return Err(malformed("a mapping may have 64 labels at most"));
    }
    for (name, value) in labels {
        let checked = valid_id(name).and_then(|()| if value.is_empty() { Ok(()) } else { valid_id(value) });
        checked.map_err(|error| malformed(format!("label `{}` is not acceptable: {error}", name.escape_debug())))?;
    }
    Ok(())
}
