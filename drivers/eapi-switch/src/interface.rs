//! Ethernet ports. They are all there from the beginning, and so a port is an object when it has a description: to create
//! one is to take a port, to delete it is to give the port back as it came from the factory.

use std::collections::BTreeMap;

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::command::{Text, Word, line};
use crate::plan::{Plan, Step};

/// The kind's name.
pub const NAME: &str = "interface";

/// Longest description, in characters.
const DESCRIPTION: usize = 240;

/// Longest name of a port: `Ethernet123/45/67`.
const LONGEST: usize = 20;

/// Longest list of VLANs.
const VLANS: usize = 1024;

/// What a port does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// `Ethernet1`, or `Ethernet3/1` where ports have lanes or slots.
    #[schemars(length(max = 20), regex(pattern = "^Ethernet[0-9]{1,3}(/[0-9]{1,3}){0,2}$"))]
    name: String,
    /// For people: letters, digits, spaces and `.,:;/+=@#%&*()[]{}~^_$'-`.
    #[serde(default)]
    #[schemars(length(max = 205), regex(pattern = r"^[A-Za-z0-9 .,:;/+=@#%&*()\[\]{}~^_$'-]*$"))]
    description: String,
    #[serde(default)]
    mode: Mode,
    /// The VLAN of a port in mode `access`.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 4094))]
    access_vlan: u16,
    /// The VLANs of a port in mode `trunk`: `10,20-29`; all of them where nothing is said.
    #[serde(default = "all")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$"))]
    trunk_vlans: String,
    /// The VLAN of untagged frames at a port in mode `trunk`.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 4094))]
    native_vlan: u16,
    /// Whether the port is up as far as it depends on the switch.
    #[serde(default = "yes")]
    enabled: bool,
}

/// What changes at a port.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Patch {
    #[schemars(length(max = 205), regex(pattern = r"^[A-Za-z0-9 .,:;/+=@#%&*()\[\]{}~^_$'-]*$"))]
    description: Option<String>,
    mode: Option<Mode>,
    #[schemars(range(min = 1, max = 4094))]
    access_vlan: Option<u16>,
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$"))]
    trunk_vlans: Option<String>,
    #[schemars(range(min = 1, max = 4094))]
    native_vlan: Option<u16>,
    enabled: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Access,
    Trunk,
}

fn first() -> u16 {
    1
}

/// All VLANs, as a list.
fn all() -> String {
    "1-4094".to_owned()
}

fn yes() -> bool {
    true
}

/// A port as the switch shows it.
#[derive(Debug, Serialize, JsonSchema)]
struct View {
    name: String,
    description: String,
    /// Neither `access` nor `trunk` where the port is no switch port, or is in a mode that specs do not have.
    mode: String,
    access_vlan: Option<u16>,
    trunk_vlans: Option<String>,
    native_vlan: Option<u16>,
    enabled: bool,
    /// `connected`, `notconnect`, `disabled`, `errdisabled`.
    link: String,
}

/// What the host is told of the kind.
pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "An Ethernet port in use")
        .spec::<Spec>()
        .patch::<Patch>()
        .result::<View>()
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::Find, Verb::List])
        .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
        .creation(Creation::Idempotent)
        .marker()
}

/// The command lines of a call.
pub fn plan(call: &Call) -> Result<Plan, Fault> {
    match call.verb {
        Verb::Create => {
            let spec: Spec = call.spec()?;
            let port = port(&spec.name, "/name")?;
            Ok(Plan::changing([exists(&port)], set(call, spec, &port)?, show(&port)))
        }
        Verb::Replace => {
            let spec: Spec = call.spec()?;
            let port = own(call)?;
            if spec.name != port.to_string() {
                return Err(Fault::invalid(
                    "/name",
                    format!("the name is how the switch knows the port, and stays {port}"),
                ));
            }
            Ok(Plan::changing([exists(&port)], set(call, spec, &port)?, show(&port)))
        }
        Verb::Update => {
            let patch: Patch = call.spec()?;
            let port = own(call)?;
            let mut changes = vec![Step::from(line("interface").word(&port))];
            changes.extend(settings(call, patch)?);
            Ok(Plan::changing([exists(&port)], changes, show(&port)))
        }
        Verb::Delete => {
            let port = own(call)?;
            Ok(Plan::changing([exists(&port)], [line("default interface").word(&port).into()], []))
        }
        Verb::Read => Ok(Plan::reading(show(&own(call)?))),
        Verb::Find | Verb::List => {
            Ok(Plan::reading([line("show interfaces status"), line("show interfaces switchport")]))
        }
        _ => Err(call.unsupported()),
    }
}

