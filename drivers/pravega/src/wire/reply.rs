use super::reader::Reader;
use super::{Entry, WireError, code};

/// What a segment store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The newest and the oldest version of the protocol that the store speaks.
    Hello((i32, i32)),
    SegmentCreated {
        segment: String,
    },
    SegmentSealed {
        segment: String,
    },
    SegmentDeleted {
        segment: String,
    },
    SegmentInfo {
        segment: String,
        exists: bool,
        sealed: bool,
        deleted: bool,
        modified: i64,
        end: i64,
        start: i64,
    },
    SegmentRead {
        segment: String,
        offset: i64,
        at_tail: bool,
        at_end: bool,
        data: Vec<u8>,
    },
    TableEntriesUpdated {
        versions: Vec<i64>,
    },
    TableKeysRemoved {
        segment: String,
    },
    TableRead {
        segment: String,
        entries: Vec<Entry>,
    },
    TableEntriesDelta {
        segment: String,
        entries: Vec<Entry>,
        clear: bool,
        at_end: bool,
        last: i64,
    },
    /// It has not done what it was asked.
    Refused(Refusal),
}

/// Why a segment store has not done what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub why: Refused,
    /// What it says for people: the segment, another host, an operation's name.
    pub about: String,
}

/// The reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    WrongHost,
    SegmentIsSealed,
    SegmentAlreadyExists,
    NoSuchSegment,
    SegmentIsTruncated,
    OperationUnsupported,
    /// The code: 0 the token is wrong, 1 it has expired, -1 nothing more is known.
    AuthTokenCheckFailed(i32),
    TableSegmentNotEmpty,
    TableKeyDoesNotExist,
    TableKeyBadVersion,
    /// The code: 0 the request made no sense, anything else is not known further.
    ErrorMessage(i32),
}

impl Reply {
    /// Reads the reply to the request of this id.
    pub fn decode(frame: &[u8], id: i64) -> Result<Self, WireError> {
        let (code, mut payload) = Reader::open(frame)?;
        let payload = &mut payload;
        // Where the request's id stands: first in nearly all, last where a reader wants the data before it.
        match code {
            code::HELLO => return Ok(Self::Hello((payload.int("newest version")?, payload.int("oldest version")?))),
            code::SEGMENT_READ => {
                let read = Self::SegmentRead {
                    segment: payload.text("segment")?,
                    offset: payload.long("offset")?,
                    at_tail: payload.flag("sign of the tail")?,
                    at_end: payload.flag("sign of the end")?,
                    data: payload.bytes("data")?.to_vec(),
                };
                return same(payload.long("request id")?, id).map(|()| read);
            }
            _ => {}
        }
        if !KNOWN.contains(&code) {
            return Err(WireError::Unknown(code));
        }
        same(payload.long("request id")?, id)?;
        Ok(match code {
            code::SEGMENT_CREATED => Self::SegmentCreated { segment: payload.text("segment")? },
            code::SEGMENT_SEALED => Self::SegmentSealed { segment: payload.text("segment")? },
            code::SEGMENT_DELETED => Self::SegmentDeleted { segment: payload.text("segment")? },
            code::STREAM_SEGMENT_INFO => Self::SegmentInfo {
                segment: payload.text("segment")?,
                exists: payload.flag("existence")?,
                sealed: payload.flag("seal")?,
                deleted: payload.flag("deletion")?,
                modified: payload.long("time")?,
                end: payload.long("end")?,
                start: payload.long("start")?,
            },
            code::TABLE_ENTRIES_UPDATED => {
                Self::TableEntriesUpdated { versions: payload.many("versions", |payload| payload.long("version"))? }
            }
            code::TABLE_KEYS_REMOVED => Self::TableKeysRemoved { segment: payload.text("segment")? },
            code::TABLE_READ => {
                Self::TableRead { segment: payload.text("segment")?, entries: payload.many("entries", Reader::entry)? }
            }
            code::TABLE_ENTRIES_DELTA_READ => Self::TableEntriesDelta {
                segment: payload.text("segment")?,
                entries: payload.many("entries", Reader::entry)?,
                clear: payload.flag("sign to clear")?,
                at_end: payload.flag("sign of the end")?,
                last: payload.long("last position")?,
            },
            code => Self::Refused(refusal(code, payload)?),
        })
    }

