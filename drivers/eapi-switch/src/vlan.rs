//! VLANs. The number is the id; the name is people's own, for a marker would leave three characters of it.

use std::collections::BTreeMap;

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::command::{Line, Word, line};
use crate::plan::{Plan, Step};

/// The kind's name.
pub const NAME: &str = "vlan";

/// Longest name, in characters.
const LONGEST: usize = 32;

/// A VLAN.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// The VLAN's number. 1 is always there.
    #[schemars(range(min = 2, max = 4094))]
    id: u16,
    /// The switch makes up a name where there is none: `VLAN0100`.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_.:/-]*$"))]
    name: Option<String>,
    #[serde(default)]
    state: State,
}

/// What changes in a VLAN.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Patch {
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_.:/-]*$"))]
    name: Option<String>,
    state: Option<State>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum State {
    #[default]
    Active,
    /// The VLAN is known and forwards nothing.
    Suspended,
}

/// A VLAN as the switch shows it.
#[derive(Debug, Serialize, JsonSchema)]
struct View {
    id: u16,
    name: String,
    state: State,
    /// Made by a protocol, and not by configuration.
    dynamic: bool,
    /// The ports that are in it now.
    interfaces: Vec<String>,
}

/// What the host is told of the kind.
pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A VLAN of the switch")
        .spec::<Spec>()
        .patch::<Patch>()
        .result::<View>()
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::List])
        .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
        .creation(Creation::Idempotent)
}

/// The command lines of a call.
pub fn plan(call: &Call) -> Result<Plan, Fault> {
    let show = |id: u16| line("show vlan").number(id);
    match call.verb {
        Verb::Create => {
            let spec: Spec = call.spec()?;
            Ok(Plan::changing([], set(&spec)?, [show(checked(spec.id)?)]))
        }
        Verb::Replace => {
            let spec: Spec = call.spec()?;
            let id = id(call)?;
            if spec.id != id {
                return Err(Fault::invalid(
                    "/id",
                    format!("the number is how the switch knows the VLAN, and stays {id}"),
                ));
            }
            Ok(Plan::changing([show(id).into()], set(&spec)?, [show(id)]))
        }
        Verb::Update => {
            let patch: Patch = call.spec()?;
            let id = id(call)?;
            let mut changes = vec![Step::from(line("vlan").number(id))];
            changes.extend(patch.name.map(|new| name(Some(&new))).transpose()?);
            changes.extend(patch.state.map(state));
            Ok(Plan::changing([show(id).into()], changes, [show(id)]))
        }
        Verb::Delete => {
            let id = id(call)?;
            Ok(Plan::changing([show(id).into()], [line("no vlan").number(id).into()], []))
        }
        Verb::Read => Ok(Plan::reading([show(id(call)?)])),
        Verb::List => Ok(Plan::reading([line("show vlan")])),
        _ => Err(call.unsupported()),
    }
}

fn set(spec: &Spec) -> Result<Vec<Step>, Fault> {
    let vlan = Step::about("/id", line("vlan").number(checked(spec.id)?));
    Ok(vec![vlan, name(spec.name.as_deref())?, state(spec.state)])
}

fn name(name: Option<&str>) -> Result<Step, Fault> {
    let line: Line = match name {
        Some(name) => line("name").word(&Word::new(name, LONGEST, "/name")?),
        None => line("no name"),
    };
    Ok(Step::about("/name", line))
}

fn state(state: State) -> Step {
    Step::about(
        "/state",
        match state {
            State::Active => line("state active"),
            State::Suspended => line("state suspend"),
        },
    )
}

/// The number in the backend's id.
fn id(call: &Call) -> Result<u16, Fault> {
    let id = call.backend_id()?;
    // Only as the switch itself would write it: `0100` is no second name of VLAN 100.
    let number = id.parse().ok().filter(|number: &u16| (1..=4094).contains(number) && number.to_string() == id);
    number.ok_or_else(|| Fault::NotFound(format!("no VLAN has the number `{id}`")))
}

fn checked(id: u16) -> Result<u16, Fault> {
    if (2..=4094).contains(&id) { Ok(id) } else { Err(Fault::invalid("/id", "a VLAN's number is 2 to 4094")) }
}

/// What `show vlan` says.
#[derive(Deserialize)]
struct Shown {
    vlans: BTreeMap<u16, Vlan>,
}

#[derive(Deserialize)]
struct Vlan {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    interfaces: BTreeMap<String, Value>,
}

/// What the results say.
pub fn decode(call: &Call, shown: &[Value]) -> Result<Outcome, Fault> {
    if call.verb == Verb::Delete {
        return outcome(&())?.into();
    }
    let shown = shown.first().cloned().unwrap_or_default();
    let shown: Shown = serde_json::from_value(shown)
        .map_err(|error| Fault::MalformedReply(format!("what `show vlan` says does not fit: {error}")))?;
    if call.verb == Verb::List {
        return list(call, shown);
    }
    let id = match call.verb {
        Verb::Create => call.spec::<Spec>()?.id,
        _ => id(call)?,
    };
    let vlan = shown.vlans.into_iter().find(|(shown, _)| *shown == id);
    match vlan {
        Some((id, vlan)) => outcome(&vlan.view(id))?.id(id.to_string()).into(),
        None if call.verb == Verb::Read => Err(Fault::NotFound(format!("the switch has no VLAN {id}"))),
        None => Err(Fault::MalformedReply(format!("the switch does not show VLAN {id}"))),
    }
}

/// A page of what is always one whole reply.
fn list(call: &Call, shown: Shown) -> Result<Outcome, Fault> {
    let after: u16 = call.page_token.as_deref().and_then(|token| token.parse().ok()).unwrap_or_default();
    let size = call.page_size.and_then(|size| usize::try_from(size.max(1)).ok()).unwrap_or(usize::MAX);
    let mut rest = shown.vlans.into_iter().filter(|(id, _)| *id > after).peekable();
    let page = rest.by_ref().take(size).map(|(id, vlan)| found(id.to_string(), &vlan.view(id)));
    let page = page.collect::<Result<Vec<_>, _>>()?;
    let next = page.last().filter(|_| rest.peek().is_some()).map(|last| last.backend_id.clone());
    outcome(&())?.found(page).next_page(next).into()
}

impl Vlan {
    fn view(self, id: u16) -> View {
        let state = if self.status.eq_ignore_ascii_case("suspended") { State::Suspended } else { State::Active };
        let interfaces = self.interfaces.into_keys().collect();
        View { id, name: self.name, state, dynamic: self.dynamic, interfaces }
    }
}
