//! Operations: the record of each mutating call, and the ways to end doubt.

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::App;
use super::access::Access;
use super::extract::{Input, Params, Path, malformed};
use super::mappings::{of_list, page_size};
use super::problem::Problem;
use super::render::{self, List, OperationBody};
use crate::auth::Permission;
use crate::mapping::query::{self, OperationFilter};
use crate::mapping::{Code, Failure, Operation, OperationId, OperationState};
use crate::relay::Decision;
use crate::sync::ReplicaExt;

/// The query of a list of operations; what is left out does not narrow.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OperationQuery {
    /// The tenant, for tokens that are bound to none; left out, all of them.
    pub tenant: Option<String>,
    /// The backend's name.
    pub backend: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The CMP's id.
    pub cmp_id: Option<String>,
    /// The state.
    pub state: Option<OperationState>,
    /// Items of a page, at most 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// `GET /v1/operations`, the latest first.
pub async fn list(
    State(app): State<App>,
    access: Access,
    Params(query): Params<OperationQuery>,
) -> Result<axum::Json<List<OperationBody>>, Problem> {
    access.require(Permission::ReadRecords)?;
    let filter = OperationFilter {
        tenant: access.scope(query.tenant.as_deref())?,
        backend: query.backend,
        kind: query.kind,
        cmp_id: query.cmp_id,
        state: query.state,
    };
    let limit = page_size(query.limit)?;
    let page = app
        .relay
        .store()
        .view(|state| query::operations(state, &filter, limit, query.cursor.as_deref()))
        .map_err(of_list)?;
    let seen = page.items.into_iter().filter(|operation| sees(&access, operation)).map(OperationBody::from);
    Ok(axum::Json(List { items: seen.collect(), next_cursor: page.next }))
}

/// `GET /v1/operations/{id}`.
pub async fn get(State(app): State<App>, access: Access, path: Path) -> Result<axum::Json<OperationBody>, Problem> {
    access.require(Permission::ReadRecords)?;
    Ok(axum::Json(OperationBody::from(find(&app, &access, path.text("id"))?)))
}

/// What is decided about an operation in doubt; left out, the backend is asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResolveInput {
    /// `applied` or `not_applied`.
    pub decision: Option<DecisionWord>,
    /// For a creation that was applied: the backend's id.
    pub backend_id: Option<String>,
}

/// What may be decided.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionWord {
    /// The backend did it.
    Applied,
    /// The backend did not do it.
    NotApplied,
}

/// `POST /v1/operations/{id}:refresh` and `:resolve`.
pub async fn command(
    State(app): State<App>,
    access: Access,
    path: Path,
    Input(input): Input<ResolveInput>,
) -> Result<Response, Problem> {
    let (id, verb) = path.command("id").unwrap_or((path.text("id"), ""));
    let operation = find(&app, &access, id)?;
    let kind = Some(operation.kind.as_str()).filter(|kind| !kind.is_empty());
    access.require(Permission::ChangeObjects { backend: &operation.backend, kind })?;
    let caller = access.principal().name.clone();
    let relay = app.relay.clone();
    let answer = match (verb, input.decision) {
        ("refresh", _) => app.relay.detached(async move { relay.refresh(&caller, operation).await }).await?,
        ("resolve", None) if input.backend_id.is_none() => {
            app.relay.detached(async move { relay.resolve(&caller, operation).await }).await?
        }
        ("resolve", Some(word)) => {
            let decision = match (word, input.backend_id) {
                (DecisionWord::Applied, backend_id) => Decision::Applied { backend_id },
                (DecisionWord::NotApplied, None) => Decision::NotApplied,
                (DecisionWord::NotApplied, Some(_)) => {
                    return Err(malformed("what was not applied has no `backend_id`"));
                }
            };
            app.relay.detached(async move { relay.decide(&caller, operation, decision).await }).await?
        }
        ("resolve", None) => return Err(malformed("`backend_id` goes with `\"decision\": \"applied\"`")),
        (other, _) => {
            let text = format!("POST to an operation is `:refresh` or `:resolve`, not `{other}`");
            return Err(Problem(Failure::new(Code::UnknownRoute, text)));
        }
    };
    Ok(render::answer(answer))
}

/// The operation, if the caller may see it.
fn find(app: &App, access: &Access, id: &str) -> Result<Operation, Problem> {
    let unknown = || Problem(Failure::new(Code::UnknownOperation, format!("there is no operation `{id}`")));
    let id: OperationId = id.parse().map_err(|_| unknown())?;
    let operation = app.relay.view(|state| query::operation(state, id))?;
    operation.filter(|operation| sees(access, operation)).ok_or_else(unknown)
}

fn sees(access: &Access, operation: &Operation) -> bool {
    let kind = Some(operation.kind.as_str()).filter(|kind| !kind.is_empty());
    access.principal().sees(&operation.tenant, &operation.backend, kind)
}
