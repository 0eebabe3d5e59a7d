use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::configuration::{Configuration, Port, Vlan};

/// A switch: what runs, what it starts with, and the sessions that are open.
#[derive(Debug)]
pub struct Switch {
    pub running: Configuration,
    pub startup: Configuration,
    pub sessions: BTreeMap<String, Configuration>,
}

/// How many sessions may be open.
const SESSIONS: usize = 5;

/// A VLAN that the switch uses for itself.
const INTERNAL: u16 = 4094;

/// A command line that failed, and the results of those before it.
#[derive(Debug)]
pub struct Failure {
    pub results: Vec<Value>,
    pub kind: Kind,
    pub why: String,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The switch knows the command and cannot run it.
    NotRun,
    /// It does not know the command.
    Invalid,
}

impl Kind {
    pub fn code(self) -> i64 {
        match self {
            Self::NotRun => 1000,
            Self::Invalid => 1002,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::NotRun => "could not run command",
            Self::Invalid => "invalid command",
        }
    }
}

/// Where the command line is.
#[derive(Clone, Debug, PartialEq)]
enum Mode {
    Unprivileged,
    Privileged,
    Session(String),
    Vlan(String, u16),
    Port(String, String),
}

type Result<T, E = (Kind, String)> = std::result::Result<T, E>;

fn invalid<T>(position: usize, word: &str) -> Result<T> {
    Err((Kind::Invalid, format!("Invalid input (at token {position}: '{word}')")))
}

impl Switch {
    pub fn with_ports(count: u16) -> Self {
        let factory = Configuration::with_ports(count);
        Self { running: factory.clone(), startup: factory, sessions: BTreeMap::new() }
    }

    /// Runs command lines until one fails. What they did stays done, and a session that they leave open stays open.
    pub fn run(&mut self, lines: &[String]) -> Result<Vec<Value>, Failure> {
        let mut mode = Mode::Unprivileged;
        let mut results = Vec::new();
        for line in lines {
            match self.line(&mut mode, line) {
                Ok(result) => results.push(result),
                Err((kind, why)) => return Err(Failure { results, kind, why }),
            }
        }
        Ok(results)
    }

    fn line(&mut self, mode: &mut Mode, line: &str) -> Result<Value> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["show", rest @ ..] = &words[..] {
            return self.show(rest);
        }
        match (mode.clone(), &words[..]) {
            (Mode::Unprivileged | Mode::Privileged, ["enable"]) => *mode = Mode::Privileged,
            (Mode::Privileged, ["configure", "session", name]) => {
                if !self.sessions.contains_key(*name) && self.sessions.len() >= SESSIONS {
                    let why =
                        "Maximum number of pending sessions has been reached. Please commit or abort previous sessions";
                    return Err((Kind::NotRun, why.to_owned()));
                }
                self.sessions.entry((*name).to_owned()).or_insert_with(|| self.running.clone());
                *mode = Mode::Session((*name).to_owned());
            }
            (Mode::Privileged, ["copy", "running-config", "startup-config"]) => {
                self.startup.clone_from(&self.running);
                return Ok(json!({"messages": ["Copy completed successfully."]}));
            }
            (Mode::Session(name) | Mode::Vlan(name, _) | Mode::Port(name, _), ["abort" | "commit"]) => {
                let changed = self.sessions.remove(&name);
                if words == ["commit"] {
                    self.running = changed.unwrap_or_else(|| self.running.clone());
                }
                *mode = Mode::Privileged;
            }
            (Mode::Session(name) | Mode::Vlan(name, _) | Mode::Port(name, _), _) => {
                self.configure(mode, &name, &words, line)?;
            }
            (_, words) => return invalid(0, words.first().copied().unwrap_or_default()),
        }
        Ok(json!({}))
    }

    /// A line of the configuration: one that opens a part of it, or one within.
    fn configure(&mut self, mode: &mut Mode, name: &str, words: &[&str], line: &str) -> Result<()> {
        let Some(session) = self.sessions.get_mut(name) else { return invalid(0, line) };
        let name = name.to_owned();
        match words {
            ["vlan", id] => {
                let id = vlan(1, id)?;
                if id == INTERNAL {
                    return Err((Kind::NotRun, format!("VLAN {id} is used internally")));
                }
                session.vlans.entry(id).or_default();
                *mode = Mode::Vlan(name, id);
            }
            ["no", "vlan", id] => {
                let id = vlan(2, id)?;
                if id == 1 {
                    return Err((Kind::NotRun, "Default VLAN 1 may not be deleted.".to_owned()));
                }
                session.vlans.remove(&id);
                *mode = Mode::Session(name);
            }
            ["interface", port] if session.ports.contains_key(*port) => *mode = Mode::Port(name, (*port).to_owned()),
            ["default", "interface", port] if session.ports.contains_key(*port) => {
                session.ports.insert((*port).to_owned(), Port::default());
                *mode = Mode::Session(name);
            }
            ["interface", port] => return invalid(1, port),
            ["default", "interface", port] => return invalid(2, port),
            _ => match mode {
                Mode::Vlan(_, id) => in_vlan(session.vlans.entry(*id).or_default(), words)?,
                Mode::Port(_, port) => in_port(session.ports.entry(port.clone()).or_default(), words, line)?,
                _ => return invalid(0, words.first().copied().unwrap_or_default()),
            },
        }
        Ok(())
    }

    fn show(&self, words: &[&str]) -> Result<Value> {
        let running = &self.running;
        let absent = |id: u16| (Kind::NotRun, format!("VLAN {id} not found in current VLAN database"));
        match words {
            ["version"] => Ok(json!({"version": "4.31.2F", "modelName": "vEOS", "serialNumber": "", "uptime": 1.5})),
            ["vlan"] => Ok(show_vlans(running, running.vlans.keys().copied())),
            ["vlan", id] => {
                let id = vlan(2, id)?;
                running.vlans.get(&id).ok_or_else(|| absent(id))?;
                Ok(show_vlans(running, [id]))
            }
            ["interfaces", what] => Ok(show_ports(running, running.ports.keys(), what)),
            ["interfaces", port, what @ ("status" | "switchport")] => match running.ports.get_key_value(*port) {
                Some((port, _)) => Ok(show_ports(running, [port], what)),
                None => invalid(2, port),
            },
            words => invalid(1, words.first().copied().unwrap_or_default()),
        }
    }
}

