//! The kinds of object: which request a call becomes, and what the reply means.

pub mod segment;
pub mod table_entry;
pub mod table_segment;

use crosspoint_sdk::prelude::*;

use crate::unexpected;
use crate::wire::Reply as Answer;

/// A segment as the store shows it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Whether nothing can be written to it any more. Like what follows, it is not told by a creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<bool>,
    /// Where it starts, in bytes: what was before was truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_offset: Option<i64>,
    /// Where it ends, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_offset: Option<i64>,
    /// When it was last changed, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<i64>,
}

/// The outcome of a creation, a read or a deletion of a segment of either sort.
fn segment_outcome(answer: Answer) -> Result<Outcome, Fault> {
    match answer {
        Answer::SegmentCreated { segment } => shown(&Shown { name: segment, ..Shown::default() }),
        Answer::SegmentInfo { segment, exists, deleted, .. } if !exists || deleted => {
            Err(Fault::NotFound(format!("there is no segment `{segment}`")))
        }
        Answer::SegmentInfo { segment, sealed, modified, end, start, .. } => shown(&Shown {
            name: segment,
            sealed: Some(sealed),
            start_offset: Some(start),
            write_offset: Some(end),
            last_modified: Some(modified),
        }),
        Answer::SegmentDeleted { .. } => outcome(&())?.into(),
        answer => Err(unexpected(&answer)),
    }
}

fn shown(shown: &Shown) -> Result<Outcome, Fault> {
    outcome(shown)?.id(&shown.name).into()
}
