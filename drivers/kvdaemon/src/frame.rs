//! The message: a header of 40 bytes in little-endian order, then a key, a zero byte and a value.

use crosspoint_sdk::prelude::*;

/// Every message has so many bytes.
pub const SIZE: u32 = 4096;
const HEADER: usize = 40;
/// The longest key and the longest value.
pub const KEY: usize = 128;
pub const VALUE: usize = 2048;

/// What a message asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command(i32);

impl Command {
    pub const OK: Self = Self(1);
    pub const CHECK: Self = Self(2);
    pub const GET: Self = Self(3);
    pub const PUT: Self = Self(4);
    pub const NO_VALUE: Self = Self(5);
    pub const ERROR: Self = Self(-1);
}

/// What a message says that matters here. Its flag and its parameter are not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub id: u64,
    pub command: Command,
    pub key: String,
    pub value: String,
    /// Microseconds since 1970; 0 where there is none.
    pub timestamp: i64,
}

impl Frame {
    pub fn request(command: Command) -> Self {
        Self { id: 0, command, key: String::new(), value: String::new(), timestamp: 0 }
    }

    pub fn with_id(self, id: u64) -> Self {
        Self { id, ..self }
    }

    /// The bytes.
    ///
    /// # Errors
    /// Key or value is longer than the daemon bears.
    pub fn write(&self) -> Result<Vec<u8>, Fault> {
        let size = |name: &str, text: &str, limit: usize| match i32::try_from(text.len()) {
            Ok(size) if text.len() <= limit => Ok(size),
            _ => Err(invalid(&format!("/{name}"), format!("has {} bytes; {limit} are allowed", text.len()))),
        };
        let (key, value) = (size("key", &self.key, KEY)?, size("value", &self.value, VALUE)?);
        let mut bytes = Vec::with_capacity(SIZE as usize);
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.command.0.to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(key.to_le_bytes());
        bytes.extend(value.to_le_bytes());
        bytes.extend(self.timestamp.to_le_bytes());
        bytes.extend(self.key.as_bytes());
        bytes.push(0);
        bytes.extend(self.value.as_bytes());
        bytes.resize(SIZE as usize, 0);
        Ok(bytes)
    }

    /// What the daemon says. A reply carries no key as a rule, and so its value stands right after the zero byte.
    ///
    /// # Errors
    /// [`Fault::MalformedReply`].
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let malformed = |what: &str| Fault::MalformedReply(format!("the daemon's message {what}"));
        if bytes.len() != SIZE as usize {
            return Err(malformed(&format!("has {} bytes instead of {SIZE}", bytes.len())));
        }
        let integer = |at: usize| Some(i32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let long = |at: usize| Some(i64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let short = || malformed("ends too early");
        let size = |at: usize, limit: usize| {
            let size = usize::try_from(integer(at).ok_or_else(short)?).ok().filter(|size| *size <= limit);
            size.ok_or_else(|| malformed("tells a length that cannot be"))
        };
        let (key, value) = (size(24, KEY)?, size(28, VALUE)?);
        let text = |at: usize, size: usize| {
            let text = bytes.get(at..at + size).and_then(|bytes| std::str::from_utf8(bytes).ok());
            text.filter(|text| text.chars().all(|c| matches!(c, ' '..='~')))
                .ok_or_else(|| malformed("holds no plain text"))
        };
        Ok(Self {
            id: long(0).ok_or_else(short)?.cast_unsigned(),
            command: Command(integer(8).ok_or_else(short)?),
            key: text(HEADER, key)?.to_owned(),
            value: text(HEADER + key + 1, value)?.to_owned(),
            timestamp: long(32).ok_or_else(short)?,
        })
    }

    /// The same, if it is one of these commands.
    ///
    /// # Errors
    /// What any other command means: the daemon's error is a refusal, and the rest makes no sense.
    pub fn expect(&self, commands: &[Command]) -> Result<&Self, Fault> {
        if commands.contains(&self.command) {
            return Ok(self);
        }
        Err(match self.command {
            Command::ERROR => Fault::Rejected(Rejection {
                code: "ERROR".to_owned(),
                message: "the daemon refused it; it does not say why".to_owned(),
                retryable: false,
            }),
            Command(other) => Fault::MalformedReply(format!("the daemon answers with command {other}")),
        })
    }
}

/// The spec is wrong there.
pub fn invalid(pointer: &str, message: impl Into<String>) -> Fault {
    Fault::Invalid(vec![Violation { pointer: pointer.to_owned(), message: message.into() }])
}
