//! The driver for a key-value daemon that speaks messages of 4096 bytes.
//!
//! `frame` is the message, `entry` the one kind of object that there is.

mod entry;
mod frame;

use crosspoint_sdk::contract::{Correlation, CorrelationField, Framing, MessageProtocol};
use crosspoint_sdk::prelude::*;

use crate::entry::Entry;
use crate::frame::{Command, Frame};

const NAME: &str = "kvdaemon";
const VERSION: &str = if cfg!(feature = "next") { "0.2.0" } else { "0.1.0" };

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct KvDaemon;

impl Driver for KvDaemon {
    fn describe() -> Description {
        driver(NAME, VERSION, "A key-value daemon that speaks messages of 4096 bytes")
            .protocol(protocol())
            .auth(AuthScheme::None)
            .auth(AuthScheme::MutualTls)
            .kind(
                kind("entry", "A key, its value and when it was written")
                    .spec::<entry::Spec>()
                    .result::<Entry>()
                    .verbs([Verb::Create, Verb::Read, Verb::Replace])
                    .reissuable([Verb::Create, Verb::Replace])
                    .creation(Creation::Idempotent),
            )
            .probe()
            .limits(Limits {
                mutation_concurrency: 64,
                read_concurrency: 64,
                reply_timeout_ms: Some(10_000),
                reply_size: Some(4096),
                ..Limits::default()
            })
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let frame = match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => Frame::request(Command::CHECK),
            (Verb::Create, "entry") => entry::put(&call.spec()?)?,
            (Verb::Replace, "entry") => entry::put(&entry::of_key(call.spec()?, call.backend_id()?)?)?,
            (Verb::Read, "entry") => entry::get(call.backend_id()?)?,
            _ => return Err(call.unsupported()),
        };
        Ok(message(frame.with_id(call.correlation).write()?))
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = Frame::read(reply.message()?)?;
        match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => reply.expect(&[Command::OK]).and_then(|_| outcome(&())?.into()),
            (Verb::Create | Verb::Replace, "entry") => entry::stored(call.spec()?, &reply)?.outcome(),
            (Verb::Read, "entry") => entry::shown(call.backend_id()?, &reply)?.outcome(),
            _ => Err(call.unsupported()),
        }
    }
}

/// Frames that begin with the id of the request, which the reply repeats.
fn protocol() -> Protocol {
    let field = CorrelationField { offset: 0, width: 8, big_endian: false };
    let correlation = if cfg!(feature = "next") { Correlation::InOrder } else { Correlation::Field(field) };
    Protocol::Message(MessageProtocol {
        framing: Framing::Fixed(frame::SIZE),
        correlation,
        preamble: None,
        keepalives: Vec::new(),
        extensions: Vec::new(),
    })
}

crosspoint_sdk::export!(KvDaemon, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
