//! The kinds of object: what each is made of. How all of them are handled is in `object.rs`.
#![allow(dead_code, reason = "a spec's type is there for its shape: what is sent is made of the spec as it came")]

mod address;
mod address_group;
pub mod policy;
mod virtual_ip;

use crosspoint_sdk::prelude::*;

use crate::resource::Kind;

/// All kinds.
pub const ALL: [Kind; 4] = [
    Kind::of::<address::Address>(),
    Kind::of::<address_group::AddressGroup>(),
    Kind::of::<policy::Policy>(),
    Kind::of::<virtual_ip::VirtualIp>(),
];

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    const { &ALL }.iter().find(|kind| kind.name == name)
}

/// FortiOS's own way of saying yes and no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    Enable,
    Disable,
}
