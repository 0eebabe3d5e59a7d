//! Messages that say how long they are.

use crosspoint_contract::LengthPrefix;

use super::{FrameError, Step};
use crate::transport::framed::integer;

#[derive(Clone, Debug)]
pub(super) struct LengthPrefixed {
    offset: usize,
    width: usize,
    big_endian: bool,
    adjustment: i64,
    /// The longest message that the protocol has.
    maximum: usize,
    /// The longest that is taken from the backend.
    limit: usize,
}

impl LengthPrefixed {
    pub(super) fn new(prefix: &LengthPrefix, limit: usize) -> Result<Self, String> {
        let size = |value: u32| usize::try_from(value).map_err(|_| format!("has a place at byte {value}, too far out"));
        let (offset, width, maximum) = (size(prefix.offset)?, usize::from(prefix.width), size(prefix.maximum)?);
        if !matches!(width, 1 | 2 | 4 | 8) {
            return Err(format!("has a length field of {width} bytes; it may have 1, 2, 4 or 8"));
        }
        let limit = limit.min(maximum);
        if offset.saturating_add(width) > limit {
            return Err(format!("has its length field beyond the {limit} bytes that a message may have"));
        }
        let adjustment = i64::from(prefix.adjustment);
        Ok(Self { offset, width, big_endian: prefix.big_endian, adjustment, maximum, limit })
    }

    pub(super) fn check(&self, message: &[u8]) -> Result<(), String> {
        match self.whole(message) {
            None => Err(format!("the message's {} bytes end before its length field does", message.len())),
            Some(whole) if whole != i128::try_from(message.len()).unwrap_or(i128::MAX) => {
                Err(format!("the message has {} bytes, but its length field says {whole}", message.len()))
            }
            Some(_) if message.len() > self.maximum => {
                Err(format!("a message has at most {} bytes, and this one has {}", self.maximum, message.len()))
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn scan(&self, bytes: &[u8]) -> Result<Step, FrameError> {
        let Some(whole) = self.whole(bytes) else { return Ok(Step::More) };
        // What follows the field cannot be less than nothing.
        let head = self.offset + self.width;
        let length = usize::try_from(whole).ok().filter(|length| *length >= head);
        let length = match length {
            Some(length) if length <= self.limit => length,
            _ if whole > 0 && whole >= i128::try_from(head).unwrap_or(i128::MAX) => {
                return Err(FrameError::TooLarge(self.limit));
            }
            _ => return Err(FrameError::Malformed(format!("a length of {whole} bytes, head included, cannot be"))),
        };
        Ok(if bytes.len() < length { Step::More } else { Step::Message { length, after: 0 } })
    }

    /// The length that the message says it has, from its first byte to its last; none if the field is not there yet.
    fn whole(&self, bytes: &[u8]) -> Option<i128> {
        let field = integer::read(bytes, self.offset, self.width, self.big_endian)?;
        let head = i128::try_from(self.offset + self.width).ok()?;
        Some(head + i128::from(field) + i128::from(self.adjustment))
    }
}
