//! What happened, for those who follow along.

use serde::{Deserialize, Serialize};

use super::{ObjectKey, Operation, OperationId};

/// What an event is about, `thing.what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[allow(missing_docs, reason = "each name is the word that the API shows")]
pub enum EventType {
    #[serde(rename = "mapping.creating")]
    Creating,
    #[serde(rename = "mapping.active")]
    Active,
    #[serde(rename = "mapping.updating")]
    Updating,
    #[serde(rename = "mapping.deleting")]
    Deleting,
    #[serde(rename = "mapping.pending")]
    Pending,
    #[serde(rename = "mapping.unknown")]
    Unknown,
    #[serde(rename = "mapping.gone")]
    Gone,
    #[serde(rename = "mapping.adopted")]
    Adopted,
    #[serde(rename = "mapping.released")]
    Released,
    #[serde(rename = "operation.open")]
    OperationOpen,
    #[serde(rename = "operation.pending")]
    OperationPending,
    #[serde(rename = "operation.unknown")]
    OperationUnknown,
    #[serde(rename = "operation.succeeded")]
    OperationSucceeded,
    #[serde(rename = "operation.failed")]
    OperationFailed,
    #[serde(rename = "backend.put")]
    BackendPut,
    #[serde(rename = "backend.removed")]
    BackendRemoved,
    #[serde(rename = "driver.activated")]
    DriverActivated,
    #[serde(rename = "driver.removed")]
    DriverRemoved,
}

/// One change. Each command makes at most one, so the log index names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The log index.
    pub index: u64,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub kind_of_event: EventType,
    /// The tenant, if it is about one; other tenants do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The kind of object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The CMP's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmp_id: Option<String>,
    /// The backend's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_id: Option<String>,
    /// The operation that brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The driver, for its own events: `name@version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

impl Event {
    /// An event about nothing in particular yet.
    #[must_use]
    pub fn new(index: u64, at: u64, kind_of_event: EventType) -> Self {
        Self {
            index,
            at,
            kind_of_event,
            tenant: None,
            backend: None,
            kind: None,
            cmp_id: None,
            backend_id: None,
            operation_id: None,
            driver: None,
        }
    }

    /// About an object.
    #[must_use]
    pub fn object(mut self, key: &ObjectKey, backend_id: Option<&str>) -> Self {
        self.tenant = Some(key.tenant.clone());
        self.backend = Some(key.backend.clone());
        self.kind = Some(key.kind.clone());
        self.cmp_id = Some(key.cmp_id.clone());
        self.backend_id = backend_id.map(str::to_owned);
        self
    }

    /// About an operation.
    #[must_use]
    pub fn operation(mut self, operation: &Operation) -> Self {
        self.tenant = Some(operation.tenant.clone());
        self.backend = Some(operation.backend.clone());
        self.operation_id = Some(operation.id);
        self
    }
}
