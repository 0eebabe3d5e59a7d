//! The interface that belongs to a port. It is no kind of its own: nobody but the port has a use for it.

use crosspoint_sdk::prelude::*;

use super::{Strings, StringsPatch};
use crate::column::{Column, map, optional, text};

/// The database's table.
pub const TABLE: &str = "Interface";

/// The columns that a spec sets.
pub const CONFIG: &[Column] = &[
    text("type"),
    map("options"),
    optional("mac"),
    optional("mtu_request"),
    optional("ofport_request"),
    map("other_config"),
];

/// The columns that only the switch sets.
pub const STATUS: &[Column] = &[
    optional("ofport"),
    optional("admin_state"),
    optional("link_state"),
    optional("mac_in_use"),
    optional("mtu"),
    optional("error"),
];

/// The columns to ask for.
pub fn columns() -> Vec<&'static str> {
    let own = CONFIG.iter().chain(STATUS).map(|column| column.name);
    ["_version", "name"].into_iter().chain(own).collect()
}

/// What attaches a port to the world.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// Empty for a network device that is there, `internal` for one that is made, `patch`, `vxlan`, `gre` and the like.
    #[schemars(length(max = 32))]
    r#type: Option<String>,
    /// What the type needs to know: `remote_ip` for a tunnel, `peer` for a patch.
    options: Option<Strings>,
    /// The address that it shall have.
    #[schemars(pattern(r"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$"))]
    mac: Option<String>,
    /// The longest packet that it shall carry, in bytes.
    #[schemars(range(min = 68, max = 65535))]
    mtu_request: Option<u16>,
    /// The number that it shall have in `OpenFlow`.
    #[schemars(range(min = 1, max = 65279))]
    ofport_request: Option<u16>,
    /// Further settings, as ovs-vswitchd.conf.db(5) has them.
    other_config: Option<Strings>,
}

/// What shall be different. `null` is the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterfacePatch {
    /// Empty for a network device that is there, `internal` for one that is made, `patch`, `vxlan`, `gre` and the like.
    #[schemars(length(max = 32))]
    r#type: Option<String>,
    /// What the type needs to know; what is null goes away, what is not named stays.
    options: Option<StringsPatch>,
    /// The address that it shall have.
    #[schemars(pattern(r"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$"))]
    mac: Option<String>,
    /// The longest packet that it shall carry, in bytes.
    #[schemars(range(min = 68, max = 65535))]
    mtu_request: Option<u16>,
    /// The number that it shall have in `OpenFlow`.
    #[schemars(range(min = 1, max = 65279))]
    ofport_request: Option<u16>,
    /// Further settings; those that are null go away, those that are not named stay.
    other_config: Option<StringsPatch>,
}
