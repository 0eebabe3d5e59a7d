//! The durable record of one mutating call.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use crosspoint_contract::{Json, Verb};
use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp, Uuid};

use super::{Failure, Labels, ObjectKey};
use crate::sent::Sent;

/// What keeps new ids in order.
static IDS: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// An operation's id: a UUID of version 7, so ids sort by the time at which their calls began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(Uuid);

impl OperationId {
    /// A new id. Not for the machine: only a caller of the machine may ask a clock.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v7(Timestamp::now(&IDS)))
    }

    /// Has new ids sort after this one, even if the system's clock was set back meanwhile.
    pub fn precedes_new_ones(self) {
        if let Some((seconds, nanoseconds)) = self.0.get_timestamp().map(|timestamp| timestamp.to_unix()) {
            // What a context has once seen it does not fall behind. One millisecond on, because within one the order is
            // by chance.
            let next = Duration::new(seconds, nanoseconds) + Duration::from_millis(1);
            let _ = Timestamp::from_unix(&IDS, next.as_secs(), next.subsec_nanos());
        }
    }

    /// The sixteen bytes, which sort as the id does.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of these sixteen bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OperationId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OperationState {
    /// The intent is recorded; the exchange is under way.
    Open,
    /// The backend accepted it and still works on it.
    Pending,
    /// In doubt: whether the backend did it is not known.
    Unknown,
    /// The backend did it.
    Succeeded,
    /// The backend did not do it.
    Failed,
    /// Whether the backend did it was never learnt; the object's present state was read and recorded instead.
    Observed,
}

impl OperationState {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Observed)
    }

    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Observed => "observed",
        }
    }
}

/// A caller's promise that calls with this key are one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The key as the caller gave it.
    pub key: String,
    /// A digest over the request that it stands for.
    pub fingerprint: String,
}

/// What decided an operation that was in doubt or pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResolvedBy {
    /// The object was looked for by its marker.
    Find,
    /// The object was read.
    Read,
    /// The backend was asked how the pending call got on.
    Poll,
    /// The exchange was made again, which the driver says is harmless.
    Reissue,
    /// A person or a program decided.
    Decision,
}

/// How doubt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// What ended it.
    pub by: ResolvedBy,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// Who asked.
    pub caller: String,
}

/// The durable record of one mutating call: the intent, then the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The operation's id.
    pub id: OperationId,
    /// The tenant.
    pub tenant: String,
    /// The backend's name.
    pub backend: String,
    /// The kind of object; empty for an action on the backend.
    pub kind: String,
    /// The CMP's id; none for an action on the backend.
    pub cmp_id: Option<String>,
    /// What was asked.
    pub verb: Verb,
    /// Where it stands.
    pub state: OperationState,
    /// Whether the exchange reached the backend.
    pub sent: Sent,
    /// Who asked: the name of the token.
    pub caller: String,
    /// What translated it: `name@version`.
    pub driver: String,
    /// The caller's key, if it gave one.
    pub idempotency: Option<Idempotency>,
    /// What was asked for; dropped when the operation is decided.
    pub spec: Json,
    /// The revision that the caller demands of the backend's object.
    pub precondition: Option<String>,
    /// The labels to set when it succeeds.
    pub labels: Option<Labels>,
    /// What the backend wants to be asked with while it works on it.
    pub poll_token: Option<String>,
    /// When the intent was made; milliseconds since the Unix epoch.
    pub started_at: u64,
    /// Until when the exchange may still take effect; milliseconds since the Unix epoch.
    pub deadline: u64,
    /// How long after it was sent the exchange may take effect, in milliseconds; 0 in records that do not say.
    #[serde(default)]
    pub patience: u64,
    /// When it was decided; milliseconds since the Unix epoch.
    pub finished_at: Option<u64>,
    /// What the driver made of the reply.
    pub result: Json,
    /// Why it failed, or why it is in doubt.
    pub failure: Option<Failure>,
    /// How doubt ended, if there was any.
    pub resolution: Option<Resolution>,
}

impl Operation {
    /// The key of the object that it is about, unless it is about the backend as a whole.
    #[must_use]
    pub fn object(&self) -> Option<ObjectKey> {
        self.cmp_id.as_ref().map(|cmp_id| ObjectKey {
            tenant: self.tenant.clone(),
            backend: self.backend.clone(),
            kind: self.kind.clone(),
            cmp_id: cmp_id.clone(),
        })
    }
}
