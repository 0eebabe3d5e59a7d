use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;

use crate::data::{Data, packed, unpacked};
use crate::unexpected;
use crate::wire::{Entry, Reply as Answer, Request, version};

pub const NAME: &str = "table-entry";

/// The longest id that the host keeps, in bytes.
const LONGEST_ID: usize = 512;

/// The longest value that a table takes, in bytes.
const LONGEST_VALUE: usize = 1024 * 1024 - 8 * 1024;

/// A value and its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "table-entry")]
struct TableEntry {
    /// The table segment that it is in. It never changes.
    #[schemars(length(min = 1, max = 255), pattern("^[!-~]+$"))]
    segment: String,
    /// The key. It never changes.
    key: Data,
    /// The value.
    value: Data,
}

/// An entry as the store shows it.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    /// The table segment that it is in.
    segment: String,
    /// The key.
    key: Data,
    /// The value.
    value: Data,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A value and its key in a table")
        .spec::<TableEntry>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Delete])
        .reissuable([Verb::Replace, Verb::Delete])
        .creation(Creation::Conditional)
        .conditional()
}

/// The id of what a spec names: the segment, and the key after a `#`.
pub fn id(call: &Call) -> Result<String, Fault> {
    let TableEntry { segment, key, .. } = call.spec()?;
    let id = format!("{segment}#{}", packed(&key.bytes("/key")?));
    if id.len() > LONGEST_ID {
        let room = LONGEST_ID.saturating_sub(segment.len() + 1) * 3 / 4;
        return Err(Fault::invalid("/key", format!("at most {room} bytes can be told apart in this segment")));
    }
    Ok(id)
}

pub fn encode(call: &Call) -> Result<Request, Fault> {
    let written = |version: i64| {
        let TableEntry { segment, key, value } = call.spec()?;
        let (key, value) = (key.bytes("/key")?, value.bytes("/value")?);
        if value.len() > LONGEST_VALUE {
            return Err(Fault::invalid("/value", format!("a value has at most {LONGEST_VALUE} bytes")));
        }
        Ok(Request::UpdateTableEntries { segment, entries: vec![Entry { key, version, value }] })
    };
    match call.verb {
        Verb::Create => id(call).and_then(|_| written(version::NONE)),
        Verb::Replace => {
            if id(call)? != call.backend_id()? {
                return Err(Fault::invalid("/key", "an entry stays in its table, and keeps its key"));
            }
            written(demanded(call)?)
        }
        Verb::Read => {
            let (segment, key) = parts(call)?;
            Ok(Request::ReadTable { segment, keys: vec![key] })
        }
        Verb::Delete => {
            let (segment, key) = parts(call)?;
            Ok(Request::RemoveTableKeys { segment, keys: vec![(key, demanded(call)?)] })
        }
        _ => Err(call.unsupported()),
    }
}

pub fn decode(call: &Call, answer: Answer) -> Result<Outcome, Fault> {
    match (&call.verb, answer) {
        (Verb::Create | Verb::Replace, Answer::TableEntriesUpdated { versions }) => {
            let [version] = versions.as_slice() else {
                return Err(Fault::MalformedReply("one entry was written, and not one version came back".to_owned()));
            };
            let TableEntry { segment, key, value } = call.spec()?;
            outcome(&Shown { segment, key, value })?.id(id(call)?).revision(Some(version.to_string())).into()
        }
        (Verb::Read, Answer::TableRead { segment, entries }) => {
            let [Entry { key, version, value }] = entries.as_slice() else {
                return Err(Fault::MalformedReply("one key was asked for, and not one entry came back".to_owned()));
            };
            if *version == version::NONE {
                return Err(Fault::NotFound("the table has no such key".to_owned()));
            }
            let shown = Shown { segment, key: Data::of(key), value: Data::of(value) };
            outcome(&shown)?.id(call.backend_id()?).revision(Some(version.to_string())).into()
        }
        (Verb::Delete, Answer::TableKeysRemoved { .. }) => outcome(&())?.into(),
        (_, answer) => Err(unexpected(&answer)),
    }
}

/// The version that the precondition demands; any, if there is none.
fn demanded(call: &Call) -> Result<i64, Fault> {
    let Some(revision) = &call.precondition else { return Ok(version::ANY) };
    let demanded = revision.parse().ok().filter(|version: &i64| *version >= 0);
    // The negative ones mean something else to the store, which would then act without a condition.
    demanded.ok_or_else(|| Fault::Stale(format!("`{revision}` is no version that a table gives")))
}

/// The segment and the key of an id.
fn parts(call: &Call) -> Result<(String, Vec<u8>), Fault> {
    let id = call.backend_id()?;
    let parts = id.rsplit_once('#').and_then(|(segment, key)| Some((segment.to_owned(), unpacked(key)?)));
    let none = || Fault::NotFound(format!("`{id}` is no entry: its id is its segment, `#` and its key in base64url"));
    parts.filter(|(segment, _)| !segment.is_empty()).ok_or_else(none)
}
