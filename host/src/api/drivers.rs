//! Drivers: what operators load, swap and roll back.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use crosspoint_contract::Description;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::App;
use super::access::Access;
use super::extract::{Input, Params, Path, bytes, malformed};
use super::problem::Problem;
use super::render::time;
use crate::auth::Permission;
use crate::driver::{self, Generation};
use crate::mapping::{Code, Failure, PackageRef};
use crate::relay::{Activation, DriverView};

/// A driver as operators see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DriverBody {
    /// Its name.
    pub name: String,
    /// `active`, or `unusable` where the recorded package could not be brought back.
    pub state: String,
    /// The active version.
    pub version: String,
    /// The active package's digest.
    pub digest: String,
    /// The number of the active generation; it grows with each swap.
    pub generation: Option<u64>,
    /// When it became active; RFC 3339.
    pub loaded_at: String,
    /// Where it came from.
    pub source: String,
    /// The kinds that it knows.
    pub kinds: Vec<String>,
    /// The backends that use it.
    pub backends: Vec<String>,
    /// Calls that the active generation serves right now.
    pub calls_in_flight: u64,
    /// Generations that were replaced and still serve the calls that began with them.
    pub draining: Vec<DrainingBody>,
    /// Earlier packages, the latest first.
    pub history: Vec<PackageBody>,
    /// Why the last attempt to replace it failed, if it did.
    pub last_failure: Option<RejectionBody>,
    /// What the driver says of itself; only where one driver is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub description: Option<Description>,
}

/// A generation that was replaced.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DrainingBody {
    /// Its number.
    pub generation: u64,
    /// Its version.
    pub version: String,
    /// Calls that it still serves.
    pub calls_in_flight: u64,
}

/// A package.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PackageBody {
    /// The driver's version.
    pub version: String,
    /// `sha256:` and the digest in hexadecimal.
    pub digest: String,
}

/// A package that was not accepted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RejectionBody {
    /// Where it came from.
    pub source: String,
    /// When; RFC 3339.
    pub at: String,
    /// Its digest.
    pub digest: String,
    /// Why.
    pub reason: String,
}

/// Every driver.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DriversBody {
    /// By name.
    pub items: Vec<DriverBody>,
    /// Packages that were not accepted, of whatever driver.
    pub rejected: Vec<RejectionBody>,
}

/// What came of an upload: the package, and the driver as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LoadedBody {
    /// The package that was loaded.
    pub package: PackageBody,
    /// Whether it was made the active one.
    pub activated: bool,
    /// The driver; its name alone where it has no active package yet.
    #[serde(flatten)]
    pub driver: LoadedDriver,
}

/// A driver after an upload.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LoadedDriver {
    /// It has an active package.
    Active(Box<DriverBody>),
    /// It has none yet.
    Kept {
        /// The driver's name.
        name: String,
    },
}

fn body(view: DriverView, description: Option<Description>) -> DriverBody {
    let active = view.active.as_ref();
    DriverBody {
        name: view.record.name,
        state: if active.is_some() { "active" } else { "unusable" }.to_owned(),
        version: view.record.active.version,
        digest: view.record.active.digest,
        generation: active.map(|active| active.number()),
        loaded_at: time(view.record.activated_at),
        source: view.record.source,
        kinds: active
            .map(|active| active.description().kinds.iter().map(|kind| kind.name.clone()).collect())
            .unwrap_or_default(),
        backends: view.backends,
        calls_in_flight: active.map_or(0, |active| active.calls_in_flight()),
        draining: view.draining.iter().map(|old| draining(old)).collect(),
        history: view.record.history.into_iter().map(PackageBody::from).collect(),
        last_failure: view.last_failure.map(RejectionBody::from),
        description,
    }
}

fn draining(generation: &Generation) -> DrainingBody {
    DrainingBody {
        generation: generation.number(),
        version: generation.version().to_string(),
        calls_in_flight: generation.calls_in_flight(),
    }
}

impl From<PackageRef> for PackageBody {
    fn from(package: PackageRef) -> Self {
        Self { version: package.version, digest: package.digest }
    }
}

