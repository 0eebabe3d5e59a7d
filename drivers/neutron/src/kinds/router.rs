use std::net::IpAddr;

use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use super::subnet::Route;
use crate::resource::Resource;

/// A router between subnets, and from them to an external network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "router")]
pub struct Router {
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// Whether it forwards packets; true by default.
    admin_state_up: Option<bool>,
    /// The way outside; null, the default, for none.
    external_gateway_info: Option<Gateway>,
    /// Static routes. Neutron takes them with `update` and `replace` only.
    routes: Option<Vec<Route>>,
    /// Whether each host routes for itself. For administrators.
    distributed: Option<bool>,
    /// Whether a standby takes over when it fails. For administrators.
    ha: Option<bool>,
    /// The flavor that it is made of.
    flavor_id: Option<String>,
    /// Availability zones that it should be in.
    availability_zone_hints: Option<Vec<String>>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

/// A router's way outside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Gateway {
    /// The external network.
    network_id: String,
    /// Whether it hides inner addresses behind its own. For administrators.
    enable_snat: Option<bool>,
    /// Its addresses outside. For administrators.
    external_fixed_ips: Option<Vec<GatewayIp>>,
}

/// One address of a gateway. Either part may be left to Neutron.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GatewayIp {
    /// The subnet that it is of.
    subnet_id: Option<String>,
    /// The address itself.
    ip_address: Option<IpAddr>,
}

/// What a router is joined to: a subnet, at whose gateway address it then answers, or a port. One of the two.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Interface {
    /// The subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet_id: Option<String>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    port_id: Option<String>,
}

/// An interface that a router has got or lost.
#[derive(Debug, JsonSchema)]
struct Joined {
    /// The router.
    id: String,
    /// The router's port on the subnet.
    port_id: String,
    /// The subnet.
    subnet_id: String,
    /// The network.
    network_id: Option<String>,
    /// The project that owns the router.
    project_id: Option<String>,
}

impl Resource for Router {
    const NAME: &'static str = "router";
    const SUMMARY: &'static str = "A router between subnets, and from them to an external network";
    const PATH: &'static str = "routers";
    const MEMBER: &'static str = "router";
    const FIXED: &'static [&'static str] = &["flavor_id", "availability_zone_hints", "project_id"];

    fn defaults() -> Value {
        json!({"name": "", "admin_state_up": true, "external_gateway_info": null})
    }

    fn actions() -> Vec<ActionBuilder> {
        // The second of two is refused, as already there or as not there any more, and changes nothing.
        let interface = |name, summary| action(name, summary).spec::<Interface>().result::<Joined>().reissuable();
        vec![
            interface(ADD_INTERFACE, "Join the router to a subnet or a port"),
            interface(REMOVE_INTERFACE, "Part the router from a subnet or a port"),
        ]
    }

    fn act(action: &str, call: &Call) -> Result<Value, Fault> {
        if ![ADD_INTERFACE, REMOVE_INTERFACE].contains(&action) {
            return Err(call.unsupported());
        }
        let spec: Interface = call.spec()?;
        if spec.subnet_id.is_some() == spec.port_id.is_some() {
            return Err(Fault::invalid("", "name either `subnet_id` or `port_id`"));
        }
        Ok(json!(spec))
    }
}

/// The action that gives a router an interface.
const ADD_INTERFACE: &str = "add_router_interface";

/// The action that takes an interface from a router.
const REMOVE_INTERFACE: &str = "remove_router_interface";