fn vlan(position: usize, word: &str) -> Result<u16> {
    match word.parse().ok().filter(|id| (1..=4094).contains(id)) {
        Some(id) => Ok(id),
        None => invalid(position, word),
    }
}

fn in_vlan(vlan: &mut Vlan, words: &[&str]) -> Result<()> {
    match words {
        ["name", name] if name.len() <= 32 => vlan.name = Some((*name).to_owned()),
        ["no", "name"] => vlan.name = None,
        ["state", state @ ("active" | "suspend")] => vlan.suspended = *state == "suspend",
        ["name" | "state", _, more, ..] => return invalid(2, more),
        [_, word, ..] => return invalid(1, word),
        words => return invalid(0, words.first().copied().unwrap_or_default()),
    }
    Ok(())
}

fn in_port(port: &mut Port, words: &[&str], line: &str) -> Result<()> {
    match words {
        ["description", _, ..] => {
            let text = line.trim_start_matches("description").trim();
            if text.len() > 256 {
                return invalid(1, text);
            }
            text.clone_into(&mut port.description);
        }
        ["switchport", "mode", mode @ ("access" | "trunk")] => port.trunk = *mode == "trunk",
        ["switchport", "access", "vlan", id] => port.access = vlan(3, id)?,
        ["switchport", "trunk", "native", "vlan", id] => port.native = vlan(4, id)?,
        ["switchport", "trunk", "allowed", "vlan", list] => {
            let range = |text: &str| match text.split_once('-') {
                Some((from, to)) => vlan(4, from).and_then(|from| Ok(from < vlan(4, to)?)).unwrap_or_default(),
                None => vlan(4, text).is_ok(),
            };
            if !list.split(',').all(range) {
                return invalid(4, list);
            }
            port.allowed = (*list != "1-4094").then(|| (*list).to_owned());
        }
        ["shutdown"] => port.shutdown = true,
        ["no", "shutdown"] => port.shutdown = false,
        words => return invalid(0, words.first().copied().unwrap_or_default()),
    }
    Ok(())
}

fn show_vlans(running: &Configuration, ids: impl IntoIterator<Item = u16>) -> Value {
    let vlans: Map<String, Value> = ids
        .into_iter()
        .filter_map(|id| Some((id, running.vlans.get(&id)?)))
        .map(|(id, vlan)| {
            let inside = running.ports.iter().filter(|(_, port)| !port.trunk && !port.shutdown && port.access == id);
            let inside: Map<String, Value> =
                inside.map(|(name, _)| (name.clone(), json!({"privatePromoted": false, "blocked": null}))).collect();
            let status = if vlan.suspended { "suspended" } else { "active" };
            let shown = json!({"name": vlan.shown(id), "dynamic": false, "status": status, "interfaces": inside});
            (id.to_string(), shown)
        })
        .collect();
    json!({"sourceDetail": "", "vlans": vlans})
}

fn show_ports<'a>(running: &Configuration, names: impl IntoIterator<Item = &'a String>, what: &str) -> Value {
    let ports = names.into_iter().filter_map(|name| Some((name, running.ports.get(name)?)));
    if what == "status" {
        let status = |(name, port): (&String, &Port)| {
            let link = if port.shutdown { "disabled" } else { "connected" };
            let shown = json!({
                "description": port.description, "linkStatus": link, "lineProtocolStatus": "up", "bandwidth": 0,
                "interfaceType": "EbraTestPhyPort", "vlanInformation": {"interfaceMode": "bridged", "vlanId": port.access},
            });
            (name.clone(), shown)
        };
        let management =
            json!({"description": "out of band", "linkStatus": "connected", "interfaceType": "10/100/1000"});
        let mut ports: Map<String, Value> = ports.map(status).collect();
        if ports.len() > 1 {
            ports.insert("Management1".to_owned(), management);
        }
        return json!({"interfaceStatuses": ports});
    }
    let switchport = |(name, port): (&String, &Port)| {
        let allowed = port.allowed.clone().unwrap_or_else(|| "ALL".to_owned());
        let shown = json!({"enabled": true, "switchportInfo": {
            "mode": if port.trunk { "trunk" } else { "access" }, "accessVlanId": port.access, "accessVlanName": "",
            "trunkAllowedVlans": allowed, "trunkingNativeVlanId": port.native, "macLearning": true, "tpid": "0x8100",
            "dynamicAllowedVlans": {}, "staticTrunkGroups": [],
        }});
        (name.clone(), shown)
    };
    json!({"sourceDetail": "", "switchports": ports.map(switchport).collect::<Map<String, Value>>()})
}