impl From<driver::Failure> for RejectionBody {
    fn from(rejection: driver::Failure) -> Self {
        Self {
            source: rejection.source,
            at: humantime::format_rfc3339_millis(rejection.at).to_string(),
            digest: rejection.digest.to_string(),
            reason: rejection.reason,
        }
    }
}

/// `GET /v1/drivers`.
pub async fn list(State(app): State<App>, access: Access) -> Result<axum::Json<DriversBody>, Problem> {
    access.require(Permission::ReadSystem)?;
    let items = app.relay.drivers()?.into_iter().map(|view| body(view, None));
    let rejected = app.relay.rejections().into_iter().map(RejectionBody::from);
    Ok(axum::Json(DriversBody { items: items.collect(), rejected: rejected.collect() }))
}

/// `GET /v1/drivers/{driver}`.
pub async fn get(State(app): State<App>, access: Access, path: Path) -> Result<axum::Json<DriverBody>, Problem> {
    access.require(Permission::ReadSystem)?;
    let name = path.name("driver")?;
    let description = app.relay.registry().get(name).map(|generation| generation.description().clone());
    Ok(axum::Json(body(app.relay.driver(name)?, description)))
}

/// The query of an upload.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadQuery {
    /// Whether to make the package the active one at once.
    pub activate: bool,
}

impl Default for LoadQuery {
    fn default() -> Self {
        Self { activate: true }
    }
}

/// `POST /v1/drivers`, the package as the body.
pub async fn load(
    State(app): State<App>,
    access: Access,
    Params(query): Params<LoadQuery>,
    upload: Body,
) -> Result<(StatusCode, axum::Json<LoadedBody>), Problem> {
    access.require(Permission::ChangeSystem)?;
    let package = bytes(upload, app.package_limit, app.body_patience).await?;
    let (relay, activate) = (app.relay.clone(), query.activate);
    let loaded = app.relay.detached(async move { relay.load_driver(package, "upload", activate).await }).await?;
    let driver = match loaded.driver {
        Some(view) => LoadedDriver::Active(Box::new(body(view, None))),
        None => LoadedDriver::Kept { name: loaded.name },
    };
    Ok((StatusCode::CREATED, axum::Json(LoadedBody { package: loaded.package.into(), activated: activate, driver })))
}

/// Which package to make active: one of the two.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActivateInput {
    /// Its digest.
    pub digest: Option<String>,
    /// Its version, of those that were active before.
    pub version: Option<String>,
}

/// `POST /v1/drivers/{driver}:activate` and `:rollback`.
pub async fn command(
    State(app): State<App>,
    access: Access,
    path: Path,
    Input(input): Input<ActivateInput>,
) -> Result<axum::Json<DriverBody>, Problem> {
    access.require(Permission::ChangeSystem)?;
    let (name, verb) = path.command("driver").unwrap_or((path.text("driver"), ""));
    let which = match (verb, input.digest, input.version) {
        ("activate", Some(digest), None) => Activation::Digest(digest),
        ("activate", None, Some(version)) => Activation::Version(version),
        ("activate", ..) => return Err(malformed("name either `digest` or `version`")),
        ("rollback", None, None) => Activation::Previous,
        ("rollback", ..) => return Err(malformed("`:rollback` takes no body: it goes back to the package before")),
        (other, ..) => {
            let text = format!("POST to a driver is `:activate` or `:rollback`, not `{other}`");
            return Err(Problem(Failure::new(Code::UnknownRoute, text)));
        }
    };
    let (relay, name) = (app.relay.clone(), name.to_owned());
    let view = app.relay.detached(async move { relay.activate_driver(&name, which).await }).await?;
    Ok(axum::Json(body(view, None)))
}

/// `DELETE /v1/drivers/{driver}`.
pub async fn remove(State(app): State<App>, access: Access, path: Path) -> Result<StatusCode, Problem> {
    access.require(Permission::ChangeSystem)?;
    let (relay, name) = (app.relay.clone(), path.name("driver")?.to_owned());
    app.relay.detached(async move { relay.remove_driver(&name).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
