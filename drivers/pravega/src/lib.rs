//! The driver for Pravega's segment stores: segments, tables and their entries, in the binary wire protocol.
//!
//! `wire` is the commands themselves, bytes to types and back; `kinds` says which command a call becomes, and what its
//! reply means; `faults` says what the replies mean that refuse.

mod data;
mod faults;
mod kinds;
mod protocol;
pub mod wire;

use crosspoint_sdk::prelude::*;

use kinds::{segment, table_entry, table_segment};
use wire::Reply as Answer;

const NAME: &str = "pravega";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct Pravega;

impl Driver for Pravega {
    fn describe() -> Description {
        driver(NAME, VERSION, "Pravega's segment stores: segments, tables and their entries")
            .protocol(protocol::message())
            .auth(AuthScheme::None)
            .auth(AuthScheme::MutualTls)
            .probe()
            .kind(segment::kind())
            .kind(table_segment::kind())
            .kind(table_entry::kind())
            .limits(Limits {
                mutation_concurrency: 8,
                read_concurrency: 16,
                reply_timeout_ms: Some(30_000),
                reply_size: Some(wire::LONGEST),
                ..Limits::default()
            })
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let request = match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => protocol::probe(),
            (_, segment::NAME) => segment::encode(call)?,
            (_, table_segment::NAME) => table_segment::encode(call)?,
            (_, table_entry::NAME) => table_entry::encode(call)?,
            _ => return Err(call.unsupported()),
        };
        Ok(message(request.encode(id(call)).map_err(|error| Fault::invalid("", error.to_string()))?))
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let answer = Answer::decode(reply.message()?, id(call));
        let answer = answer.map_err(|error| Fault::MalformedReply(error.to_string()))?;
        let answer = match answer {
            Answer::Refused(refusal) => match faults::fault(call, &refusal) {
                Some(fault) => return Err(fault),
                None => Answer::Refused(refusal),
            },
            answer => answer,
        };
        match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => protocol::probed(&answer),
            (_, segment::NAME) => segment::decode(call, answer),
            (_, table_segment::NAME) => table_segment::decode(call, answer),
            (_, table_entry::NAME) => table_entry::decode(call, answer),
            _ => Err(call.unsupported()),
        }
    }
}

/// The request's id: the number that the host gives, as the protocol writes numbers.
fn id(call: &Call) -> i64 {
    call.correlation.cast_signed()
}

/// A reply that answers another request than was made.
fn unexpected(answer: &Answer) -> Fault {
    Fault::MalformedReply(format!("the segment store answers something else than it was asked: {}", answer.name()))
}

crosspoint_sdk::export!(Pravega, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
