use crosspoint_sdk::prelude::*;

use super::{Strings, StringsPatch};
use crate::column::{Column, map, optional};
use crate::resource::{Parent, Resource};

/// A queue: how much of a port some of its traffic gets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "queue")]
pub struct Queue {
    /// The mark that its packets get.
    #[schemars(range(max = 63))]
    dscp: Option<u8>,
    /// Its rates in bits a second (`min-rate`, `max-rate`), `burst` and `priority`, each as digits.
    other_config: Option<Strings>,
    /// Notes of other systems; `crosspoint` is reserved.
    external_ids: Option<Strings>,
}

/// What shall be different. `null` is the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "queue-patch")]
pub struct Patch {
    /// The mark that its packets get.
    #[schemars(range(max = 63))]
    dscp: Option<u8>,
    /// Its rates and the like; those that are null go away, those that are not named stay.
    other_config: Option<StringsPatch>,
    /// Notes of other systems; those that are null go away, those that are not named stay.
    external_ids: Option<StringsPatch>,
}

impl Resource for Queue {
    type Patch = Patch;
    const NAME: &'static str = "queue";
    const SUMMARY: &'static str = "A queue: how much of a port some of its traffic gets";
    const TABLE: &'static str = "Queue";
    const NAMED: bool = false;
    const CONFIG: &'static [Column] = &[optional("dscp"), map("other_config"), map("external_ids")];
    const STATUS: &'static [Column] = &[];
    const PARENT: Parent = Parent::None;
}
