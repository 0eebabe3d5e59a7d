use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::Resource;

/// A rule of a security group: what it names is let through. It cannot be changed, only deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "security-group-rule")]
pub struct SecurityGroupRule {
    /// The group that it belongs to.
    #[schemars(required)]
    security_group_id: Option<String>,
    /// Which way the packets go, as seen from the port.
    #[schemars(required)]
    direction: Option<Direction>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// The version of IP; `IPv4` by default.
    ethertype: Option<Ethertype>,
    /// The protocol, by name or number; any if it is not named.
    protocol: Option<Protocol>,
    /// The first port, or the type of ICMP.
    #[schemars(range(min = 0, max = 65535))]
    port_range_min: Option<u16>,
    /// The last port, or the code of ICMP.
    #[schemars(range(min = 0, max = 65535))]
    port_range_max: Option<u16>,
    /// The block of addresses at the other end; any if it is not named.
    remote_ip_prefix: Option<String>,
    /// The security group at the other end.
    remote_group_id: Option<String>,
    /// The address group at the other end.
    remote_address_group_id: Option<String>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

/// The way of packets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Ingress,
    Egress,
}

/// The version of IP.
#[derive(Debug, Deserialize, JsonSchema)]
enum Ethertype {
    IPv4,
    IPv6,
}

/// A protocol's name, such as `tcp`, or its number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Protocol {
    Name(String),
    Number(u8),
}

impl Resource for SecurityGroupRule {
    const NAME: &'static str = "security-group-rule";
    const SUMMARY: &'static str = "A rule of a security group: what it names is let through";
    const PATH: &'static str = "security-group-rules";
    const MEMBER: &'static str = "security_group_rule";
    const FIXED: &'static [&'static str] = &[
        "security_group_id",
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
        "remote_address_group_id",
        "project_id",
    ];
    const UPDATABLE: bool = false;
    // Neutron has each rule of a group once, whatever its description says.
    const CREATION: Creation = Creation::Conditional;

    fn defaults() -> Value {
        json!({})
    }
}