    /// What it is, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "Hello",
            Self::SegmentCreated { .. } => "SegmentCreated",
            Self::SegmentSealed { .. } => "SegmentSealed",
            Self::SegmentDeleted { .. } => "SegmentDeleted",
            Self::SegmentInfo { .. } => "StreamSegmentInfo",
            Self::SegmentRead { .. } => "SegmentRead",
            Self::TableEntriesUpdated { .. } => "TableEntriesUpdated",
            Self::TableKeysRemoved { .. } => "TableKeysRemoved",
            Self::TableRead { .. } => "TableRead",
            Self::TableEntriesDelta { .. } => "TableEntriesDeltaRead",
            Self::Refused(_) => "a refusal",
        }
    }
}

/// The replies that start with the request's id.
const KNOWN: [i32; 19] = [
    code::STREAM_SEGMENT_INFO,
    code::SEGMENT_CREATED,
    code::SEGMENT_SEALED,
    code::SEGMENT_DELETED,
    code::WRONG_HOST,
    code::SEGMENT_IS_SEALED,
    code::SEGMENT_ALREADY_EXISTS,
    code::NO_SUCH_SEGMENT,
    code::SEGMENT_IS_TRUNCATED,
    code::OPERATION_UNSUPPORTED,
    code::AUTH_TOKEN_CHECK_FAILED,
    code::ERROR_MESSAGE,
    code::TABLE_ENTRIES_UPDATED,
    code::TABLE_KEYS_REMOVED,
    code::TABLE_READ,
    code::TABLE_SEGMENT_NOT_EMPTY,
    code::TABLE_KEY_DOES_NOT_EXIST,
    code::TABLE_KEY_BAD_VERSION,
    code::TABLE_ENTRIES_DELTA_READ,
];

fn refusal(code: i32, payload: &mut Reader<'_>) -> Result<Refusal, WireError> {
    if code == code::AUTH_TOKEN_CHECK_FAILED {
        // The stack trace is the server's business.
        payload.text("stack trace")?;
        let why = Refused::AuthTokenCheckFailed(payload.int("error code")?);
        return Ok(Refusal { why, about: String::new() });
    }
    let about = payload.text("segment")?;
    let (why, about) = match code {
        code::WRONG_HOST => (Refused::WrongHost, payload.text("host")?),
        code::SEGMENT_IS_SEALED => (Refused::SegmentIsSealed, about),
        code::SEGMENT_ALREADY_EXISTS => (Refused::SegmentAlreadyExists, about),
        code::NO_SUCH_SEGMENT => (Refused::NoSuchSegment, about),
        code::SEGMENT_IS_TRUNCATED => (Refused::SegmentIsTruncated, payload.long("start")?.to_string()),
        code::OPERATION_UNSUPPORTED => (Refused::OperationUnsupported, about),
        code::TABLE_SEGMENT_NOT_EMPTY => (Refused::TableSegmentNotEmpty, about),
        code::TABLE_KEY_DOES_NOT_EXIST => (Refused::TableKeyDoesNotExist, about),
        code::TABLE_KEY_BAD_VERSION => (Refused::TableKeyBadVersion, about),
        code::ERROR_MESSAGE => {
            let message = payload.text("message")?;
            (Refused::ErrorMessage(payload.int("error code")?), message)
        }
        other => return Err(WireError::Unknown(other)),
    };
    Ok(Refusal { why, about })
}

fn same(found: i64, id: i64) -> Result<(), WireError> {
    if found == id { Ok(()) } else { Err(WireError::Stranger(found)) }
}
