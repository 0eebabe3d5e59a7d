use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::part::Within;
use crate::resource::Resource;

/// A rule of a quality-of-service policy: how much may be sent or received at most. A policy has one for each direction.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "qos-bandwidth-limit-rule")]
pub struct QosBandwidthLimitRule {
    /// The policy that it is part of.
    #[schemars(required)]
    qos_policy_id: Option<String>,
    /// The limit in kilobits a second.
    #[schemars(required, range(max = 2_147_483_647))]
    max_kbps: Option<u32>,
    /// How many kilobits a burst may have above the limit; 0, the default, leaves it to whoever enforces the rule.
    #[schemars(range(max = 2_147_483_647))]
    max_burst_kbps: Option<u32>,
    /// Which way the packets go, as seen from the port; `egress` by default.
    direction: Option<Direction>,
}

/// The way of packets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Ingress,
    Egress,
}

impl Resource for QosBandwidthLimitRule {
    const NAME: &'static str = "qos-bandwidth-limit-rule";
    const SUMMARY: &'static str = "A rule of a quality-of-service policy: how much may be sent or received at most";
    const PATH: &'static str = "bandwidth_limit_rules";
    const MEMBER: &'static str = "bandwidth_limit_rule";
    const FIXED: &'static [&'static str] = &["qos_policy_id"];
    const WITHIN: Option<Within> = Some(Within {
        attribute: "qos_policy_id",
        path: "qos/policies",
        member: "rules",
        part: "bandwidth_limit",
        most: 2,
    });
    // A policy has one rule of this kind for each direction.
    const CREATION: Creation = Creation::Conditional;

    fn defaults() -> Value {
        json!({"max_burst_kbps": 0, "direction": "egress"})
    }
}
