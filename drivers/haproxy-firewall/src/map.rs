//! Entries of maps: keys and their values.

use std::collections::HashSet;

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;

use crate::answer::{answers, done, entries, parse};
use crate::entry::{self, Holder};
use crate::line::{self, Line};

/// A key of a map, and its value.
#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "map-entry")]
struct Entry {
    /// The map's file, one of those that the backend's configuration names.
    #[schemars(length(min = 1, max = 100))]
    map: String,
    /// What is looked up: a path, a name, an address or whatever the map is for. No white space.
    #[schemars(length(min = 1, max = 400))]
    key: String,
    /// What is found under it.
    #[schemars(length(min = 1, max = 1000))]
    value: String,
}

/// A new value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "map-entry-patch")]
struct Patch {
    /// What shall be found from now on.
    #[schemars(length(min = 1, max = 1000))]
    value: String,
}

/// The kind's description.
pub fn describe() -> KindBuilder {
    let changes = [Verb::Replace, Verb::Update];
    kind("map-entry", "A key of a map, and its value")
        .spec::<Entry>()
        .patch::<Patch>()
        .result::<Entry>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete, Verb::List])
        .verbs(changes.clone())
        // A key may be there any number of times: the first is found, and changes and deletions take all.
        .creation(Creation::Idempotent)
        .reissuable([Verb::Create, Verb::Delete])
        .reissuable(changes)
}

/// The line of a call.
pub fn encode(call: &Call) -> Result<Line, Fault> {
    let there = || entry::of(Holder::Map, call);
    match &call.verb {
        // An entry that is added behind another of the same key is never found, and HAProxy is silent about it. So the
        // same line asks what is there.
        Verb::Create => {
            let Entry { map, key, value } = spec(call)?;
            Ok(Line::command("add map", &[&map, &key, &value]).and("show map", &[&map]))
        }
        Verb::Read => Ok(Line::command("show map", &[there()?.0])),
        Verb::Replace | Verb::Update => {
            let Entry { map, key, value } = changed(call)?;
            Ok(Line::command("set map", &[&map, &key, &value]))
        }
        Verb::Delete => {
            let (map, key) = there()?;
            Ok(Line::command("del map", &[map, key]))
        }
        Verb::List => {
            let maps = Holder::Map.files(call)?;
            if maps.is_empty() {
                return Err(Fault::Unsupported("the backend's configuration names no map".to_owned()));
            }
            Ok(maps.iter().fold(Line::default(), |line, map| line.and("show map", &[map])))
        }
        _ => Err(call.unsupported()),
    }
}

/// What HAProxy's answers mean.
pub fn decode(call: &Call, reply: &[u8]) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Create => created(&spec(call)?, reply),
        Verb::Read => {
            let (map, key) = entry::of(Holder::Map, call)?;
            let [shown] = answers(reply)?;
            match first(shown, key)? {
                Some(value) => outcome(&Entry::new(map, key, value))?.id(call.backend_id()?).into(),
                None => Err(Fault::NotFound(format!("map `{map}` has no key `{key}`"))),
            }
        }
        Verb::Replace | Verb::Update => {
            let entry = changed(call)?;
            let [set] = answers(reply)?;
            done(set, "/value")?;
            outcome(&entry)?.id(call.backend_id()?).into()
        }
        Verb::Delete => {
            let [deleted] = answers(reply)?;
            done(deleted, "")?;
            outcome(&())?.into()
        }
        Verb::List => list(call, reply),
        _ => Err(call.unsupported()),
    }
}

/// What is found under the key is what was asked for, or it is another's: then what was added is without effect.
fn created(entry: &Entry, reply: &[u8]) -> Result<Outcome, Fault> {
    let [added, shown] = answers(reply)?;
    // Which of the two it does not like, HAProxy says in words alone.
    done(added, "")?;
    let id = entry::id(&entry.map, &entry.key, "/key")?;
    match first(shown, &entry.key)? {
        Some(value) if value == entry.value => outcome(entry)?.id(id).into(),
        Some(value) => {
            let message = format!("map `{}` has `{}` under this key already", entry.map, value);
            Err(Fault::AlreadyExists(Existing { message, backend_id: Some(id) }))
        }
        None => Err(Fault::Other("the entry was added, and is not there any more".to_owned())),
    }
}

/// The value that is found under a key.
fn first<'a>(shown: &'a str, key: &str) -> Result<Option<&'a str>, Fault> {
    let entries = entries(shown)?;
    Ok(entries.into_iter().filter_map(|entry| entry.split_once(' ')).find(|(known, _)| *known == key).map(|(_, v)| v))
}

fn list(call: &Call, reply: &[u8]) -> Result<Outcome, Fault> {
    let maps = Holder::Map.files(call)?;
    let shown = parse(reply, maps.len())?;
    let mut list = Vec::new();
    for (map, shown) in maps.iter().zip(shown) {
        let mut seen = HashSet::new();
        for (key, value) in entries(shown)?.into_iter().filter_map(|entry| entry.split_once(' ')) {
            // One whose key is too long for an id was not made here, and cannot be adopted.
            if let (true, Ok(id)) = (seen.insert(key), entry::id(map, key, "")) {
                list.push(found(id, &Entry::new(map, key, value))?);
            }
        }
    }
    outcome(&())?.found(list).into()
}

fn spec(call: &Call) -> Result<Entry, Fault> {
    let entry: Entry = call.spec()?;
    Holder::Map.check(call, &entry.map, "/map")?;
    line::check(&entry.key, "/key")?;
    if entry.key.contains(char::is_whitespace) {
        return Err(Fault::invalid("/key", "it holds white space, after which HAProxy's maps have the value"));
    }
    line::check(&entry.value, "/value")?;
    entry::id(&entry.map, &entry.key, "/key")?;
    Ok(entry)
}

/// The entry as it shall be. Its map and its key stay.
fn changed(call: &Call) -> Result<Entry, Fault> {
    let (map, key) = entry::of(Holder::Map, call)?;
    if call.verb == Verb::Update {
        let Patch { value } = call.spec()?;
        line::check(&value, "/value")?;
        return Ok(Entry::new(map, key, &value));
    }
    let entry = spec(call)?;
    for (pointer, is, was) in [("/map", &entry.map, map), ("/key", &entry.key, key)] {
        if is != was {
            return Err(Fault::invalid(pointer, format!("it is `{was}`, and cannot be changed")));
        }
    }
    Ok(entry)
}

impl Entry {
    fn new(map: &str, key: &str, value: &str) -> Self {
        Self { map: map.to_owned(), key: key.to_owned(), value: value.to_owned() }
    }
}
