use crosspoint_sdk::prelude::*;

use super::{Strings, StringsPatch};
use crate::column::{Column, flag, map, optional, set, text};
use crate::resource::{Parent, Resource};

/// A mirror: packets of a bridge that are sent once more, to be looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mirror")]
pub struct Mirror {
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// The name of the bridge that it is on. It never changes.
    #[schemars(length(min = 1, max = 255))]
    bridge: String,
    /// Whether all packets are mirrored.
    select_all: Option<bool>,
    /// Packets that come in here are mirrored: the backend's ids of ports.
    select_src_port: Option<Vec<String>>,
    /// Packets that go out here are mirrored: the backend's ids of ports.
    select_dst_port: Option<Vec<String>>,
    /// Packets of these VLANs alone are mirrored; of all if none is named.
    #[schemars(inner(range(max = 4095)), length(max = 4096))]
    select_vlan: Option<Vec<u16>>,
    /// Where they are sent to: the backend's id of a port.
    output_port: Option<String>,
    /// Where they are sent to: a VLAN.
    #[schemars(range(min = 1, max = 4095))]
    output_vlan: Option<u16>,
    /// How many bytes of each are sent; all by default.
    #[schemars(range(min = 14))]
    snaplen: Option<u16>,
    /// Notes of other systems; `crosspoint` is reserved.
    external_ids: Option<Strings>,
}

/// What shall be different. `null` is the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mirror-patch")]
pub struct Patch {
    /// A name for people.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// Whether all packets are mirrored.
    select_all: Option<bool>,
    /// Packets that come in here are mirrored: the backend's ids of ports.
    select_src_port: Option<Vec<String>>,
    /// Packets that go out here are mirrored: the backend's ids of ports.
    select_dst_port: Option<Vec<String>>,
    /// Packets of these VLANs alone are mirrored; of all if none is named.
    #[schemars(inner(range(max = 4095)), length(max = 4096))]
    select_vlan: Option<Vec<u16>>,
    /// Where they are sent to: the backend's id of a port.
    output_port: Option<String>,
    /// Where they are sent to: a VLAN.
    #[schemars(range(min = 1, max = 4095))]
    output_vlan: Option<u16>,
    /// How many bytes of each are sent; all by default.
    #[schemars(range(min = 14))]
    snaplen: Option<u16>,
    /// Notes of other systems; those that are null go away, those that are not named stay.
    external_ids: Option<StringsPatch>,
}

impl Resource for Mirror {
    type Patch = Patch;
    const NAME: &'static str = "mirror";
    const SUMMARY: &'static str = "A mirror: packets of a bridge that are sent once more, to be looked at";
    const TABLE: &'static str = "Mirror";
    const NAMED: bool = false;
    const CONFIG: &'static [Column] = &[
        text("name"),
        flag("select_all"),
        set("select_src_port").to("Port"),
        set("select_dst_port").to("Port"),
        set("select_vlan"),
        optional("output_port").to("Port"),
        optional("output_vlan"),
        optional("snaplen"),
        map("external_ids"),
    ];
    const STATUS: &'static [Column] = &[map("statistics")];
    const PARENT: Parent = Parent::Bridge("mirrors");
}
