//! The message: 4096 bytes, little-endian.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | id; a reply repeats its request's |
//! | 8 | 4 | command |
//! | 12 | 4 | flag |
//! | 16 | 8 | parameter |
//! | 24 | 4 | length of the key |
//! | 28 | 4 | length of the value |
//! | 32 | 8 | timestamp in microseconds since 1970 |
//! | 40 | 4056 | key, a zero byte, value |

/// The length of every message.
pub const SIZE: usize = 4096;
/// The longest key.
pub const KEY: usize = 128;
/// The longest value.
pub const VALUE: usize = 2048;

const KEY_AT: usize = 40;

/// The commands.
pub mod command {
    /// Done.
    pub const OK: i32 = 1;
    /// Are you there?
    pub const CHECK: i32 = 2;
    /// Which value has this key?
    pub const GET: i32 = 3;
    /// Keep this value under this key.
    pub const PUT: i32 = 4;
    /// There is no such key.
    pub const NO_VALUE: i32 = 5;
    /// That cannot be.
    pub const ERROR: i32 = -1;
}

/// What stands in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Which request this is, or which one it answers.
    pub id: i64,
    /// One of [`command`].
    pub command: i32,
    /// Empty in replies.
    pub key: Vec<u8>,
    /// Empty where there is none.
    pub value: Vec<u8>,
    /// 0 where there is none.
    pub timestamp: i64,
}

impl Frame {
    /// Reads a message; none where its lengths cannot be, and then only its id can be believed.
    #[must_use]
    pub fn read(bytes: &[u8; SIZE]) -> Option<Self> {
        let (key, value) = (length(bytes, 24, KEY)?, length(bytes, 28, VALUE)?);
        let value_at = KEY_AT + key + 1;
        Some(Self {
            id: id(bytes),
            command: i32::from_le_bytes(*bytes.get(8..)?.first_chunk()?),
            key: bytes.get(KEY_AT..KEY_AT + key)?.to_vec(),
            value: bytes.get(value_at..value_at + value)?.to_vec(),
            timestamp: i64::from_le_bytes(*bytes.get(32..)?.first_chunk()?),
        })
    }

    /// Writes it. Key and value have to be as short as [`KEY`] and [`VALUE`] say; what is beyond is left out.
    #[must_use]
    pub fn write(&self) -> [u8; SIZE] {
        let key = self.key.get(..KEY).unwrap_or(&self.key);
        let value = self.value.get(..VALUE).unwrap_or(&self.value);
        let length = |bytes: &[u8]| i32::try_from(bytes.len()).unwrap_or_default().to_le_bytes();
        let head = [&self.id.to_le_bytes()[..], &self.command.to_le_bytes(), &[0; 12], &length(key), &length(value)];
        let parts = [&head.concat()[..], &self.timestamp.to_le_bytes(), key, &[0], value].concat();
        let mut bytes = [0; SIZE];
        for (byte, part) in bytes.iter_mut().zip(parts) {
            *byte = part;
        }
        bytes
    }
}

/// The id of a message, whatever else is in it.
#[must_use]
pub fn id(bytes: &[u8; SIZE]) -> i64 {
    bytes.first_chunk().map_or(0, |id| i64::from_le_bytes(*id))
}

fn length(bytes: &[u8; SIZE], at: usize, limit: usize) -> Option<usize> {
    let length = i32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    usize::try_from(length).ok().filter(|length| *length <= limit)
}
