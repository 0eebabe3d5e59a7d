use crosspoint_sdk::prelude::*;

use super::interface::{Interface, InterfacePatch};
use super::{Strings, StringsPatch};
use crate::column::{Column, flag, map, optional, set};
use crate::resource::{Parent, Resource};

/// A port of a bridge, with one interface of the same name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "port")]
pub struct Port {
    /// Its name, unique on the switch. It never changes. A port of the default type takes the network device of this
    /// name.
    #[schemars(length(min = 1, max = 255), pattern(r"^[^/\s]+$"))]
    name: String,
    /// The name of the bridge that it is on. It never changes.
    #[schemars(length(min = 1, max = 255))]
    bridge: String,
    /// What it does with VLAN tags; by default it is an access port if there is a tag, else a trunk port.
    vlan_mode: Option<VlanMode>,
    /// The VLAN of an access port, or the native VLAN of a trunk port.
    #[schemars(range(max = 4095))]
    tag: Option<u16>,
    /// The VLANs that a trunk port carries; all if none is named.
    #[schemars(inner(range(max = 4095)), length(max = 4096))]
    trunks: Option<Vec<u16>>,
    /// The customers' VLANs that a `dot1q-tunnel` port carries; all if none is named.
    #[schemars(inner(range(max = 4095)), length(max = 4096))]
    cvlans: Option<Vec<u16>>,
    /// Whether it is kept from other protected ports.
    protected: Option<bool>,
    /// What shapes its traffic: the backend's id of an object of kind `qos`.
    #[schemars(pattern(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    qos: Option<String>,
    /// Its interface.
    interface: Option<Interface>,
    /// Further settings, as ovs-vswitchd.conf.db(5) has them.
    other_config: Option<Strings>,
    /// Notes of other systems; `crosspoint` is reserved.
    external_ids: Option<Strings>,
}

/// What shall be different. `null` is the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "port-patch")]
pub struct Patch {
    /// What it does with VLAN tags.
    vlan_mode: Option<VlanMode>,
    /// The VLAN of an access port, or the native VLAN of a trunk port.
    #[schemars(range(max = 4095))]
    tag: Option<u16>,
    /// The VLANs that a trunk port carries; all if none is named.
    #[schemars(inner(range(max = 4095)), length(max = 4096))]
    trunks: Option<Vec<u16>>,
    /// The customers' VLANs that a `dot1q-tunnel` port carries; all if none is named.
    #[schemars(inner(range(max = 4095)), length(max = 4096))]
    cvlans: Option<Vec<u16>>,
    /// Whether it is kept from other protected ports.
    protected: Option<bool>,
    /// What shapes its traffic: the backend's id of an object of kind `qos`.
    #[schemars(pattern(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    qos: Option<String>,
    /// What shall be different of its interface.
    interface: Option<InterfacePatch>,
    /// Further settings; those that are null go away, those that are not named stay.
    other_config: Option<StringsPatch>,
    /// Notes of other systems; those that are null go away, those that are not named stay.
    external_ids: Option<StringsPatch>,
}

/// What a port does with VLAN tags.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum VlanMode {
    /// Packets come and go without a tag, and are of VLAN `tag`.
    Access,
    /// Packets come and go with a tag.
    Trunk,
    /// As a trunk; packets without a tag are of VLAN `tag`, and leave with that tag.
    NativeTagged,
    /// As a trunk; packets without a tag are of VLAN `tag`, and leave without it.
    NativeUntagged,
    /// The customer's packets, tagged or not, travel within VLAN `tag`.
    Dot1qTunnel,
}

impl Resource for Port {
    type Patch = Patch;
    const NAME: &'static str = "port";
    const SUMMARY: &'static str = "A port of a bridge, with its VLANs and its interface";
    const TABLE: &'static str = "Port";
    const NAMED: bool = true;
    const CONFIG: &'static [Column] = &[
        optional("vlan_mode"),
        optional("tag"),
        set("trunks"),
        set("cvlans"),
        flag("protected"),
        optional("qos").to("QoS"),
        map("other_config"),
        map("external_ids"),
    ];
    const STATUS: &'static [Column] = &[map("status")];
    const PARENT: Parent = Parent::Bridge("ports");
    const INTERFACE: bool = true;
}
