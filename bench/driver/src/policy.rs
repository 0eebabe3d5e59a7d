//! A policy as the CMP knows it, and as it is stored.

use crosspoint_sdk::prelude::*;

use crate::backend::{Entry, PortRange, Stored, Subnet, Verdict};
use crate::network::{Network, Ports};

/// Longest remark that the backend takes, in characters.
const REMARK: usize = 255;

/// A policy to be made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicySpec {
    /// Unique on the backend.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// For people. The backend takes 255 characters, some of which hold the marker.
    #[serde(default)]
    #[schemars(length(max = 220))]
    pub description: String,
    /// The first rule that a packet meets decides.
    #[schemars(length(max = 1000))]
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Unique in the policy.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// What happens to a packet.
    pub action: Action,
    /// The IP protocol.
    pub protocol: Protocol,
    /// The network that packets come from.
    #[serde(rename = "from")]
    pub source: Network,
    /// The network that packets go to.
    #[serde(rename = "to")]
    pub destination: Network,
    /// Destination ports; all if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Ports>,
    /// Whether packets are logged.
    #[serde(default)]
    pub log: bool,
    /// Rules of a lower rank come first.
    #[serde(default)]
    pub rank: u32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Allow,
    Deny,
    Reject,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Any,
}

/// A policy as it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PolicyView {
    /// The backend's id.
    pub id: String,
    /// Counts changes.
    pub revision: u64,
    #[serde(flatten)]
    pub spec: PolicySpec,
}

impl PolicySpec {
    /// The policy in the backend's words, with the marker in its remark.
    pub fn stored(self, marker: &str) -> Result<Stored, Fault> {
        let remark = marker::fit(&self.description, marker, REMARK, "/description")?;
        let entries = self.rules.into_iter().map(Rule::entry).collect();
        Ok(Stored { id: None, revision: None, policy_name: self.name, remark, entries })
    }
}

impl Rule {
    fn entry(self) -> Entry {
        Entry {
            label: self.name,
            verdict: match self.action {
                Action::Allow => Verdict::Permit,
                Action::Deny => Verdict::Drop,
                Action::Reject => Verdict::Reset,
            },
            ip_protocol: match self.protocol {
                Protocol::Any => 0,
                Protocol::Icmp => 1,
                Protocol::Tcp => 6,
                Protocol::Udp => 17,
            },
            src: Subnet::of(self.source),
            dst: Subnet::of(self.destination),
            dport: self.ports.map(|Ports { low, high }| PortRange { low, high }),
            syslog: u8::from(self.log),
            sequence: self.rank,
        }
    }
}

impl Stored {
    /// The policy in the CMP's words, and the marker that its remark held.
    pub fn view(self) -> Result<(PolicyView, Option<String>), Fault> {
        let (description, marker) = marker::split(&self.remark);
        let (description, marker) = (description.to_owned(), marker.map(str::to_owned));
        let rules = self.entries.into_iter().map(Entry::rule).collect::<Result<_, _>>()?;
        let (Some(id), Some(revision)) = (self.id, self.revision) else {
            return Err(Fault::MalformedReply("a policy without id or revision".to_owned()));
        };
        Ok((PolicyView { id, revision, spec: PolicySpec { name: self.policy_name, description, rules } }, marker))
    }
}

impl Entry {
    fn rule(self) -> Result<Rule, Fault> {
        let label = &self.label;
        let wrong = |what: &str| Fault::MalformedReply(format!("entry `{label:.64}`: {what}"));
        Ok(Rule {
            action: match self.verdict {
                Verdict::Permit => Action::Allow,
                Verdict::Drop => Action::Deny,
                Verdict::Reset => Action::Reject,
            },
            protocol: match self.ip_protocol {
                0 => Protocol::Any,
                1 => Protocol::Icmp,
                6 => Protocol::Tcp,
                17 => Protocol::Udp,
                _ => return Err(wrong("an unknown IP protocol")),
            },
            source: self.src.network().ok_or_else(|| wrong("the source's mask has holes"))?,
            destination: self.dst.network().ok_or_else(|| wrong("the destination's mask has holes"))?,
            ports: self.dport.map(|PortRange { low, high }| Ports { low, high }),
            log: self.syslog != 0,
            rank: self.sequence,
            name: self.label,
        })
    }
}
