use std::net::IpAddr;

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::Resource;

/// An address on an external network that leads to a port inside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "floating-ip")]
pub struct FloatingIp {
    /// The external network.
    #[schemars(required)]
    floating_network_id: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// The port that it leads to; null, the default, for none yet.
    port_id: Option<String>,
    /// Which of the port's addresses it leads to; needed if it has several.
    fixed_ip_address: Option<IpAddr>,
    /// The address itself; Neutron picks one if it is not named. For administrators.
    floating_ip_address: Option<IpAddr>,
    /// The subnet of the external network that it shall be from.
    subnet_id: Option<String>,
    /// The quality-of-service policy, or null for none.
    qos_policy_id: Option<String>,
    /// Its name in DNS.
    dns_name: Option<String>,
    /// Its domain in DNS, with a dot at the end.
    dns_domain: Option<String>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

impl Resource for FloatingIp {
    const NAME: &'static str = "floating-ip";
    const SUMMARY: &'static str = "An address on an external network that leads to a port inside";
    const PATH: &'static str = "floatingips";
    const MEMBER: &'static str = "floatingip";
    const FIXED: &'static [&'static str] =
        &["floating_network_id", "floating_ip_address", "subnet_id", "dns_name", "dns_domain", "project_id"];

    fn defaults() -> Value {
        json!({"port_id": null})
    }
}
