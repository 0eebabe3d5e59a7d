use std::net::IpAddr;

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::Resource;

/// A block of IP addresses on a network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "subnet")]
pub struct Subnet {
    /// The network that it is on.
    #[schemars(required)]
    network_id: Option<String>,
    /// 4 or 6.
    #[schemars(required, range(min = 4, max = 6))]
    ip_version: Option<u8>,
    /// The block, such as `192.0.2.0/24`; needed unless it comes from a pool.
    cidr: Option<String>,
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// The default gateway; null for none, and the first address of the block if it is not named.
    gateway_ip: Option<String>,
    /// Whether DHCP serves it; true by default.
    enable_dhcp: Option<bool>,
    /// The ranges from which ports get addresses; all but the gateway if they are not named.
    allocation_pools: Option<Vec<AllocationPool>>,
    /// DNS servers that DHCP hands out.
    dns_nameservers: Option<Vec<String>>,
    /// Static routes that DHCP hands out.
    host_routes: Option<Vec<Route>>,
    /// Which device owners may get an address of it; all if none is named.
    service_types: Option<Vec<String>>,
    /// The pool that the block comes from.
    subnetpool_id: Option<String>,
    /// Whether the block comes from the default pool.
    use_default_subnetpool: Option<bool>,
    /// How large a block a pool shall give.
    #[schemars(range(max = 128))]
    prefixlen: Option<u8>,
    /// How routers announce it; for IPv6.
    ipv6_ra_mode: Option<Ipv6Mode>,
    /// How ports get addresses; for IPv6.
    ipv6_address_mode: Option<Ipv6Mode>,
    /// The segment of the network that it is on.
    segment_id: Option<String>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

/// Addresses from the first to the last.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AllocationPool {
    /// The first address.
    start: IpAddr,
    /// The last address.
    end: IpAddr,
}

/// A static route.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Where to, such as `198.51.100.0/24`.
    destination: String,
    /// The next hop.
    nexthop: IpAddr,
}

/// How IPv6 addresses come about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Ipv6Mode {
    Slaac,
    Dhcpv6Stateful,
    Dhcpv6Stateless,
}

impl Resource for Subnet {
    const NAME: &'static str = "subnet";
    const SUMMARY: &'static str = "A block of IP addresses on a network";
    const PATH: &'static str = "subnets";
    const MEMBER: &'static str = "subnet";
    const FIXED: &'static [&'static str] = &[
        "network_id",
        "ip_version",
        "cidr",
        "subnetpool_id",
        "use_default_subnetpool",
        "prefixlen",
        "ipv6_ra_mode",
        "ipv6_address_mode",
        "segment_id",
        "project_id",
    ];

    fn defaults() -> Value {
        json!({"name": "", "enable_dhcp": true, "dns_nameservers": [], "host_routes": []})
    }
}
