//! What the firewall checks of an entry before it takes it.

use std::net::IpAddr;

use super::Refusal;
use super::configuration::Configuration;
use super::entry::Entry;

const TYPES: [&str; 4] = ["ip-netmask", "ip-range", "fqdn", "ip-wildcard"];
const LISTS: [&str; 8] = ["from", "to", "source", "destination", "source-user", "category", "application", "service"];
const SWITCHES: [&str; 5] = ["negate-source", "negate-destination", "disabled", "log-start", "log-end"];
const ACTIONS: [&str; 6] = ["allow", "deny", "drop", "reset-client", "reset-server", "reset-both"];

/// Checks an entry and what it refers to.
pub fn check(configuration: &Configuration, container: &str, entry: &Entry) -> Result<(), Refusal> {
    let name = entry.name.as_deref().unwrap_or_default();
    let invalid = |what: &str| ("12", format!(" {container} -> {name} -> {what}"));
    let longest = if container == "tag" { 127 } else { 63 };
    let plain = |character: char| character.is_ascii_alphanumeric() || " ._-".contains(character);
    if name.is_empty() || name.len() > longest || !name.chars().all(plain) || name.starts_with([' ', '.', '_', '-']) {
        return Err(("12", format!(" {container} -> '{name}' is not a valid name")));
    }
    for (index, child) in entry.children.iter().enumerate() {
        if entry.children.iter().skip(index + 1).any(|other| other.tag == child.tag) {
            return Err(invalid(&format!("{} is there twice", child.tag)));
        }
    }
    let note = if container == "tag" { "comments" } else { "description" };
    let known: Vec<&str> = match container {
        "address" => TYPES.into_iter().chain(["tag"]).collect(),
        "service" => vec!["protocol", "tag"],
        "tag" => vec!["color"],
        _ => {
            let single = ["action", "log-setting", "profile-setting", "tag"];
            LISTS.into_iter().chain(SWITCHES).chain(single).collect()
        }
    };
    if let Some(child) = entry.children.iter().find(|child| child.tag != note && !known.contains(&child.tag.as_str())) {
        return Err(invalid(&format!("{} unexpected here", child.tag)));
    }
    if entry.child(note).is_some_and(|note| note.text.chars().count() > 1023) {
        return Err(invalid(&format!("{note} is too long")));
    }
    if let Some(tags) = entry.child("tag") {
        list(tags).map_err(|why| invalid(&why))?;
        for tag in entry.members("tag") {
            if configuration.entry("tag", tag).is_none() {
                return Err(invalid(&format!("tag '{tag}' is not a valid reference")));
            }
        }
    }
    match container {
        "address" => address(entry).map_err(|why| invalid(&why)),
        "service" => service(entry).map_err(|why| invalid(&why)),
        "tag" => color(entry).map_err(|why| invalid(&why)),
        _ => rule(configuration, entry).map_err(|why| invalid(&why)),
    }
}

fn list(list: &Entry) -> Result<(), String> {
    let good = |member: &Entry| member.tag == "member" && !member.text.is_empty() && member.children.is_empty();
    if !list.children.is_empty() && list.children.iter().all(good) {
        return Ok(());
    }
    Err(format!("{} is invalid: members are needed", list.tag))
}

fn address(entry: &Entry) -> Result<(), String> {
    let values: Vec<_> = TYPES.into_iter().filter_map(|kind| Some((kind, entry.child(kind)?.text.as_str()))).collect();
    let [(kind, value)] = values[..] else { return Err("constraints failed : one type is needed".to_owned()) };
    let ip = |text: &str| text.parse::<IpAddr>().ok();
    let good = match kind {
        "ip-netmask" => match value.split_once('/') {
            Some((address, bits)) => ip(address)
                .is_some_and(|ip| bits.parse::<u8>().is_ok_and(|bits| bits <= if ip.is_ipv4() { 32 } else { 128 })),
            None => ip(value).is_some(),
        },
        "ip-range" => value.split_once('-').is_some_and(|(from, to)| ip(from).zip(ip(to)).is_some_and(|(a, b)| a <= b)),
        "fqdn" => value.len() <= 255 && value.split('.').count() > 1 && !value.contains(char::is_whitespace),
        _ => value.split_once('/').is_some_and(|(address, mask)| ip(address).and(ip(mask)).is_some()),
    };
    if good { Ok(()) } else { Err(format!("{kind} '{value}' is invalid")) }
}

fn service(entry: &Entry) -> Result<(), String> {
    let protocol = entry.child("protocol").ok_or("protocol is missing")?;
    let [ports] = &protocol.children[..] else { return Err("protocol is invalid: one is needed".to_owned()) };
    if !["tcp", "udp", "sctp"].contains(&ports.tag.as_str()) {
        return Err(format!("protocol {} is invalid", ports.tag));
    }
    if ports.child("port").is_none() {
        return Err("port is missing".to_owned());
    }
    for port in &ports.children {
        if !["port", "source-port"].contains(&port.tag.as_str()) {
            return Err(format!("{} unexpected here", port.tag));
        }
        let number = |text: &str| text.parse::<u16>().ok();
        let range = |text: &str| match text.split_once('-') {
            Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
            None => number(text).is_some(),
        };
        if !port.text.split(',').all(range) {
            return Err(format!("{} '{}' is invalid", port.tag, port.text));
        }
    }
    Ok(())
}

fn color(entry: &Entry) -> Result<(), String> {
    let Some(color) = entry.child("color") else { return Ok(()) };
    let number = color.text.strip_prefix("color").and_then(|number| number.parse::<u8>().ok());
    if number.is_some_and(|number| (1..=42).contains(&number)) {
        Ok(())
    } else {
        Err(format!("color '{}' is invalid", color.text))
    }
}

fn rule(configuration: &Configuration, entry: &Entry) -> Result<(), String> {
    for name in ["from", "to", "source", "destination", "application", "service"] {
        if entry.child(name).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for name in LISTS {
        entry.child(name).map(list).transpose()?;
    }
    let action = entry.child("action").map(|action| action.text.as_str()).ok_or("action is missing")?;
    if !ACTIONS.contains(&action) {
        return Err(format!("action '{action}' is invalid"));
    }
    for switch in SWITCHES.into_iter().filter_map(|name| entry.child(name)) {
        if !["yes", "no"].contains(&switch.text.as_str()) {
            return Err(format!("{} '{}' is invalid", switch.tag, switch.text));
        }
    }
    for name in ["source", "destination"] {
        for member in entry.members(name) {
            let literal = member.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
            if member != "any" && !literal && configuration.entry("address", member).is_none() {
                return Err(format!("{name} '{member}' is not a valid reference"));
            }
        }
    }
    for member in entry.members("service") {
        if !["any", "application-default"].contains(&member) && configuration.entry("service", member).is_none() {
            return Err(format!("service '{member}' is not a valid reference"));
        }
    }
    Ok(())
}

/// Who refers to an entry, if anybody does.
pub fn reference(configuration: &Configuration, container: &str, name: &str) -> Option<String> {
    let fields: &[&str] = match container {
        "address" => &["source", "destination"],
        "service" => &["service"],
        "tag" => &["tag"],
        _ => &[],
    };
    super::xpath::CONTAINERS.into_iter().find_map(|place| {
        configuration.entries(place).iter().find_map(|entry| {
            let field = fields.iter().find(|field| entry.members(field).contains(&name))?;
            Some(format!("{place} -> {} -> {field}", entry.name.as_deref().unwrap_or_default()))
        })
    })
}
