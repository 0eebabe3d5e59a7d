//! Where one message ends and the next begins: bytes in, messages out, and no I/O.
//!
//! Each way of framing is a scanner: it looks at the bytes that have come and are not used up yet, and says whether a
//! message stands at their beginning. A scanner remembers how far it has looked, so that a message that comes byte by
//! byte costs no more than one that comes whole.

mod delimited;
mod fixed;
mod json;
mod length_prefixed;
mod prompted;
#[cfg(test)]
mod tests;
mod until_close;

use bytes::{Buf, BytesMut};
use crosspoint_contract::Framing;

use self::delimited::Delimited;
use self::fixed::Fixed;
use self::json::JsonValues;
use self::length_prefixed::LengthPrefixed;
use self::prompted::Prompted;
use self::until_close::UntilClose;

/// How many bytes are read at once.
const READ: usize = 8 * 1024;
/// A buffer in which a longer message came is let go: connections may lie idle for long.
const KEPT: usize = 64 * 1024;

/// What a scanner made of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// No whole message yet.
    More,
    /// So many bytes belong to no message.
    Skip(usize),
    /// A message of `length` bytes, and `after` it so many that belong to no message. The scanner is at its beginning
    /// again.
    Message { length: usize, after: usize },
}

/// One way of framing, as far as it has looked.
#[derive(Clone, Debug)]
enum Scanner {
    Fixed(Fixed),
    LengthPrefixed(LengthPrefixed),
    Delimited(Delimited),
    JsonValues(JsonValues),
    UntilClose(UntilClose),
    Prompted(Prompted),
}

/// Why what came is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is longer than allowed. It was not read on.
    #[error("the reply exceeds {0} bytes")]
    TooLarge(usize),
    /// It is none, and where the next one begins nobody can know.
    #[error("the reply breaks the framing: {0}")]
    Malformed(String),
}

/// A way of framing: checks what goes out, and makes decoders for what comes in.
#[derive(Clone, Debug)]
pub struct Codec(Scanner);

impl Codec {
    /// The framing that a driver describes; no message that comes in may have more than `limit` bytes.
    ///
    /// # Errors
    /// Why messages so framed cannot be sent or received: the framing is not for byte streams, or the limit is too
    /// small for it.
    pub fn new(framing: &Framing, limit: usize) -> Result<Self, String> {
        Ok(Self(match framing {
            Framing::Fixed(size) => Scanner::Fixed(Fixed::new(*size, limit)?),
            Framing::LengthPrefixed(prefix) => Scanner::LengthPrefixed(LengthPrefixed::new(prefix, limit)?),
            Framing::Delimited(delimiter) => Scanner::Delimited(Delimited::new(delimiter.as_ref(), limit)?),
            Framing::JsonValues => Scanner::JsonValues(JsonValues::new(limit)),
            Framing::UntilClose => Scanner::UntilClose(UntilClose::new(limit)),
            Framing::Netconf | Framing::Grpc => return Err("is no framing of a plain byte stream".to_owned()),
        }))
    }

    /// A line protocol: commands end with a line feed, and a reply ends where `prompt` stands at the end of what came.
    ///
    /// # Errors
    /// An empty prompt shows no end.
    pub fn prompted(prompt: &[u8], limit: usize) -> Result<Self, String> {
        Prompted::new(prompt, limit).map(|prompted| Self(Scanner::Prompted(prompted)))
    }

    /// The bytes that carry this message.
    ///
    /// # Errors
    /// Why it is not one message of this framing; nothing of it may be sent then.
    pub fn encode(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let after: &[u8] = match &self.0 {
            Scanner::Fixed(fixed) => fixed.check(message).map(|()| &[][..])?,
            Scanner::LengthPrefixed(prefixed) => prefixed.check(message).map(|()| &[][..])?,
            Scanner::Delimited(delimited) => delimited.check(message)?,
            Scanner::JsonValues(_) => json::check(message).map(|()| &[][..])?,
            Scanner::UntilClose(_) => until_close::check(message).map(|()| &[][..])?,
            Scanner::Prompted(_) => prompted::check(message)?,
        };
        Ok([message, after].concat())
    }

    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        Decoder { scanner: self.0.clone(), bytes: BytesMut::new() }
    }

    /// Whether only the end of the connection ends a message.
    pub(super) fn ends_with_connection(&self) -> bool {
        matches!(self.0, Scanner::UntilClose(_))
    }

    /// The number of bytes that every message has, if they all have the same.
    pub(super) fn fixed_size(&self) -> Option<usize> {
        match &self.0 {
            Scanner::Fixed(fixed) => Some(fixed.size()),
            _ => None,
        }
    }
}

/// Turns the bytes of one connection into messages. After an error it is of no more use.
#[derive(Debug)]
pub struct Decoder {
    scanner: Scanner,
    bytes: BytesMut,
}

impl Decoder {
    /// Where bytes that come are put; it has room for some.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.bytes.reserve(READ);
        &mut self.bytes
    }

    /// The next whole message, without its framing.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn message(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        loop {
            let step = match &mut self.scanner {
                Scanner::Fixed(fixed) => fixed.scan(&self.bytes),
                Scanner::LengthPrefixed(prefixed) => prefixed.scan(&self.bytes)?,
                Scanner::Delimited(delimited) => delimited.scan(&self.bytes)?,
                Scanner::JsonValues(json) => json.scan(&self.bytes)?,
                Scanner::UntilClose(until_close) => until_close.scan(&self.bytes)?,
                Scanner::Prompted(prompted) => prompted.scan(&self.bytes)?,
            };
            match step {
                Step::More => return Ok(None),
                Step::Skip(count) => self.bytes.advance(count),
                Step::Message { length, after } => {
                    let message = self.bytes.split_to(length).to_vec();
                    self.bytes.advance(after);
                    if length > KEPT {
                        self.bytes = BytesMut::from(self.bytes.as_ref());
                    }
                    return Ok(Some(message));
                }
            }
        }
    }

    /// The message that the end of the connection ends, to be asked for when [`Decoder::message`] gives no more.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn end(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let complete = match &self.scanner {
            Scanner::UntilClose(_) => !self.bytes.is_empty(),
            Scanner::JsonValues(json) => json.may_end(&self.bytes)?,
            Scanner::Fixed(_) | Scanner::LengthPrefixed(_) | Scanner::Delimited(_) | Scanner::Prompted(_) => false,
        };
        Ok(complete.then(|| self.bytes.split().to_vec()))
    }

    /// What has come of a message that is not whole yet.
    #[must_use]
    pub fn partial(&self) -> &[u8] {
        &self.bytes
    }
}
