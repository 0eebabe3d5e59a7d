use serde::{Deserialize, Serialize};

use crate::{Bytes, Extensions, Json, Verb};

/// What a driver is and can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Description {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub protocol: Protocol,
    pub endpoints: Vec<EndpointRole>,
    pub authentication: Vec<AuthScheme>,
    pub configuration_schema: Json,
    pub kinds: Vec<Kind>,
    pub actions: Vec<Action>,
    pub probe: bool,
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

impl Description {
    /// The kind of this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }
}

/// How the host speaks to the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Protocol {
    Http(HttpProtocol),
    Message(MessageProtocol),
    Command(CommandProtocol),
}

/// See the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct HttpProtocol {
    pub unauthorized_precedes_effects: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct MessageProtocol {
    pub framing: Framing,
    pub correlation: Correlation,
    pub preamble: Option<Bytes>,
    pub keepalives: Vec<(Bytes, Bytes)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

impl MessageProtocol {
    /// The name of the extension that, with value `true`, says what [`HttpProtocol::unauthorized_precedes_effects`] says.
    pub const UNAUTHORIZED_PRECEDES_EFFECTS: &str = "unauthorized-precedes-effects";

    /// Whether [`Self::UNAUTHORIZED_PRECEDES_EFFECTS`] is said.
    #[must_use]
    pub fn unauthorized_precedes_effects(&self) -> bool {
        let said = |(name, value): &(String, String)| name == Self::UNAUTHORIZED_PRECEDES_EFFECTS && value == "true";
        self.extensions.iter().any(said)
    }
}

/// Where one message ends and the next begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Framing {
    Fixed(u32),
    LengthPrefixed(LengthPrefix),
    Delimited(Bytes),
    JsonValues,
    UntilClose,
    Netconf,
    Grpc,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct LengthPrefix {
    pub offset: u32,
    pub width: u8,
    pub big_endian: bool,
    pub adjustment: i32,
    pub maximum: u32,
}

/// How a reply finds its request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Correlation {
    InOrder,
    SingleUse,
    JsonPointer(String),
    Field(CorrelationField),
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct CorrelationField {
    pub offset: u32,
    pub width: u8,
    pub big_endian: bool,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct CommandProtocol {
    pub transport: CommandTransport,
    pub prompt: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

/// See the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum CommandTransport {
    SshExec,
    SshShell,
    TcpLine,
}

/// A named address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct EndpointRole {
    pub name: String,
    pub summary: String,
    pub required: bool,
}

/// A way of authenticating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum AuthScheme {
    None,
    Basic,
    Bearer,
    ApiKey(ApiKey),
    MutualTls,
    #[serde(rename = "oauth2-client-credentials")]
    OAuth2ClientCredentials,
    Login(Login),
}

impl AuthScheme {
    /// The name by which an operator picks it in a backend's configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::ApiKey(_) => "api-key",
            Self::MutualTls => "mutual-tls",
            Self::OAuth2ClientCredentials => "oauth2-client-credentials",
            Self::Login(_) => "login",
        }
    }
}

/// Where an API key goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum ApiKey {
    Header(String),
    Query(String),
}

/// See the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Login {
    pub secrets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

/// Limits worth defaulting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Limits {
    pub mutation_concurrency: u32,
    pub read_concurrency: u32,
    pub reply_timeout_ms: Option<u32>,
    pub reply_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

impl Default for Limits {
    /// One mutation and four reads at a time: appliances often hang on more.
    fn default() -> Self {
        Self {
            mutation_concurrency: 1,
            read_concurrency: 4,
            reply_timeout_ms: None,
            reply_size: None,
            extensions: Extensions::new(),
        }
    }
}

/// A type of object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Kind {
    pub name: String,
    pub summary: String,
    pub verbs: Vec<VerbSupport>,
    pub spec_schema: Json,
    pub patch_schema: Option<Json>,
    pub result_schema: Json,
    pub marker: bool,
    pub creation: Creation,
    pub conditional: bool,
    pub actions: Vec<Action>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}

impl Kind {
    /// What the driver says of a verb, if it supports it.
    #[must_use]
    pub fn supports(&self, verb: &Verb) -> Option<&VerbSupport> {
        self.verbs.iter().find(|support| support.verb == *verb)
    }

    /// The action of this name.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }
}

/// What happens when the same creation is sent twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Creation {
    #[default]
    Duplicating,
    Conditional,
    Idempotent,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct VerbSupport {
    pub verb: Verb,
    #[serde(default)]
    pub asynchronous: bool,
    #[serde(default)]
    pub reissuable: bool,
}

/// See the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Action {
    pub name: String,
    pub summary: String,
    pub spec_schema: Json,
    pub result_schema: Json,
    #[serde(default)]
    pub read_only: bool,
    #[serde(default)]
    pub asynchronous: bool,
    #[serde(default)]
    pub reissuable: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Extensions,
}
