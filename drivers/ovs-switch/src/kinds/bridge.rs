use crosspoint_sdk::prelude::*;

use super::{Strings, StringsPatch};
use crate::column::{Column, flag, map, optional, set, text};
use crate::resource::{Parent, Resource};

/// A switch within the switch. It comes with its local port, of the same name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "bridge")]
pub struct Bridge {
    /// Its name, unique on the switch, and that of its local port. It never changes.
    #[schemars(length(min = 1, max = 255), pattern(r"^[^/\s]+$"))]
    name: String,
    /// What forwards its packets: `system` or empty for the kernel, `netdev` for user space.
    #[schemars(length(max = 32))]
    datapath_type: Option<String>,
    /// What it does while no controller answers.
    fail_mode: Option<FailMode>,
    /// The versions of `OpenFlow` to speak; all that are on by default if none is named.
    protocols: Option<Vec<OpenFlow>>,
    /// Whether multicast goes only where it is wanted.
    mcast_snooping_enable: Option<bool>,
    /// Whether it takes part in the spanning tree protocol.
    stp_enable: Option<bool>,
    /// Whether it takes part in the rapid spanning tree protocol.
    rstp_enable: Option<bool>,
    /// Further settings, as ovs-vswitchd.conf.db(5) has them.
    other_config: Option<Strings>,
    /// Notes of other systems; `crosspoint` is reserved.
    external_ids: Option<Strings>,
}

/// What shall be different. `null` is the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "bridge-patch")]
pub struct Patch {
    /// What forwards its packets: `system` or empty for the kernel, `netdev` for user space.
    #[schemars(length(max = 32))]
    datapath_type: Option<String>,
    /// What it does while no controller answers.
    fail_mode: Option<FailMode>,
    /// The versions of `OpenFlow` to speak.
    protocols: Option<Vec<OpenFlow>>,
    /// Whether multicast goes only where it is wanted.
    mcast_snooping_enable: Option<bool>,
    /// Whether it takes part in the spanning tree protocol.
    stp_enable: Option<bool>,
    /// Whether it takes part in the rapid spanning tree protocol.
    rstp_enable: Option<bool>,
    /// Further settings; those that are null go away, those that are not named stay.
    other_config: Option<StringsPatch>,
    /// Notes of other systems; those that are null go away, those that are not named stay.
    external_ids: Option<StringsPatch>,
}

/// What a bridge does while no controller answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FailMode {
    /// It forwards as a learning switch.
    Standalone,
    /// It forwards as it was last told.
    Secure,
}

/// A version of `OpenFlow`.
#[derive(Debug, Deserialize, JsonSchema)]
enum OpenFlow {
    OpenFlow10,
    OpenFlow11,
    OpenFlow12,
    OpenFlow13,
    OpenFlow14,
    OpenFlow15,
}

impl Resource for Bridge {
    type Patch = Patch;
    const NAME: &'static str = "bridge";
    const SUMMARY: &'static str = "A bridge, with its local port";
    const TABLE: &'static str = "Bridge";
    const NAMED: bool = true;
    const CONFIG: &'static [Column] = &[
        text("datapath_type"),
        optional("fail_mode"),
        set("protocols"),
        flag("mcast_snooping_enable"),
        flag("stp_enable"),
        flag("rstp_enable"),
        map("other_config"),
        map("external_ids"),
    ];
    const STATUS: &'static [Column] = &[optional("datapath_id"), text("datapath_version"), map("status")];
    const PARENT: Parent = Parent::Switch("bridges");
}
