use crosspoint_sdk::prelude::*;

use crate::kinds::{segment, table_entry};
use crate::wire::{Refusal, Refused};

/// What a refusal means for a call; none where it says that what was asked for is so already.
pub fn fault(call: &Call, refusal: &Refusal) -> Option<Fault> {
    let about = &refusal.about;
    let creates = call.verb == Verb::Create;
    Some(match refusal.why {
        Refused::NoSuchSegment | Refused::WrongHost if call.verb == Verb::Probe => return None,
        Refused::SegmentIsSealed if call.verb == Verb::Action(segment::SEAL.to_owned()) => return None,
        Refused::NoSuchSegment if creates && call.kind == table_entry::NAME => {
            Fault::invalid("/segment", format!("there is no table segment `{about}`"))
        }
        Refused::NoSuchSegment => Fault::NotFound(format!("there is no segment `{about}`")),
        Refused::SegmentAlreadyExists => {
            let message = format!("there is a segment `{about}` already");
            Fault::AlreadyExists(Existing {
                message,
                backend_id: Some(about.clone()).filter(|about| !about.is_empty()),
            })
        }
        Refused::TableKeyBadVersion if creates => {
            let backend_id = table_entry::id(call).ok();
            Fault::AlreadyExists(Existing { message: "the table has this key already".to_owned(), backend_id })
        }
        Refused::TableKeyBadVersion => Fault::Stale("the key has another version".to_owned()),
        Refused::TableKeyDoesNotExist => Fault::NotFound("the table has no such key".to_owned()),
        Refused::TableSegmentNotEmpty => Fault::Conflict("the table still has entries: delete them first".to_owned()),
        Refused::SegmentIsSealed => Fault::Conflict(format!("segment `{about}` is sealed")),
        Refused::SegmentIsTruncated => Fault::Conflict(format!("the segment starts at {about} now")),
        Refused::OperationUnsupported => Fault::Unsupported(format!("the segment store does not know `{about}`")),
        Refused::AuthTokenCheckFailed(_) => {
            Fault::Unauthenticated("the segment store demands a delegation token, which this driver has not".to_owned())
        }
        // Segments move from store to store, so the same call may succeed later, or at another address.
        Refused::WrongHost => Fault::Rejected(Rejection {
            code: "WrongHost".to_owned(),
            message: format!("another segment store has this segment: `{about}`"),
            retryable: true,
        }),
        Refused::ErrorMessage(0) => Fault::invalid("", format!("the segment store says: {about}")),
        Refused::ErrorMessage(code) => Fault::Other(format!("the segment store says: {about} (code {code})")),
    })
}
