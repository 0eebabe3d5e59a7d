//! What is recorded.

use std::collections::BTreeMap;

use crosspoint_contract::Json;
use serde::{Deserialize, Serialize};

use super::{ObjectKey, OperationId};

/// The caller's own marks on a mapping.
pub type Labels = BTreeMap<String, String>;

/// Where a mapped object stands. An object that is gone has no mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MappingState {
    /// Its creation is under way.
    Creating,
    /// It exists, as far as is known.
    Active,
    /// A change is under way.
    Updating,
    /// Its deletion is under way.
    Deleting,
    /// The backend works on it.
    Pending,
    /// In doubt.
    Unknown,
}

impl MappingState {
    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Active => "active",
            Self::Updating => "updating",
            Self::Deleting => "deleting",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
        }
    }
}

/// (tenant, backend, kind, CMP id) ↔ (backend, kind, backend id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The CMP's side.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// The backend's side; none until the backend gave one.
    pub backend_id: Option<String>,
    /// Where the object stands.
    pub state: MappingState,
    /// The log index of the last change.
    pub revision: u64,
    /// The revision that the backend gave, ETag or the like.
    pub backend_revision: Option<String>,
    /// The caller's own marks.
    pub labels: Labels,
    /// What the driver asked to have kept.
    pub attributes: Json,
    /// The operation that is under way or in doubt.
    pub operation: Option<OperationId>,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at: u64,
}

/// A backend's configuration as it is stored: secrets sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendRecord {
    /// The backend's name.
    pub name: String,
    /// The driver's name.
    pub driver: String,
    /// Everything else, as the relay reads it; its secrets are sealed.
    pub settings: Json,
    /// The log index of the last change.
    pub revision: u64,
}

/// A package that was active once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    /// The driver's semantic version.
    pub version: String,
    /// `sha256:` and the package's digest in hexadecimal.
    pub digest: String,
}

/// Which package of a driver is active, and which were before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// The driver's name.
    pub name: String,
    /// The active package.
    pub active: PackageRef,
    /// Those before it, the latest first; bounded.
    pub history: Vec<PackageRef>,
    /// Where the active package came from: `upload` or a file's name.
    pub source: String,
    /// When it became active; milliseconds since the Unix epoch.
    pub activated_at: u64,
}
