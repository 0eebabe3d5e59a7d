//! Mappings: what Crosspoint remembers. No backend is asked.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::App;
use super::access::Access;
use super::extract::{Input, Params, malformed};
use super::problem::Problem;
use super::render::{List, MappingBody};
use crate::auth::Permission;
use crate::mapping::query::{self, ListError, MappingFilter};
use crate::mapping::{Code, Failure, Mapping, MappingState, ObjectKey};
use crate::sync::ReplicaExt;

/// Items of a page, unless the caller says otherwise.
const PAGE: usize = 100;
/// Most items of a page.
const LARGEST_PAGE: usize = 1000;
/// Most look-ups in one request.
const LOOKUPS: usize = 1000;

/// The query of a list of mappings; what is left out does not narrow.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MappingQuery {
    /// The tenant, for tokens that are bound to none; left out, all of them.
    pub tenant: Option<String>,
    /// The backend's name.
    pub backend: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The CMP's id.
    pub cmp_id: Option<String>,
    /// The backend's id.
    pub backend_id: Option<String>,
    /// Labels, `name=value`, several separated by commas; all must be there.
    pub label: Option<String>,
    /// The state.
    pub state: Option<MappingState>,
    /// Items of a page, at most 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// `GET /v1/mappings`.
pub async fn list(
    State(app): State<App>,
    access: Access,
    Params(query): Params<MappingQuery>,
) -> Result<axum::Json<List<MappingBody>>, Problem> {
    access.require(Permission::ReadRecords)?;
    let filter = MappingFilter {
        tenant: access.scope(query.tenant.as_deref())?,
        backend: query.backend,
        kind: query.kind,
        cmp_id: query.cmp_id,
        backend_id: query.backend_id,
        labels: labels(query.label.as_deref())?,
        state: query.state,
    };
    let limit = page_size(query.limit)?;
    let page = app
        .relay
        .store()
        .view(|state| query::mappings(state, &filter, limit, query.cursor.as_deref()))
        .map_err(of_list)?;
    let seen = page.items.into_iter().filter(|mapping| sees(&access, mapping)).map(MappingBody::from);
    Ok(axum::Json(List { items: seen.collect(), next_cursor: page.next }))
}

/// The body of `POST /v1/mappings:lookup`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupInput {
    /// What to look up, 1000 at most.
    pub items: Vec<LookupItem>,
}

/// One look-up: by the CMP's id or by the backend's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupItem {
    /// The backend's name.
    pub backend: String,
    /// The kind.
    pub kind: String,
    /// The CMP's id; or:
    pub cmp_id: Option<String>,
    /// the backend's id.
    pub backend_id: Option<String>,
    /// The tenant, for tokens that are bound to none; only with `cmp_id`.
    pub tenant: Option<String>,
}

/// The answer to a look-up, in the order of the questions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LookupBody {
    /// One for each question.
    pub items: Vec<LookedUp>,
}

/// The answer to one question.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LookedUp {
    /// The mapping; none if there is none, or none that the caller may see.
    pub mapping: Option<MappingBody>,
}

/// `POST /v1/mappings:lookup`.
pub async fn lookup(
    State(app): State<App>,
    access: Access,
    Input(input): Input<LookupInput>,
) -> Result<axum::Json<LookupBody>, Problem> {
    access.require(Permission::ReadRecords)?;
    if input.items.len() > LOOKUPS {
        return Err(malformed(format!("{LOOKUPS} look-ups at most in one request")));
    }
    let snapshot = app.relay.snapshot();
    let mut items = Vec::with_capacity(input.items.len());
    for (index, item) in input.items.into_iter().enumerate() {
        let found = match (item.cmp_id, item.backend_id) {
            (Some(cmp_id), None) => {
                let tenant = access.caller(item.tenant.as_deref())?.tenant;
                query::mapping(&*snapshot, &ObjectKey { tenant, backend: item.backend, kind: item.kind, cmp_id })
            }
            (None, Some(backend_id)) => {
                query::mapping_of_backend_id(&*snapshot, &item.backend, &item.kind, &backend_id)
            }
            _ => return Err(malformed(format!("look-up {index} must name either `cmp_id` or `backend_id`"))),
        };
        let found = found.map_err(|error| Failure::new(Code::StoreUnavailable, error.to_string()).retry(5))?;
        let scope = access.scope(None)?;
        let own = found.filter(|mapping| {
            scope.as_ref().is_none_or(|tenant| *tenant == mapping.key.tenant) && sees(&access, mapping)
        });
        items.push(LookedUp { mapping: own.map(MappingBody::from) });
    }
    Ok(axum::Json(LookupBody { items }))
}

fn sees(access: &Access, mapping: &Mapping) -> bool {
    access.principal().sees(&mapping.key.tenant, &mapping.key.backend, Some(&mapping.key.kind))
}

fn labels(text: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    text.unwrap_or_default()
        .split(',')
        .filter(|label| !label.is_empty())
        .map(|label| match label.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(malformed(format!("`{label}` is no label: write `name=value`"))),
        })
        .collect()
}

/// How many items a page shall have.
pub fn page_size(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(PAGE) {
        limit @ 1..=LARGEST_PAGE => Ok(limit),
        _ => Err(malformed(format!("limit is 1 to {LARGEST_PAGE}"))),
    }
}

/// What a list that could not be given tells the caller.
pub fn of_list(error: ListError) -> Problem {
    match error {
        ListError::Cursor(error) => malformed(format!("cursor: {error}")),
        ListError::State(error) => Problem(Failure::new(Code::StoreUnavailable, error.to_string()).retry(5)),
    }
}