/// Fails where the switch has no such port. Else, the first command for it would make the port up on some models.
fn exists(port: &Word) -> Step {
    Step::about("/name", line("show interfaces").word(port).then("status"))
}

fn show(port: &Word) -> [crate::command::Line; 2] {
    ["status", "switchport"].map(|what| line("show interfaces").word(port).then(what))
}

/// The port as the spec says, whatever it was before.
fn set(call: &Call, spec: Spec, port: &Word) -> Result<Vec<Step>, Fault> {
    let mut steps =
        vec![Step::about("/name", line("default interface").word(port)), line("interface").word(port).into()];
    steps.extend(settings(
        call,
        Patch {
            description: Some(spec.description),
            mode: Some(spec.mode),
            access_vlan: Some(spec.access_vlan),
            trunk_vlans: Some(spec.trunk_vlans),
            native_vlan: Some(spec.native_vlan),
            enabled: Some(spec.enabled),
        },
    )?);
    Ok(steps)
}

fn settings(call: &Call, patch: Patch) -> Result<Vec<Step>, Fault> {
    let mut steps = Vec::new();
    if let Some(description) = patch.description {
        let description = Text::new(&description, "/description")?.marked(&call.marker, DESCRIPTION)?;
        steps.push(Step::about("/description", line("description").text(&description)));
    }
    if let Some(mode) = patch.mode {
        steps.push(Step::about(
            "/mode",
            match mode {
                Mode::Access => line("switchport mode access"),
                Mode::Trunk => line("switchport mode trunk"),
            },
        ));
    }
    if let Some(vlan) = patch.access_vlan {
        let vlan = checked(vlan, "/access_vlan")?;
        steps.push(Step::about("/access_vlan", line("switchport access vlan").number(vlan)));
    }
    if let Some(vlan) = patch.native_vlan {
        let vlan = checked(vlan, "/native_vlan")?;
        steps.push(Step::about("/native_vlan", line("switchport trunk native vlan").number(vlan)));
    }
    if let Some(vlans) = patch.trunk_vlans {
        let vlans = Word::new(&vlans, VLANS, "/trunk_vlans")?;
        steps.push(Step::about("/trunk_vlans", line("switchport trunk allowed vlan").word(&vlans)));
    }
    if let Some(enabled) = patch.enabled {
        steps.push(Step::about("/enabled", if enabled { line("no shutdown") } else { line("shutdown") }));
    }
    Ok(steps)
}

impl Text {
    /// With the marker at its end.
    fn marked(&self, marker: &str, longest: usize) -> Result<Self, Fault> {
        Self::new(&marker::fit(self.as_str(), marker, longest, "/description")?, "/description")
    }
}

fn port(name: &str, pointer: &str) -> Result<Word, Fault> {
    let numbers = name.strip_prefix("Ethernet").unwrap_or_default().split('/');
    let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if numbers.clone().count() <= 3 && numbers.clone().all(number) {
        return Word::new(name, LONGEST, pointer);
    }
    Err(Fault::invalid(pointer, "a port is called `Ethernet1` or `Ethernet3/1`"))
}

/// The port in the backend's id.
fn own(call: &Call) -> Result<Word, Fault> {
    let id = call.backend_id()?;
    port(id, "").map_err(|_| Fault::NotFound(format!("no port is called `{id}`")))
}

fn checked(vlan: u16, pointer: &str) -> Result<u16, Fault> {
    if (1..=4094).contains(&vlan) { Ok(vlan) } else { Err(Fault::invalid(pointer, "a VLAN's number is 1 to 4094")) }
}

/// What `show interfaces status` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statuses {
    interface_statuses: BTreeMap<String, Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    description: String,
    #[serde(default)]
    link_status: String,
}

