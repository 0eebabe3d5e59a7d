use std::collections::BTreeMap;

use crosspoint_sdk::prelude::*;

use super::{Strings, StringsPatch};
use crate::column::{Column, map, numbered, text};
use crate::resource::{Parent, Resource};

/// The quality of service of a port: how its traffic is shaped, and in which queues it waits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "qos")]
pub struct Qos {
    /// How traffic is shaped: `linux-htb`, `linux-hfsc`, `linux-noop`, `egress-policer` and the like.
    #[schemars(length(min = 1, max = 64))]
    r#type: String,
    /// Its queues by number: the backend's ids of objects of kind `queue`.
    #[schemars(extend("propertyNames" = {"pattern": "^(0|[1-9][0-9]{0,8})$"}))]
    queues: Option<BTreeMap<String, String>>,
    /// What the type needs to know: `max-rate` in bits a second and the like, as digits.
    other_config: Option<Strings>,
    /// Notes of other systems; `crosspoint` is reserved.
    external_ids: Option<Strings>,
}

/// What shall be different. `null` is the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "qos-patch")]
pub struct Patch {
    /// How traffic is shaped.
    #[schemars(length(min = 1, max = 64))]
    r#type: Option<String>,
    /// Its queues by number; those that are null go away, those that are not named stay.
    #[schemars(extend("propertyNames" = {"pattern": "^(0|[1-9][0-9]{0,8})$"}))]
    queues: Option<StringsPatch>,
    /// What the type needs to know; what is null goes away, what is not named stays.
    other_config: Option<StringsPatch>,
    /// Notes of other systems; those that are null go away, those that are not named stay.
    external_ids: Option<StringsPatch>,
}

impl Resource for Qos {
    type Patch = Patch;
    const NAME: &'static str = "qos";
    const SUMMARY: &'static str = "The quality of service of ports: shaping, and queues";
    const TABLE: &'static str = "QoS";
    const NAMED: bool = false;
    const CONFIG: &'static [Column] =
        &[text("type"), numbered("queues").to("Queue"), map("other_config"), map("external_ids")];
    const STATUS: &'static [Column] = &[];
    const PARENT: Parent = Parent::None;
}
