//! What the backend sends and takes.

use std::net::Ipv4Addr;

use crosspoint_sdk::prelude::*;

use crate::network::Network;

/// A policy. The backend makes `id` and `revision`; what a later backend may add is ignored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    pub policy_name: String,
    pub remark: String,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Entry {
    pub label: String,
    pub verdict: Verdict,
    /// As numbered by IANA; 0 for all.
    pub ip_protocol: u8,
    pub src: Subnet,
    pub dst: Subnet,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport: Option<PortRange>,
    /// 1 or 0.
    pub syslog: u8,
    pub sequence: u32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Verdict {
    Permit,
    Drop,
    Reset,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub addr: Ipv4Addr,
    pub mask: Ipv4Addr,
}

impl Subnet {
    pub fn of(network: Network) -> Self {
        Self { addr: network.address, mask: network.mask() }
    }

    /// `None` where the mask is none.
    pub fn network(self) -> Option<Network> {
        Network::masked(self.addr, self.mask)
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct PortRange {
    pub low: u16,
    pub high: u16,
}

/// A page of policies.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub policies: Vec<Stored>,
    pub next: Option<String>,
}

/// What the backend says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub model: String,
    pub policies: u64,
}
