use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::Resource;

/// A named set of rules that ports can be guarded with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "security-group")]
pub struct SecurityGroup {
    /// A name for people; it need not be unique, but may not be `default`.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    description: Option<String>,
    /// Whether replies to what was let through are let through too; true by default. Only while no port uses the group.
    stateful: Option<bool>,
    /// The project that owns it, if it is not that of the login. For administrators.
    project_id: Option<String>,
}

impl Resource for SecurityGroup {
    const NAME: &'static str = "security-group";
    const SUMMARY: &'static str = "A named set of rules that ports can be guarded with";
    const PATH: &'static str = "security-groups";
    const MEMBER: &'static str = "security_group";
    const FIXED: &'static [&'static str] = &["project_id"];

    fn defaults() -> Value {
        json!({"name": ""})
    }
}
