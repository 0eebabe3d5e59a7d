use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use super::Switch;
use crate::resource::{Key, Object, Resource, Shape, missing};

/// A rule about traffic from some interfaces to others. The first that fits counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "policy")]
pub struct Policy {
    /// Unique in the virtual domain.
    #[schemars(required, length(min = 1, max = 35), regex(pattern = r#"^[^<>()#'"]+$"#))]
    name: Option<String>,
    /// The names of the interfaces or zones that traffic comes from; `any` for all.
    #[schemars(required, length(min = 1))]
    srcintf: Option<Vec<String>>,
    /// The names of the interfaces or zones that traffic goes to.
    #[schemars(required, length(min = 1))]
    dstintf: Option<Vec<String>>,
    /// The names of the addresses and groups that traffic comes from; `all` for all.
    #[schemars(required, length(min = 1))]
    srcaddr: Option<Vec<String>>,
    /// The names of the addresses, groups and virtual IPs that traffic goes to.
    #[schemars(required, length(min = 1))]
    dstaddr: Option<Vec<String>>,
    /// The names of the services and service groups; `ALL` for all.
    #[schemars(required, length(min = 1))]
    service: Option<Vec<String>>,
    /// What happens to the traffic.
    #[schemars(required)]
    action: Option<Action>,
    /// The name of the schedule; `always` by default.
    #[schemars(length(min = 1, max = 35))]
    schedule: Option<String>,
    /// Whether it is in force; `enable` by default.
    status: Option<Switch>,
    /// Whether the source is hidden behind the outgoing interface's address; `disable` by default.
    nat: Option<Switch>,
    /// Which sessions are logged; `utm`, those that a security profile meets, by default.
    logtraffic: Option<Logging>,
    /// A text for people.
    #[schemars(length(max = 988))]
    comments: Option<String>,
}

/// What happens to traffic.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Accept,
    Deny,
}

/// Which sessions are logged.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Logging {
    All,
    Utm,
    Disable,
}

/// Where a policy is moved to: before another, or after it. One of the two.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The number of the policy that shall come next.
    #[schemars(range(min = 1))]
    pub before: Option<u32>,
    /// The number of the policy that shall come just before.
    #[schemars(range(min = 1))]
    pub after: Option<u32>,
}

/// A policy that was moved.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Moved {
    /// Its number.
    pub policyid: u64,
}

/// The action that moves a policy.
pub const MOVE: &str = "move";

impl Resource for Policy {
    const NAME: &'static str = "policy";
    const SUMMARY: &'static str = "A rule about traffic between interfaces";
    const PATH: &'static str = "policy";
    const KEY: Key = Key::PolicyId;
    const COMMENT: (&'static str, usize) = ("comments", 1023);
    const SHAPES: &'static [(&'static str, Shape)] = &[
        ("srcintf", Shape::List("name")),
        ("dstintf", Shape::List("name")),
        ("srcaddr", Shape::List("name")),
        ("dstaddr", Shape::List("name")),
        ("service", Shape::List("name")),
    ];

    fn defaults() -> Value {
        json!({"schedule": "always", "status": "enable", "nat": "disable", "logtraffic": "utm", "comments": ""})
    }

    fn idle(object: &Object) -> &'static [&'static str] {
        // What is not let through is not translated, and no security profile looks at it.
        if object.get("action").is_some_and(|action| action == "deny") { &["nat", "logtraffic"] } else { &[] }
    }

    fn faults(&self) -> Vec<Violation> {
        [
            ("name", self.name.is_none()),
            ("srcintf", self.srcintf.is_none()),
            ("dstintf", self.dstintf.is_none()),
            ("srcaddr", self.srcaddr.is_none()),
            ("dstaddr", self.dstaddr.is_none()),
            ("service", self.service.is_none()),
            ("action", self.action.is_none()),
        ]
        .into_iter()
        .filter(|(_, absent)| *absent)
        .map(|(name, _)| missing(name, "in every policy"))
        .collect()
    }

    fn actions() -> Vec<ActionBuilder> {
        let place = action(MOVE, "Put the policy before or after another").spec::<Place>().result::<Moved>();
        // It says where the policy shall be.
        vec![place.reissuable()]
    }
}
