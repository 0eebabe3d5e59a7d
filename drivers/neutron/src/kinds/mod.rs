//! The kinds of object: what each is made of. How all of them are handled is in `object.rs`.
#![allow(dead_code, reason = "a spec's type is there for its shape: what is sent is the spec as it came")]
#![allow(clippy::struct_field_names, reason = "the names are Neutron's")]

mod floating_ip;
mod network;
mod port;
mod qos_bandwidth_limit_rule;
mod qos_policy;
mod router;
mod security_group;
mod security_group_rule;
mod subnet;
mod trunk;

use crate::resource::Kind;

/// All kinds.
pub const ALL: [Kind; 10] = [
    Kind::of::<network::Network>(),
    Kind::of::<subnet::Subnet>(),
    Kind::of::<port::Port>(),
    Kind::of::<router::Router>(),
    Kind::of::<security_group::SecurityGroup>(),
    Kind::of::<security_group_rule::SecurityGroupRule>(),
    Kind::of::<floating_ip::FloatingIp>(),
    Kind::of::<qos_policy::QosPolicy>(),
    Kind::of::<qos_bandwidth_limit_rule::QosBandwidthLimitRule>(),
    Kind::of::<trunk::Trunk>(),
];

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    const { &ALL }.iter().find(|kind| kind.name == name)
}
