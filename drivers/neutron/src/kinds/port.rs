use std::net::IpAddr;

use crosspoint_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::resource::Resource;

/// A place on a network where one interface of a device is attached.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "port")]
pub struct Port {
    /// The network that it is on.
    #[schemars(required)]
    network_id: Option<String>,
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// Whether it forwards packets; true by default.
    admin_state_up: Option<bool>,
    /// Its addresses; one from each subnet of the network if they are not named.
    fixed_ips: Option<Vec<FixedIp>>,
    /// Its MAC address; made up if it is not named.
    mac_address: Option<String>,
    /// The device that uses it, a server's id for instance.
    device_id: Option<String>,
    /// What sort of device uses it, such as `compute:nova`.
    device_owner: Option<String>,
    /// The security groups that guard it; the project's default group if they are not named.
    security_groups: Option<Vec<String>>,
    /// Whether it is protected from spoofing, without which security groups do nothing.
    port_security_enabled: Option<bool>,
    /// Further addresses that may send through it.
    allowed_address_pairs: Option<Vec<AddressPair>>,
    /// Options that DHCP hands out.
    extra_dhcp_opts: Option<Vec<DhcpOption>>,
    /// How its device is attached: `normal`, `direct`, `macvtap` or another.
    #[serde(rename = "binding:vnic_type")]
    vnic_type: Option<String>,
    /// The host that it is bound to. For administrators.
    #[serde(rename = "binding:host_id")]
    host_id: Option<String>,
    /// What the binding needs to know. For administrators.
    #[serde(rename = "binding:profile")]
    profile: Option<Map<String, Value>>,
    /// The quality-of-service policy, or null for none.
    qos_policy_id: Option<String>,
    /// Its name in DNS.
    dns_name: Option<String>,
    /// Its domain in DNS, with a dot at the end.
    dns_domain: Option<String>,
    /// Whether the state of the uplink shows on it.
    propagate_uplink_status: Option<bool>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

/// One address. Either part may be left to Neutron.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FixedIp {
    /// The subnet that it is of.
    subnet_id: Option<String>,
    /// The address itself.
    ip_address: Option<IpAddr>,
}

/// An address that may send through a port besides its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddressPair {
    /// An address or a block.
    ip_address: String,
    /// The MAC address, if it is not the port's.
    mac_address: Option<String>,
}

/// An option that DHCP hands out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DhcpOption {
    /// The option's name, such as `bootfile-name`.
    opt_name: String,
    /// Its value; null removes the option.
    opt_value: Option<String>,
    /// 4 or 6; 4 by default.
    ip_version: Option<u8>,
}

impl Resource for Port {
    const NAME: &'static str = "port";
    const SUMMARY: &'static str = "A place on a network where one interface of a device is attached";
    const PATH: &'static str = "ports";
    const MEMBER: &'static str = "port";
    const FIXED: &'static [&'static str] = &["network_id", "propagate_uplink_status", "project_id"];

    fn defaults() -> Value {
        json!({"name": "", "admin_state_up": true})
    }
}
