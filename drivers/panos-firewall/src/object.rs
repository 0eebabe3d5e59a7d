//! Entries of the candidate configuration: the requests, and what the firewall shows.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::{Element, xpath_literal};
use crosspoint_sdk::{KindBuilder, action};
use serde_json::Value;

use crate::answer::Answer;
use crate::configuration::Configuration;
use crate::kinds::Kind;

/// The id of the part of a creation that gives the new object its name.
pub const NAMING: &str = "name";

/// Longest description or comment, in characters.
const NOTE: usize = 1023;

/// The action that puts a rule elsewhere in its rulebase.
const MOVE: &str = "move";

/// What the host is told of a kind.
pub fn describe(kind: &Kind) -> KindBuilder {
    let builder = (kind.schemas)(crosspoint_sdk::kind(kind.name, kind.summary))
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Delete, Verb::Find, Verb::List])
        .reissuable([Verb::Replace, Verb::Delete])
        .creation(Creation::Conditional)
        .marker();
    if kind.ordered {
        builder.action(action(MOVE, "Put the rule elsewhere in its rulebase").spec::<Move>().reissuable())
    } else {
        builder
    }
}

/// Where a rule goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// To an end of the rulebase, or beside the rule `rule`.
    r#where: Where,
    /// The rule before or after which this one goes.
    #[schemars(length(min = 1, max = 63))]
    rule: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Where {
    Top,
    Bottom,
    Before,
    After,
}

/// The request of a call.
pub fn encode(kind: &Kind, call: &Call) -> Result<Exchange, Fault> {
    let container = call.configuration::<Configuration>()?.xpath(kind.container)?;
    let entry = |id: &str| format!("{container}/entry[@name={}]", xpath_literal(id));
    match &call.verb {
        Verb::Create => config("multi-config", &[("element", &creation(kind, call, &entry)?.to_xml()?)]),
        Verb::Read => config("get", &[("xpath", &entry(call.backend_id()?))]),
        Verb::Replace => {
            let (name, contents) = contents(kind, call)?;
            if name != call.backend_id()? {
                let message =
                    format!("the name is how the firewall knows the object, and stays `{}`", call.backend_id()?);
                return Err(Fault::invalid("/name", message));
            }
            let element = Element::new("entry").with_attribute("name", &name).with_all(contents).to_xml()?;
            config("edit", &[("xpath", &entry(&name)), ("element", &element)])
        }
        Verb::Delete => config("delete", &[("xpath", &entry(call.backend_id()?))]),
        Verb::Find => {
            let marked = xpath_literal(&marker::put("", &call.marker));
            config("get", &[("xpath", &format!("{container}/entry[contains({},{marked})]", kind.note))])
        }
        Verb::List => config("get", &[("xpath", &container)]),
        Verb::Action(action) if action == MOVE && kind.ordered => {
            let place: Move = call.spec()?;
            let place = match (place.r#where, place.rule.as_deref()) {
                (Where::Top, None) => vec![("where", "top")],
                (Where::Bottom, None) => vec![("where", "bottom")],
                (Where::Before, Some(rule)) => vec![("where", "before"), ("dst", rule)],
                (Where::After, Some(rule)) => vec![("where", "after"), ("dst", rule)],
                (Where::Top | Where::Bottom, Some(_)) => {
                    return Err(Fault::invalid("/rule", "an end has no neighbour"));
                }
                (Where::Before | Where::After, None) => return Err(Fault::invalid("", "name the neighbour: `rule`")),
            };
            let xpath = entry(call.backend_id()?);
            config(MOVE, &[&[("xpath", xpath.as_str())], place.as_slice()].concat())
        }
        _ => Err(call.unsupported()),
    }
}

/// What a successful reply means.
pub fn decode(kind: &Kind, call: &Call, answer: &Answer) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Create | Verb::Replace => {
            // The reply shows nothing of the object, which now is what was asked for.
            let spec = (kind.normal)(call)?;
            let name = spec.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            outcome(&spec)?.id(name).into()
        }
        Verb::Read => {
            let entry =
                entries(answer).next().ok_or_else(|| Fault::NotFound("the firewall has no such object".to_owned()))?;
            let shown = shown(kind, entry)?;
            let (mut result, id) = (shown.result.value(), shown.backend_id);
            keep_foreign_marker(kind, entry, call, &mut result);
            outcome(&result)?.id(id).into()
        }
        Verb::Find => {
            let found = entries(answer).map(|entry| shown(kind, entry));
            // The predicate looks for a part of the text; only a whole marker counts.
            let found =
                found.filter(|found| found.as_ref().map_or(true, |found| found.marker.as_ref() == Some(&call.marker)));
            outcome(&())?.found(found.collect::<Result<_, _>>()?).into()
        }
        Verb::List => list(kind, call, answer),
        Verb::Delete | Verb::Action(_) => outcome(&())?.into(),
        _ => Err(call.unsupported()),
    }
}

