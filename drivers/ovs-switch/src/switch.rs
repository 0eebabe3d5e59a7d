//! The switch as a whole: what it is, and whether it has put into effect what its database says.

use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::answers::{Answers, Row, malformed};
use crate::column::{Column, optional};
use crate::plan::{Plan, Role, SWITCH};

/// The action's name.
pub const APPLIED: &str = "applied";

const VERSIONS: [Column; 2] = [optional("ovs_version"), optional("db_version")];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// What a change's result gave as `next_cfg`; the database's present one if it is left out.
    next_cfg: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "the member is what the action is called for")]
struct Applied {
    /// Whether the switch forwards packets as it was configured up to there. It may still be unable to have an
    /// interface: the port's `interface.error` tells.
    applied: bool,
    /// How often the configuration was changed.
    next_cfg: u64,
    /// Up to where the switch has put that into effect.
    cur_cfg: u64,
}

pub fn action() -> ActionBuilder {
    crosspoint_sdk::action(APPLIED, "Whether the switch has put a change into effect")
        .spec::<Option<Asked>>()
        .result::<Applied>()
        .read_only()
}

pub fn plan() -> Plan {
    let mut plan = Plan::default();
    plan.select(Role::Switch, SWITCH, &[], &["ovs_version", "db_version", "next_cfg", "cur_cfg"]);
    plan
}

pub fn probed(answers: &Answers) -> Result<Outcome, Fault> {
    let row = row(answers)?;
    let mut versions = Row::new();
    for column in VERSIONS {
        let version = row.get(column.name).and_then(|version| column.show(version));
        versions.insert(column.name.to_owned(), version.ok_or_else(|| malformed("a version is missing"))?);
    }
    outcome(&versions)?.into()
}

pub fn applied(call: &Call, answers: &Answers) -> Result<Outcome, Fault> {
    let row = row(answers)?;
    let number = |name: &str| row.get(name).and_then(Value::as_u64).ok_or_else(|| malformed("a counter is missing"));
    let (next_cfg, cur_cfg) = (number("next_cfg")?, number("cur_cfg")?);
    let asked = call.spec::<Option<Asked>>()?.unwrap_or_default();
    outcome(&Applied { applied: cur_cfg >= asked.next_cfg.unwrap_or(next_cfg), next_cfg, cur_cfg })?.into()
}

fn row(answers: &Answers) -> Result<&Row, Fault> {
    let none = "the database knows no switch yet: ovs-vswitchd has never run on it, nor `ovs-vsctl init`";
    answers.switch.first().ok_or_else(|| Fault::Unavailable(none.to_owned()))
}
