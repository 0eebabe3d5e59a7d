use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::Resource;

/// A quality of service that networks, ports and floating IPs can be given by its id. What it does is in its rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "qos-policy")]
pub struct QosPolicy {
    /// A name for people; it need not be unique.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// Whether all projects may use it.
    shared: Option<bool>,
    /// Whether the project's new networks get it where they name none. A project has one such policy at most.
    is_default: Option<bool>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

impl Resource for QosPolicy {
    const NAME: &'static str = "qos-policy";
    const SUMMARY: &'static str = "A quality of service that networks, ports and floating IPs can be given";
    const PATH: &'static str = "qos/policies";
    const MEMBER: &'static str = "policy";
    const FIXED: &'static [&'static str] = &["project_id"];

    fn defaults() -> Value {
        json!({"name": ""})
    }
}