/// What `show interfaces switchport` says.
#[derive(Deserialize)]
struct Switchports {
    switchports: BTreeMap<String, Switchport>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Switchport {
    #[serde(default)]
    enabled: bool,
    switchport_info: Option<Info>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(default)]
    mode: String,
    access_vlan_id: Option<u16>,
    trunk_allowed_vlans: Option<String>,
    trunking_native_vlan_id: Option<u16>,
}

/// What the results say.
pub fn decode(call: &Call, shown: &[Value]) -> Result<Outcome, Fault> {
    if call.verb == Verb::Delete {
        return outcome(&())?.into();
    }
    let [statuses, switchports] = shown else {
        return Err(Fault::MalformedReply("the results that show the port are missing".to_owned()));
    };
    let misfit =
        |error: serde_json::Error| Fault::MalformedReply(format!("what the switch shows does not fit: {error}"));
    let statuses: Statuses = serde_json::from_value(statuses.clone()).map_err(misfit)?;
    let mut switchports: Switchports = serde_json::from_value(switchports.clone()).map_err(misfit)?;
    let mut ports = statuses
        .interface_statuses
        .into_iter()
        // A port without a description is nobody's.
        .filter(|(name, status)| name.starts_with("Ethernet") && !status.description.is_empty())
        .map(|(name, status)| Port { switchport: switchports.switchports.remove(&name), name, status });
    match call.verb {
        Verb::Find => {
            let found = ports.filter_map(|port| {
                let found = port.found();
                found.as_ref().map_or(true, |found| found.marker.as_ref() == Some(&call.marker)).then_some(found)
            });
            outcome(&())?.found(found.collect::<Result<_, _>>()?).into()
        }
        Verb::List => list(call, ports.collect()),
        _ => {
            let name = match call.verb {
                Verb::Create => call.spec::<Spec>()?.name,
                _ => call.backend_id()?.to_owned(),
            };
            match ports.find(|port| port.name == name) {
                Some(port) => outcome(&port.view(Some(&call.marker)))?.id(name).into(),
                None if call.verb == Verb::Read => Err(Fault::NotFound(format!("port {name} is not in use"))),
                None => Err(Fault::MalformedReply(format!("the switch does not show port {name}"))),
            }
        }
    }
}

/// A page of what is always one whole reply.
fn list(call: &Call, ports: Vec<Port>) -> Result<Outcome, Fault> {
    let size = call.page_size.and_then(|size| usize::try_from(size.max(1)).ok()).unwrap_or(usize::MAX);
    let after = |port: &Port| call.page_token.as_ref().is_none_or(|token| port.name > *token);
    let mut rest = ports.into_iter().filter(after).peekable();
    let page = rest.by_ref().take(size).map(|port| port.found()).collect::<Result<Vec<_>, _>>()?;
    let next = page.last().filter(|_| rest.peek().is_some()).map(|last| last.backend_id.clone());
    outcome(&())?.found(page).next_page(next).into()
}

/// A port in use.
struct Port {
    name: String,
    status: Status,
    switchport: Option<Switchport>,
}

impl Port {
    fn found(&self) -> Result<Found, Fault> {
        let marker = marker::split(&self.status.description).1.map(str::to_owned);
        Ok(Found { marker, ..found(&self.name, &self.view(None))? })
    }

    /// Without `marker` in the description, or without whatever looks like one.
    fn view(&self, marker: Option<&str>) -> View {
        let text = &self.status.description;
        let description = marker.map_or(marker::split(text).0, |marker| marker::strip(text, marker));
        let info = self.switchport.as_ref().filter(|switchport| switchport.enabled);
        let info = info.and_then(|switchport| switchport.switchport_info.as_ref());
        let vlans = info.and_then(|info| info.trunk_allowed_vlans.clone());
        View {
            name: self.name.clone(),
            description: description.to_owned(),
            mode: info.map_or_else(|| "routed".to_owned(), |info| info.mode.clone()),
            access_vlan: info.and_then(|info| info.access_vlan_id),
            trunk_vlans: vlans.map(|vlans| if vlans.eq_ignore_ascii_case("all") { all() } else { vlans }),
            native_vlan: info.and_then(|info| info.trunking_native_vlan_id),
            enabled: self.status.link_status != "disabled",
            link: self.status.link_status.clone(),
        }
    }
}
