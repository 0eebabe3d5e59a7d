//! Backends: what operators configure.

use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::access::Access;
use super::extract::{Input, Path};
use super::problem::{Problem, ProblemBody};
use crate::auth::Permission;
use crate::mapping::{Code, Failure, valid_name};
use crate::relay::{BackendSettings, BackendView};

/// A backend as operators see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BackendBody {
    /// Its name.
    pub name: String,
    /// The log index of its last change.
    pub revision: u64,
    /// Its settings; of secrets, only that they are set.
    #[serde(flatten)]
    pub settings: BackendSettings,
    /// Why it cannot be used, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemBody>,
    /// How busy it is.
    pub lanes: Vec<LaneBody>,
}

/// How busy one lane of a backend is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LaneBody {
    /// `read` or `mutation`.
    pub class: String,
    /// Exchanges under way.
    pub active: usize,
    /// Calls waiting, of both lanes together.
    pub waiting: usize,
}

impl From<BackendView> for BackendBody {
    fn from(view: BackendView) -> Self {
        let lanes = view.lanes.into_iter().flatten().map(|lane| LaneBody {
            class: lane.class.as_str().to_owned(),
            active: lane.load.active,
            waiting: lane.load.waiting,
        });
        Self {
            name: view.name,
            revision: view.revision,
            settings: view.settings,
            problem: view.failure.as_ref().map(ProblemBody::from),
            lanes: lanes.collect(),
        }
    }
}

/// Every backend.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BackendsBody {
    /// By name.
    pub items: Vec<BackendBody>,
}

/// What a probe found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProbeBody {
    /// The backend's name.
    pub backend: String,
    /// Always true: a probe that failed is a problem.
    pub ok: bool,
    /// How long it took, queue and login included.
    pub latency_ms: f64,
    /// What the driver made of the reply.
    #[schemars(with = "serde_json::Value")]
    pub result: crosspoint_contract::Json,
}

/// `GET /v1/backends`.
pub async fn list(State(app): State<App>, access: Access) -> Result<axum::Json<BackendsBody>, Problem> {
    access.require(Permission::ReadSystem)?;
    Ok(axum::Json(BackendsBody { items: app.relay.backends().into_iter().map(BackendBody::from).collect() }))
}

/// `GET /v1/backends/{backend}`.
pub async fn get(State(app): State<App>, access: Access, path: Path) -> Result<axum::Json<BackendBody>, Problem> {
    access.require(Permission::ReadSystem)?;
    Ok(axum::Json(BackendBody::from(app.relay.backend(path.name("backend")?)?)))
}

/// `PUT /v1/backends/{backend}`.
pub async fn put(
    State(app): State<App>,
    access: Access,
    path: Path,
    Input(settings): Input<BackendSettings>,
) -> Result<(StatusCode, axum::Json<BackendBody>), Problem> {
    access.require(Permission::ChangeSystem)?;
    let name = path.name("backend")?.to_owned();
    let status = if app.relay.has_backend(&name) { StatusCode::OK } else { StatusCode::CREATED };
    let relay = app.relay.clone();
    let view = app.relay.detached(async move { relay.put_backend(&name, settings).await }).await?;
    Ok((status, axum::Json(BackendBody::from(view))))
}

/// `DELETE /v1/backends/{backend}`.
pub async fn remove(State(app): State<App>, access: Access, path: Path) -> Result<StatusCode, Problem> {
    access.require(Permission::ChangeSystem)?;
    let name = path.name("backend")?.to_owned();
    let relay = app.relay.clone();
    app.relay.detached(async move { relay.remove_backend(&name).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/backends/{backend}:probe`.
pub async fn command(State(app): State<App>, access: Access, path: Path) -> Result<axum::Json<ProbeBody>, Problem> {
    access.require(Permission::ChangeSystem)?;
    let Some((backend, "probe")) = path.command("backend") else {
        return Err(Problem(Failure::new(Code::UnknownRoute, "POST to a backend is `:probe` or `/actions/NAME`")));
    };
    valid_name(backend).map_err(|error| super::extract::malformed(format!("`{backend}` is no name: {error}")))?;
    let (relay, name) = (app.relay.clone(), backend.to_owned());
    let started = Instant::now();
    let result = app.relay.detached(async move { relay.probe(&name).await }).await?;
    let latency_ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(axum::Json(ProbeBody { backend: backend.to_owned(), ok: true, latency_ms, result }))
}