/// A page of what is always one whole reply: the firewall knows no pages. In the order of names, so that a page begins
/// where the last one ended, whatever came and went in between.
fn list(kind: &Kind, call: &Call, answer: &Answer) -> Result<Outcome, Fault> {
    let mut entries: Vec<&Element> = entries(answer).collect();
    entries.sort_by_key(|entry| entry.attribute("name"));
    entries.retain(|entry| call.page_token.as_deref().is_none_or(|token| entry.attribute("name") > Some(token)));
    let size = call.page_size.and_then(|size| usize::try_from(size.max(1)).ok()).unwrap_or(usize::MAX);
    let page = entries.iter().take(size).map(|entry| shown(kind, entry)).collect::<Result<Vec<_>, _>>()?;
    let next = page.last().filter(|_| entries.len() > size).map(|last| last.backend_id.clone());
    outcome(&())?.found(page).next_page(next).into()
}

/// Makes an object that is not there, and only then.
///
/// `set` would merge into an object of the same name, whoever made it. So one request has two parts, of which the firewall
/// does both or none: the object is made under its marker, which nothing else is called, and then gets its name; and a name
/// that is taken cannot be given.
fn creation(kind: &Kind, call: &Call, entry: &dyn Fn(&str) -> String) -> Result<Element, Fault> {
    let (name, contents) = contents(kind, call)?;
    if name == call.marker {
        return Err(Fault::invalid("/name", "the name is the object's marker, which is needed to make it"));
    }
    let set = Element::new("set")
        .with_attribute("id", "make")
        .with_attribute("xpath", entry(&call.marker))
        .with_all(contents);
    let rename = Element::new("rename")
        .with_attribute("id", NAMING)
        .with_attribute("xpath", entry(&call.marker))
        .with_attribute("newname", name);
    Ok(Element::new("multi-config").with(set).with(rename))
}

/// The name, and what is in the entry: with the marker.
fn contents(kind: &Kind, call: &Call) -> Result<(String, Vec<Element>), Fault> {
    let (name, note, mut contents) = (kind.write)(call)?;
    let note = marker::fit(&note, &call.marker, NOTE, &format!("/{}", kind.note))?;
    contents.push(Element::new(kind.note).with_text(note));
    Ok((name, contents))
}

/// The entries in a reply. A `get` of one answers with it, a `get` of a container with the container.
fn entries(answer: &Answer) -> impl Iterator<Item = &Element> {
    let result = answer.result().map(Element::children).unwrap_or_default();
    let inner = result.iter().filter(|child| child.name() != "entry").flat_map(|container| container.named("entry"));
    result.iter().filter(|child| child.name() == "entry").chain(inner)
}

fn shown(kind: &Kind, entry: &Element) -> Result<Found, Fault> {
    let Some(name) = entry.attribute("name").filter(|name| !name.is_empty()) else {
        return Err(Fault::MalformedReply("the reply holds an entry without a name".to_owned()));
    };
    let (note, marker) = marker::split(entry.text_at(kind.note).unwrap_or_default());
    let result = (kind.read)(name, note, entry)?;
    Ok(Found { marker: marker.map(str::to_owned), ..found(name, &result)? })
}

/// A text that ends with what looks like another object's marker is people's own.
fn keep_foreign_marker(kind: &Kind, entry: &Element, call: &Call, result: &mut Value) {
    let note = entry.text_at(kind.note).unwrap_or_default();
    if let Some(text) = result.get_mut(kind.note) {
        *text = Value::from(marker::strip(note, &call.marker));
    }
}

fn config(action: &str, fields: &[(&str, &str)]) -> Result<Exchange, Fault> {
    crate::ask(&[&[("type", "config"), ("action", action)], fields].concat())
}
