//! The kind `interface`: `ietf-interfaces` (RFC 8343) and `ietf-ip` (RFC 8344).

use std::net::IpAddr;

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use crate::configuration::Configuration;
use crate::rpc::{self, malformed};
use crate::shape::{Address, DESCRIPTION, Interface, Patch, Shown};

/// The kind's name.
pub const NAME: &str = "interface";

/// The namespaces of the models.
const INTERFACES: &str = "urn:ietf:params:xml:ns:yang:ietf-interfaces";
const TYPES: &str = "urn:ietf:params:xml:ns:yang:iana-if-type";
const IP: &str = "urn:ietf:params:xml:ns:yang:ietf-ip";

/// What the host is told of the kind.
pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "An interface of the device")
        .spec::<Interface>()
        .patch::<Patch>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::Find, Verb::List])
        // Deleting twice gives `data-missing`, which the host knows to be the end of it.
        .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
        .creation(Creation::Conditional)
        .marker()
}

/// The request of a call.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let configuration = Configuration::of(call)?;
    let edit = |interface: Element| {
        let change = interfaces().with(interface);
        rpc::exchange(call, rpc::edit_config(configuration.datastore(), configuration.rollback_on_error, change))
    };
    let get = |filter| rpc::exchange(call, rpc::get_config(configuration.datastore(), Some(filter)));
    match call.verb {
        Verb::Create => {
            let spec: Interface = call.spec()?;
            edit(rpc::operation(whole(call, &spec)?, "create"))
        }
        Verb::Replace => {
            let spec: Interface = call.spec()?;
            if spec.name != call.backend_id()? {
                let message = "an interface keeps its name: create another, and delete this one".to_owned();
                return Err(Fault::Invalid(vec![Violation { pointer: "/name".to_owned(), message }]));
            }
            edit(rpc::operation(whole(call, &spec)?, "replace"))
        }
        Verb::Update => edit(rpc::operation(part(call, &call.spec()?)?, "merge")),
        Verb::Delete => edit(rpc::operation(named(call.backend_id()?), "delete")),
        Verb::Read => get(interfaces().with(named(call.backend_id()?))),
        // All of them: a filter selects by what a leaf holds as a whole, and the marker is only the end of one.
        Verb::Find | Verb::List => get(interfaces()),
        _ => Err(call.unsupported()),
    }
}

/// What a reply without errors means.
pub fn decode(call: &Call, reply: &Element) -> Result<Outcome, Fault> {
    match call.verb {
        Verb::Create | Verb::Replace => {
            rpc::ok(reply)?;
            let spec: Interface = call.spec()?;
            outcome(&spec.clone().shown())?.id(spec.name).into()
        }
        Verb::Update => {
            rpc::ok(reply)?;
            let (name, patch): (_, Patch) = (call.backend_id()?, call.spec()?);
            outcome(&Shown {
                name: name.to_owned(),
                description: patch.description.map(Option::unwrap_or_default),
                r#type: None,
                enabled: patch.enabled,
                addresses: patch.addresses.map(Option::unwrap_or_default),
            })?
            .id(name)
            .into()
        }
        Verb::Delete => {
            rpc::ok(reply)?;
            outcome(&())?.into()
        }
        Verb::Read => {
            let name = call.backend_id()?;
            let interface = listed(reply)?.find(|interface| interface.text_at("name") == Some(name));
            let none = || Fault::NotFound(format!("the device has no interface `{name}`"));
            let (shown, _) = show(interface.ok_or_else(none)?, Some(&call.marker))?;
            outcome(&shown)?.id(name).into()
        }
        Verb::Find | Verb::List => {
            let mut all = Vec::new();
            for interface in listed(reply)? {
                let (shown, marker) = show(interface, None)?;
                if call.verb == Verb::List || marker.as_ref() == Some(&call.marker) {
                    all.push(Found { marker, ..found(&shown.name, &shown)? });
                }
            }
            outcome(&())?.found(all).into()
        }
        _ => Err(call.unsupported()),
    }
}

/// The name of the interface that a call is about.
pub fn named_in(call: &Call) -> Option<String> {
    match &call.backend_id {
        Some(id) => Some(id.clone()),
        None => call.spec::<Interface>().ok().map(|spec| spec.name),
    }
}

/// The member of the spec that a path of the device's leads to; empty if it is none of them.
pub fn pointer(path: &str) -> &'static str {
    let step = path.rsplit('/').next().unwrap_or_default();
    let step = step.split('[').next().unwrap_or_default();
    match step.rsplit(':').next().unwrap_or_default().trim() {
        "name" => "/name",
        "description" => "/description",
        "type" => "/type",
        "enabled" => "/enabled",
        "address" | "ip" | "prefix-length" | "ipv4" | "ipv6" => "/addresses",
        _ => "",
    }
}

fn interfaces() -> Element {
    Element::new("interfaces").with_attribute("xmlns", INTERFACES)
}

fn named(name: &str) -> Element {
    Element::new("interface").with(Element::new("name").with_text(name))
}

