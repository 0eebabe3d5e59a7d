// Doc comments become descriptions in the JSON Schema, and so in the OpenAPI document that CMP developers read.

use crosspoint_sdk::prelude::*;

/// A packet filter rule to be made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSpec {
    /// Unique on the appliance.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The network that packets come from, such as `10.0.0.0/8`.
    pub source: String,
    /// The network that packets go to.
    pub destination: String,
    /// The destination port; TCP and UDP need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// The IP protocol.
    pub protocol: Protocol,
    /// What happens to a packet.
    pub action: Action,
    /// For people. The appliance takes 255 characters, some of which hold the marker.
    #[serde(default)]
    #[schemars(length(max = 220))]
    pub comment: String,
    /// Whether the rule is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether packets are logged.
    #[cfg(feature = "next")]
    #[serde(default)]
    pub log: bool,
}

/// A change of a rule; what is missing stays as it is.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulePatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 220))]
    pub comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[cfg(feature = "next")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<bool>,
}

/// A packet filter rule as it is.
// Members that a later appliance may add are ignored.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RuleView {
    /// The appliance's id.
    pub id: String,
    pub name: String,
    pub source: String,
    pub destination: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub protocol: Protocol,
    pub action: Action,
    pub comment: String,
    pub enabled: bool,
    /// Counts changes.
    pub revision: u64,
    /// How many packets the rule met.
    pub hits: u64,
    /// Whether packets are logged.
    #[cfg(feature = "next")]
    pub log: bool,
    /// Whether an earlier rule meets the same packets.
    #[cfg(feature = "next")]
    pub shadowed: bool,
}

impl RuleView {
    /// The revision as the appliance writes it into `ETag`.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// The rule as people know it, and the marker that its comment held.
    pub fn without_marker(mut self) -> (Self, Option<String>) {
        let (comment, marker) = marker::split(&self.comment);
        let marker = marker.map(str::to_owned);
        self.comment = comment.to_owned();
        (self, marker)
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Icmp,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Permit,
    Deny,
}

/// A page of rules.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleList {
    pub rules: Vec<RuleView>,
    pub next: Option<String>,
}

/// How many times the rules were put in force.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Committed {
    pub commit: u64,
}

/// What the appliance says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub model: String,
    pub rules: u64,
    pub commits: u64,
}

/// The body of every error.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub error: RefusalDetail,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RefusalDetail {
    pub message: String,
    pub field: Option<String>,
    pub id: Option<String>,
}

fn yes() -> bool {
    true
}
