//! A stream of JSON values with nothing between them, or any white space.
//!
//! The scanner only finds where a value ends, which takes no more than counting brackets outside strings; what it has
//! found is then read once as JSON, so that nothing else passes.

use serde::de::IgnoredAny;

use super::{FrameError, Step};

/// Deeper values are refused: drivers could not read them anyway.
const DEPTH: u32 = 127;

#[derive(Clone, Debug)]
pub(super) struct JsonValues {
    limit: usize,
    /// So many bytes of the value have been looked at.
    looked: usize,
    inside: Inside,
}

/// What the last byte looked at was part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// No value has begun.
    Nothing,
    /// A number or a literal that stands alone; another byte shows where it ends.
    Scalar,
    /// So many open brackets.
    Brackets(u32),
    /// A string in so many brackets, and whether a backslash came just before.
    Text(u32, bool),
}

impl JsonValues {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, looked: 0, inside: Inside::Nothing }
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Step, FrameError> {
        if self.inside == Inside::Nothing {
            let space = bytes.iter().take_while(|byte| is_space(**byte)).count();
            if space > 0 {
                return Ok(Step::Skip(space));
            }
        }
        for (place, byte) in bytes.iter().enumerate().skip(self.looked) {
            let ended = match self.inside {
                Inside::Scalar if may_follow(*byte) => Some(place),
                _ => self.take(*byte)?.then_some(place + 1),
            };
            if let Some(length) = ended {
                let value = bytes.get(..length).unwrap_or_default();
                (self.looked, self.inside) = (0, Inside::Nothing);
                return self.judge(value).map(|()| Step::Message { length, after: 0 });
            }
        }
        self.looked = bytes.len();
        if self.looked > self.limit { Err(FrameError::TooLarge(self.limit)) } else { Ok(Step::More) }
    }

    /// Whether what is left, `bytes`, is a value if nothing more comes.
    pub(super) fn may_end(&self, bytes: &[u8]) -> Result<bool, FrameError> {
        if self.inside == Inside::Scalar { self.judge(bytes).map(|()| true) } else { Ok(false) }
    }

    /// Goes on by one byte; whether the value ends with it.
    fn take(&mut self, byte: u8) -> Result<bool, FrameError> {
        let malformed = |what: &str| Err(FrameError::Malformed(format!("\"{}\" {what}", byte.escape_ascii())));
        self.inside = match (self.inside, byte) {
            (Inside::Text(0, false), b'"') | (Inside::Brackets(0 | 1), b'}' | b']') => return Ok(true),
            (Inside::Text(depth, escaped), _) if escaped || byte == b'\\' => Inside::Text(depth, !escaped),
            (Inside::Text(depth, _), b'"') => Inside::Brackets(depth),
            (Inside::Text(..), 0..0x20) => return malformed("stands in a string of JSON"),
            (Inside::Nothing, b'{' | b'[') => Inside::Brackets(1),
            (Inside::Nothing, b'"') => Inside::Text(0, false),
            (Inside::Nothing, b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => Inside::Scalar,
            (Inside::Nothing, _) => return malformed("begins no value of JSON"),
            (Inside::Brackets(DEPTH), b'{' | b'[') => {
                return Err(FrameError::Malformed(format!("JSON of more than {DEPTH} levels")));
            }
            (Inside::Brackets(depth), b'{' | b'[') => Inside::Brackets(depth + 1),
            (Inside::Brackets(depth), b'}' | b']') => Inside::Brackets(depth - 1),
            (Inside::Brackets(depth), b'"') => Inside::Text(depth, false),
            (Inside::Text(..), _) | (Inside::Brackets(_), b',' | b':') => self.inside,
            (Inside::Brackets(_), byte) if is_space(byte) => self.inside,
            (Inside::Brackets(_) | Inside::Scalar, byte) if is_scalar(byte) => self.inside,
            (Inside::Brackets(_) | Inside::Scalar, _) => return malformed("stands in no value of JSON"),
        };
        Ok(false)
    }

    fn judge(&self, value: &[u8]) -> Result<(), FrameError> {
        if value.len() > self.limit {
            return Err(FrameError::TooLarge(self.limit));
        }
        check(value).map_err(FrameError::Malformed)
    }
}

/// One value of JSON, and nothing else but white space.
pub(super) fn check(message: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(message).map_err(|error| format!("no JSON: {error}"))?;
    serde_json::from_str(text).map(|IgnoredAny| ()).map_err(|error| format!("no single JSON value: {error}"))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What a number or a literal that stands alone can end before.
fn may_follow(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'"' | b'[' | b']' | b'{' | b'}' | b',' | b':')
}

/// What numbers and literals are made of.
fn is_scalar(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'E' | b'a'..=b'z')
}
