use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, action};

use super::{Shown, segment_outcome};
use crate::data::Data;
use crate::unexpected;
use crate::wire::{Reply as Answer, Request};

pub const NAME: &str = "table-segment";

const ENTRIES: &str = "entries";

/// A segment that is a table: values by keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "table-segment")]
struct TableSegment {
    /// Its whole name, such as `scope/table_kvtable/0.#epoch.0`, which is its id and never changes.
    #[schemars(length(min = 1, max = 255), pattern("^[!-~]+$"))]
    name: String,
    /// The length of all its keys in bytes; keys of any length if it is left out.
    #[schemars(range(min = 1, max = 8192))]
    key_length: Option<i32>,
    /// The longest that its parts in long-term storage grow, in bytes; the store's default if it is left out.
    #[schemars(range(min = 0))]
    rollover_size_bytes: Option<i64>,
}

/// Which entries are to be read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// Where to start; 0 for the beginning, and `last_position` of the last answer to go on.
    #[serde(default)]
    #[schemars(range(min = 0))]
    from_position: i64,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    count: i32,
}

/// Entries in the order in which they were written. A key that was written twice may be there twice: the last one
/// counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "entries")]
struct Page {
    /// The entries.
    entries: Vec<Entry>,
    /// Where to go on.
    last_position: i64,
    /// Whether there is nothing more now.
    reached_end: bool,
    /// Whether what was read from earlier positions holds no more, because the table was compacted.
    should_clear: bool,
}

/// One entry.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    /// The key.
    key: Data,
    /// The value.
    value: Data,
    /// The key's version: the revision of an object of kind `table-entry`.
    version: String,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A segment that is a table: values by keys")
        .spec::<TableSegment>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete])
        .reissuable([Verb::Delete])
        .creation(Creation::Conditional)
        .action(
            action(ENTRIES, "Read entries in the order in which they were written")
                .spec::<Part>()
                .result::<Page>()
                .read_only(),
        )
}

pub fn encode(call: &Call) -> Result<Request, Fault> {
    let id = || call.backend_id().map(str::to_owned);
    Ok(match &call.verb {
        Verb::Create => {
            let TableSegment { name, key_length, rollover_size_bytes } = call.spec()?;
            Request::CreateTableSegment { segment: name, key_length, rollover: rollover_size_bytes }
        }
        Verb::Read => Request::GetSegmentInfo { segment: id()? },
        Verb::Delete => Request::DeleteTableSegment { segment: id()?, must_be_empty: true },
        Verb::Action(name) if name == ENTRIES => {
            let Part { from_position, count } = call.spec()?;
            Request::ReadTableEntriesDelta { segment: id()?, from: from_position, count }
        }
        _ => return Err(call.unsupported()),
    })
}

pub fn decode(call: &Call, answer: Answer) -> Result<Outcome, Fault> {
    match (&call.verb, answer) {
        (Verb::Action(_), Answer::TableEntriesDelta { entries, clear, at_end, last, .. }) => {
            let entries = entries.iter().map(|entry| Entry {
                key: Data::of(&entry.key),
                value: Data::of(&entry.value),
                version: entry.version.to_string(),
            });
            let entries = entries.collect();
            outcome(&Page { entries, last_position: last, reached_end: at_end, should_clear: clear })?.into()
        }
        (Verb::Action(_), answer) => Err(unexpected(&answer)),
        (_, answer) => segment_outcome(answer),
    }
}