fn whole(call: &Call, spec: &Interface) -> Result<Element, Fault> {
    spec.check()?;
    let description = marker::fit(&spec.description, &call.marker, DESCRIPTION, "/description")?;
    // The prefix belongs to the value, which is a name in another model.
    let kind =
        Element::new("type").with_attribute("xmlns:ianaift", TYPES).with_text(format!("ianaift:{}", spec.r#type));
    Ok(named(&spec.name)
        .with(Element::new("description").with_text(description))
        .with(kind)
        .with(enabled(spec.enabled))
        .with_all(family(&spec.addresses, IpAddr::is_ipv4, "ipv4"))
        .with_all(family(&spec.addresses, IpAddr::is_ipv6, "ipv6")))
}

fn part(call: &Call, patch: &Patch) -> Result<Element, Fault> {
    patch.check()?;
    let description = match &patch.description {
        None => None,
        Some(text) => {
            let text = text.as_deref().unwrap_or_default();
            Some(marker::fit(text, &call.marker, DESCRIPTION, "/description")?)
        }
    };
    let mut interface = named(call.backend_id()?)
        .with_all(description.map(|text| Element::new("description").with_text(text)))
        .with_all(patch.enabled.map(enabled));
    if let Some(addresses) = &patch.addresses {
        let addresses = addresses.as_deref().unwrap_or_default();
        for (of, name) in [(IpAddr::is_ipv4 as fn(&IpAddr) -> bool, "ipv4"), (IpAddr::is_ipv6, "ipv6")] {
            // A list that is merged grows; `remove`, unlike `delete`, does not mind where there is nothing.
            let family = family(addresses, of, name).map_or_else(
                || rpc::operation(Element::new(name).with_attribute("xmlns", IP), "remove"),
                |family| rpc::operation(family, "replace"),
            );
            interface = interface.with(family);
        }
    }
    Ok(interface)
}

fn enabled(enabled: bool) -> Element {
    Element::new("enabled").with_text(enabled.to_string())
}

/// The addresses of one family, if there are any.
fn family(addresses: &[Address], of: fn(&IpAddr) -> bool, name: &'static str) -> Option<Element> {
    let own: Vec<_> = addresses.iter().filter(|address| of(&address.ip)).collect();
    let address = |address: &&Address| {
        Element::new("address")
            .with(Element::new("ip").with_text(address.ip.to_string()))
            .with(Element::new("prefix-length").with_text(address.prefix_length.to_string()))
    };
    let all = || Element::new(name).with_attribute("xmlns", IP).with_all(own.iter().map(address));
    (!own.is_empty()).then(all)
}

/// The interfaces of a reply; a device that has none may leave out what would hold them.
fn listed(reply: &Element) -> Result<impl Iterator<Item = &Element>, Fault> {
    let data = rpc::data(reply)?;
    Ok(data.child("interfaces").into_iter().flat_map(|interfaces| interfaces.named("interface")))
}

/// An interface and its marker. Without `marker` in the description, or without whatever looks like one.
fn show(interface: &Element, marker: Option<&str>) -> Result<(Shown, Option<String>), Fault> {
    let name = interface.text_at("name").ok_or_else(|| malformed("an interface has no name"))?;
    let text = interface.text_at("description").unwrap_or_default();
    let (people, own) = marker::split(text);
    let description = marker.map_or(people, |marker| marker::strip(text, marker));
    let kind = interface.text_at("type").map(|kind| kind.rsplit(':').next().unwrap_or(kind).to_owned());
    let enabled = match interface.text_at("enabled") {
        // RFC 8343: so it is where nothing is said.
        None | Some("true" | "1") => true,
        Some("false" | "0") => false,
        Some(_) => return Err(malformed("`enabled` is neither true nor false")),
    };
    let mut addresses = Vec::new();
    for address in ["ipv4", "ipv6"].iter().filter_map(|name| interface.child(name)).flat_map(|it| it.named("address")) {
        let ip = address.text_at("ip").and_then(|ip| ip.parse().ok());
        // An IPv4 address may come with a netmask instead.
        let length = match (address.text_at("prefix-length"), address.text_at("netmask")) {
            (Some(length), _) => length.parse().ok(),
            (None, Some(mask)) => prefix_length(mask),
            (None, None) => None,
        };
        let (Some(ip), Some(prefix_length)) = (ip, length) else {
            return Err(malformed("an address is none"));
        };
        addresses.push(Address { ip, prefix_length });
    }
    let shown = Shown {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        r#type: kind,
        enabled: Some(enabled),
        addresses: Some(addresses),
    };
    Ok((shown, own.map(str::to_owned)))
}

/// The length of the prefix that a netmask stands for, if it is one.
fn prefix_length(mask: &str) -> Option<u8> {
    let mask: std::net::Ipv4Addr = mask.parse().ok()?;
    let length = u32::from(mask).leading_ones();
    (u32::from(mask).count_ones() == length).then(|| u8::try_from(length).ok()).flatten()
}
