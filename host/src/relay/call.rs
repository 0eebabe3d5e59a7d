//! What a caller asks of the relay, and what it is answered.

use std::collections::BTreeMap;

use crosspoint_contract::{Json, Verb};
use serde_json::Value;

use crate::mapping::{Mapping, Operation};
use crate::transport::Rendered;

/// Who asks: already authenticated and authorised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token.
    pub name: String,
    /// The tenant that the call is for.
    pub tenant: String,
    /// Whether objects outside the tenant's mappings may be shown: operators look at the whole backend.
    pub sees_unmapped: bool,
}

/// What is to be done with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Create it, or replace it if it is mapped.
    Put,
    /// Read it at the backend.
    Get,
    /// Change what the spec names.
    Patch,
    /// Delete it at the backend.
    Delete,
    /// A named action on it.
    Action(String),
}

impl Method {
    /// The word that goes into a request's fingerprint.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Put => "put".to_owned(),
            Self::Get => "get".to_owned(),
            Self::Patch => "patch".to_owned(),
            Self::Delete => "delete".to_owned(),
            Self::Action(name) => format!("action:{name}"),
        }
    }
}

/// What a caller demands of the object's revision (RFC 9110, section 13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// `If-None-Match: *`: it must not be mapped.
    Absent,
    /// `If-Match: *`: it must be mapped.
    Present,
    /// `If-Match: "…"`: it must have this entity tag.
    Match(String),
}

/// One call about one object, or about a backend as a whole.
#[derive(Clone, Debug)]
pub struct ObjectCall {
    /// Who asks.
    pub caller: Caller,
    /// The backend's name.
    pub backend: String,
    /// The kind and the CMP's id; none for an action on the backend.
    pub object: Option<(String, String)>,
    /// What is to be done.
    pub method: Method,
    /// The spec, if the method has one.
    pub spec: Value,
    /// The caller's labels, if given.
    pub labels: Option<BTreeMap<String, String>>,
    /// What the caller demands.
    pub precondition: Precondition,
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
}

/// What the caller is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The mapping as it is now; none if the object is gone, or none was asked about.
    pub mapping: Option<Mapping>,
    /// What the driver made of the reply.
    pub result: Json,
    /// The operation, for mutating calls.
    pub operation: Option<Operation>,
    /// The entity tag of what was read or written, if it is known.
    pub etag: Option<String>,
    /// Whether this is the stored answer of an earlier call with the same idempotency key.
    pub replayed: bool,
}

/// One object of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The backend's id.
    pub backend_id: String,
    /// The backend's revision.
    pub revision: Option<String>,
    /// What the driver made of it.
    pub result: Json,
    /// The CMP's id, if the object is mapped in the caller's tenant.
    pub cmp_id: Option<String>,
}

/// A page of what a backend has.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The objects that the caller may see.
    pub items: Vec<Listed>,
    /// Where to go on.
    pub next_page: Option<String>,
}

/// The exchange that a call would make.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The endpoint's role.
    pub endpoint: String,
    /// What the call would be for the driver: a PUT may be a creation or a replacement.
    pub verb: Verb,
    /// The exchange, secrets redacted.
    pub rendered: Rendered,
}
