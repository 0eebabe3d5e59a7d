use crosspoint_sdk::contract::{Correlation, Framing, LengthPrefix, MessageProtocol};
use crosspoint_sdk::prelude::*;

use crate::unexpected;
use crate::wire::{LONGEST, Refused, Reply as Answer, Request};

/// The newest version of the protocol that this driver speaks, and the oldest.
const VERSIONS: (i32, i32) = (17, 5);

/// Frames that say their length. A reply says which request it answers, but not all of them at the same place
/// (`SegmentRead` says it last), so that one request at a time is made on a connection, and the driver looks at the
/// number itself.
pub fn message() -> Protocol {
    Protocol::Message(MessageProtocol {
        framing: Framing::LengthPrefixed(LengthPrefix {
            offset: 4,
            width: 4,
            big_endian: true,
            adjustment: 0,
            maximum: LONGEST,
        }),
        correlation: Correlation::InOrder,
        // A greeting of eight bytes is not too long for a frame.
        preamble: Request::Hello(VERSIONS).encode(0).ok().map(Bytes::from),
        keepalives: Vec::new(),
        extensions: Vec::new(),
    })
}

/// A segment that nobody has, for the probe: that it is not there is an answer that shows that the store serves.
const NOBODYS: &str = "crosspoint/probe/0.#epoch.0";

pub fn probe() -> Request {
    Request::GetSegmentInfo { segment: NOBODYS.to_owned() }
}

/// Whether the store has looked. Where another store would have to look, this one serves as well.
pub fn probed(answer: &Answer) -> Result<Outcome, Fault> {
    match answer {
        Answer::SegmentInfo { .. } => outcome(&())?.into(),
        Answer::Refused(refusal) if matches!(refusal.why, Refused::NoSuchSegment | Refused::WrongHost) => {
            outcome(&())?.into()
        }
        answer => Err(unexpected(answer)),
    }
}
