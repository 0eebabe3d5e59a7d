use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::{Resource, Shown};

/// A port that carries other ports' traffic too, each in a VLAN of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "trunk")]
pub struct Trunk {
    /// The port that carries the others, whose own traffic has no tag.
    #[schemars(required)]
    port_id: Option<String>,
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// Whether it may be changed; true by default. While it is false, Neutron refuses the actions and the deletion.
    admin_state_up: Option<bool>,
    /// The ports that it carries. Later the actions `add_subports` and `remove_subports` change them.
    sub_ports: Option<Vec<SubPort>>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

/// A port that a trunk carries.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SubPort {
    /// The port.
    port_id: String,
    /// How its traffic is told from the others': `vlan`, or `inherit` for what its network has.
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation_type: Option<Segmentation>,
    /// The VLAN id; not with `inherit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4094))]
    segmentation_id: Option<u16>,
}

/// How the traffic of a sub-port is told from the others'.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Segmentation {
    Vlan,
    Inherit,
}

/// Ports that a trunk shall carry from now on: all of them, or none if one cannot be.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Added {
    /// The ports.
    #[schemars(length(min = 1))]
    sub_ports: Vec<SubPort>,
}

/// Ports that a trunk shall carry no more: all of them, or none if it does not carry one.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Removed {
    /// The ports.
    #[schemars(length(min = 1))]
    sub_ports: Vec<Carried>,
}

/// A port that a trunk carries, by its id.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Carried {
    /// The port.
    port_id: String,
}

impl Resource for Trunk {
    const NAME: &'static str = "trunk";
    const SUMMARY: &'static str = "A port that carries other ports' traffic too, each in a VLAN of its own";
    const PATH: &'static str = "trunks";
    const MEMBER: &'static str = "trunk";
    const FIXED: &'static [&'static str] = &["port_id", "sub_ports", "project_id"];
    const MOVED: &'static [&'static str] = &["sub_ports"];
    // A port is the parent of one trunk at most, but Neutron does not say that the trunk there is the one that was asked for.
    const CREATION: Creation = Creation::Duplicating;

    fn defaults() -> Value {
        json!({"name": "", "admin_state_up": true})
    }

    fn actions() -> Vec<ActionBuilder> {
        // The second of two is refused, because a port is in one trunk or not there any more, and changes nothing.
        vec![
            action(ADD, "Let the trunk carry more ports").spec::<Added>().result::<Shown<Self>>().reissuable(),
            action(REMOVE, "Let the trunk carry some ports no more")
                .spec::<Removed>()
                .result::<Shown<Self>>()
                .reissuable(),
        ]
    }

    fn act(action: &str, call: &Call) -> Result<Value, Fault> {
        match action {
            ADD => Ok(json!(call.spec::<Added>()?)),
            REMOVE => Ok(json!(call.spec::<Removed>()?)),
            _ => Err(call.unsupported()),
        }
    }
}

/// The action that gives a trunk sub-ports.
const ADD: &str = "add_subports";

/// The action that takes sub-ports from a trunk.
const REMOVE: &str = "remove_subports";
