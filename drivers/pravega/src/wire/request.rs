use super::writer::Writer;
use super::{Entry, WireError, code};

/// The delegation token: this driver has none, see the README.
const TOKEN: &str = "";

/// Where an operation on a table must find the table's end; none cares.
const ANYWHERE: i64 = -1;

/// What a segment store is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The newest and the oldest version of the protocol that are spoken.
    Hello((i32, i32)),
    CreateSegment {
        segment: String,
        scale: u8,
        rate: i32,
        rollover: Option<i64>,
    },
    GetSegmentInfo {
        segment: String,
    },
    SealSegment {
        segment: String,
    },
    DeleteSegment {
        segment: String,
    },
    ReadSegment {
        segment: String,
        offset: i64,
        length: i32,
    },
    CreateTableSegment {
        segment: String,
        key_length: Option<i32>,
        rollover: Option<i64>,
    },
    DeleteTableSegment {
        segment: String,
        must_be_empty: bool,
    },
    UpdateTableEntries {
        segment: String,
        entries: Vec<Entry>,
    },
    RemoveTableKeys {
        segment: String,
        keys: Vec<(Vec<u8>, i64)>,
    },
    ReadTable {
        segment: String,
        keys: Vec<Vec<u8>>,
    },
    ReadTableEntriesDelta {
        segment: String,
        from: i64,
        count: i32,
    },
}

impl Request {
    /// The frame.
    pub fn encode(&self, id: i64) -> Result<Vec<u8>, WireError> {
        let mut writer = Writer::new(self.code());
        match self {
            Self::Hello((newest, oldest)) => {
                writer.int(*newest).int(*oldest);
            }
            Self::CreateSegment { segment, scale, rate, rollover } => {
                writer.long(id).text(segment)?.int(*rate).byte(*scale).text(TOKEN)?;
                if let Some(rollover) = rollover {
                    writer.long(*rollover);
                }
            }
            Self::GetSegmentInfo { segment } | Self::SealSegment { segment } | Self::DeleteSegment { segment } => {
                writer.long(id).text(segment)?.text(TOKEN)?;
            }
            Self::ReadSegment { segment, offset, length } => {
                writer.text(segment)?.long(*offset).int(*length).text(TOKEN)?.long(id);
            }
            Self::CreateTableSegment { segment, key_length, rollover } => {
                writer.long(id).text(segment)?.text(TOKEN)?;
                if key_length.is_some() || rollover.is_some() {
                    // Not sorted: sorted tables are the system's own.
                    writer.flag(false).int(key_length.unwrap_or_default()).long(rollover.unwrap_or_default());
                }
            }
            Self::DeleteTableSegment { segment, must_be_empty } => {
                writer.long(id).text(segment)?.flag(*must_be_empty).text(TOKEN)?;
            }
            Self::UpdateTableEntries { segment, entries } => {
                writer.long(id).text(segment)?.text(TOKEN)?.int(count(entries)?);
                for entry in entries {
                    writer.block(&entry.key, Some(entry.version))?.block(&entry.value, None)?;
                }
                writer.long(ANYWHERE);
            }
            Self::RemoveTableKeys { segment, keys } => {
                writer.long(id).text(segment)?.text(TOKEN)?.int(count(keys)?);
                for (key, version) in keys {
                    writer.block(key, Some(*version))?;
                }
                writer.long(ANYWHERE);
            }
            Self::ReadTable { segment, keys } => {
                writer.long(id).text(segment)?.text(TOKEN)?.int(count(keys)?);
                for key in keys {
                    writer.block(key, Some(super::version::ANY))?;
                }
            }
            Self::ReadTableEntriesDelta { segment, from, count } => {
                writer.long(id).text(segment)?.text(TOKEN)?.long(*from).int(*count);
            }
        }
        writer.finish()
    }

    fn code(&self) -> i32 {
        match self {
            Self::Hello(_) => code::HELLO,
            Self::CreateSegment { .. } => code::CREATE_SEGMENT,
            Self::GetSegmentInfo { .. } => code::GET_STREAM_SEGMENT_INFO,
            Self::SealSegment { .. } => code::SEAL_SEGMENT,
            Self::DeleteSegment { .. } => code::DELETE_SEGMENT,
            Self::ReadSegment { .. } => code::READ_SEGMENT,
            Self::CreateTableSegment { .. } => code::CREATE_TABLE_SEGMENT,
            Self::DeleteTableSegment { .. } => code::DELETE_TABLE_SEGMENT,
            Self::UpdateTableEntries { .. } => code::UPDATE_TABLE_ENTRIES,
            Self::RemoveTableKeys { .. } => code::REMOVE_TABLE_KEYS,
            Self::ReadTable { .. } => code::READ_TABLE,
            Self::ReadTableEntriesDelta { .. } => code::READ_TABLE_ENTRIES_DELTA,
        }
    }
}

fn count<T>(items: &[T]) -> Result<i32, WireError> {
    i32::try_from(items.len()).map_err(|_| WireError::TooLong("the list"))
}
