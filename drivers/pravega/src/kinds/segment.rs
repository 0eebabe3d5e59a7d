use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, action};

use super::{Shown, segment_outcome};
use crate::data::Data;
use crate::unexpected;
use crate::wire::{Reply as Answer, Request};

pub const NAME: &str = "segment";

/// The actions.
pub const SEAL: &str = "seal";
const READ: &str = "read";

/// A sequence of bytes that grows at its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "segment")]
struct Segment {
    /// Its whole name, such as `scope/stream/0.#epoch.0`, which is its id and never changes.
    #[schemars(length(min = 1, max = 255), pattern("^[!-~]+$"))]
    name: String,
    /// By what its stream decides to split it; nothing by default.
    #[serde(default)]
    scale: Scale,
    /// How much of that it should bear.
    #[serde(default)]
    #[schemars(range(min = 0))]
    target_rate: i32,
    /// The longest that its parts in long-term storage grow, in bytes; the store's default if it is left out.
    #[schemars(range(min = 0))]
    rollover_size_bytes: Option<i64>,
}

/// By what a stream decides to split a segment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Scale {
    /// Nothing.
    #[default]
    None,
    /// Kilobytes a second.
    Kilobytes,
    /// Events a second.
    Events,
}

/// What is to be read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// Where to start, in bytes. At the end of a segment that is not sealed, the store waits a while for more.
    #[serde(default)]
    #[schemars(range(min = 0))]
    offset: i64,
    /// How many bytes at most; the store may give less.
    #[schemars(range(min = 1, max = 1_048_576))]
    length: i32,
}

/// What was read.
#[derive(Debug, Serialize, JsonSchema)]
struct Read {
    /// Where it starts, in bytes.
    offset: i64,
    /// The bytes. In a stream's segment they are events, each with its type and length before it.
    data: Data,
    /// Whether there is nothing more yet.
    at_tail: bool,
    /// Whether there will never be more.
    end_of_segment: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Sealed {
    /// Its name.
    name: String,
    /// True.
    sealed: bool,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A sequence of bytes that grows at its end")
        .spec::<Segment>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete])
        .reissuable([Verb::Delete])
        .creation(Creation::Conditional)
        .action(action(READ, "Read a part of it").spec::<Part>().result::<Read>().read_only())
        .action(action(SEAL, "End it: nothing can be written to it any more").result::<Sealed>().reissuable())
}

pub fn encode(call: &Call) -> Result<Request, Fault> {
    let id = || call.backend_id().map(str::to_owned);
    Ok(match &call.verb {
        Verb::Create => {
            let Segment { name, scale, target_rate, rollover_size_bytes } = call.spec()?;
            let scale = match scale {
                Scale::None => 0,
                Scale::Kilobytes => 1,
                Scale::Events => 2,
            };
            Request::CreateSegment { segment: name, scale, rate: target_rate, rollover: rollover_size_bytes }
        }
        Verb::Read => Request::GetSegmentInfo { segment: id()? },
        Verb::Delete => Request::DeleteSegment { segment: id()? },
        Verb::Action(name) if name == SEAL => Request::SealSegment { segment: id()? },
        Verb::Action(name) if name == READ => {
            let Part { offset, length } = call.spec()?;
            Request::ReadSegment { segment: id()?, offset, length }
        }
        _ => return Err(call.unsupported()),
    })
}

pub fn decode(call: &Call, answer: Answer) -> Result<Outcome, Fault> {
    let Verb::Action(name) = &call.verb else { return segment_outcome(answer) };
    match (name.as_str(), answer) {
        (READ, Answer::SegmentRead { offset, at_tail, at_end, data, .. }) => {
            outcome(&Read { offset, data: Data::of(&data), at_tail, end_of_segment: at_end })?.into()
        }
        // One that is sealed already is refused, and is what was wanted.
        (SEAL, Answer::SegmentSealed { .. } | Answer::Refused(_)) => {
            outcome(&Sealed { name: call.backend_id()?.to_owned(), sealed: true })?.into()
        }
        (_, answer) => Err(unexpected(&answer)),
    }
}
