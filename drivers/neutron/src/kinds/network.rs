use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::Resource;

/// A layer-2 network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "network")]
pub struct Network {
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// Whether the network forwards packets; true by default.
    admin_state_up: Option<bool>,
    /// Largest packet in bytes; by default the largest that the network's type allows.
    #[schemars(range(min = 0))]
    mtu: Option<u32>,
    /// Whether all projects may use it. For administrators.
    shared: Option<bool>,
    /// Whether it leads outside, so that routers can have gateways and floating IPs on it. For administrators.
    #[serde(rename = "router:external")]
    external: Option<bool>,
    /// Whether it is the external network that is taken where none is named. For administrators.
    is_default: Option<bool>,
    /// Whether new ports on it are protected from spoofing; true by default.
    port_security_enabled: Option<bool>,
    /// The DNS domain of its ports, with a dot at the end.
    dns_domain: Option<String>,
    /// The quality-of-service policy, or null for none.
    qos_policy_id: Option<String>,
    /// How it is built: `flat`, `vlan`, `vxlan` or another. For administrators.
    #[serde(rename = "provider:network_type")]
    network_type: Option<String>,
    /// The physical network below. For administrators.
    #[serde(rename = "provider:physical_network")]
    physical_network: Option<String>,
    /// The VLAN id or the like. For administrators.
    #[serde(rename = "provider:segmentation_id")]
    segmentation_id: Option<u32>,
    /// Whether it carries VLAN tags of its users.
    vlan_transparent: Option<bool>,
    /// Availability zones that its services should be in.
    availability_zone_hints: Option<Vec<String>>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

impl Resource for Network {
    const NAME: &'static str = "network";
    const SUMMARY: &'static str = "A layer-2 network";
    const PATH: &'static str = "networks";
    const MEMBER: &'static str = "network";
    const FIXED: &'static [&'static str] = &[
        "provider:network_type",
        "provider:physical_network",
        "provider:segmentation_id",
        "vlan_transparent",
        "availability_zone_hints",
        "project_id",
    ];

    fn defaults() -> Value {
        json!({"name": "", "admin_state_up": true})
    }
}
