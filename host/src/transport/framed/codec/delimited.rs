//! Messages that end with a delimiter.

use super::{FrameError, Step};

#[derive(Clone, Debug)]
pub(super) struct Delimited {
    delimiter: Vec<u8>,
    limit: usize,
    /// No delimiter begins before this place.
    looked: usize,
}

impl Delimited {
    pub(super) fn new(delimiter: &[u8], limit: usize) -> Result<Self, String> {
        if delimiter.is_empty() {
            return Err("has an empty delimiter, which shows no end".to_owned());
        }
        Ok(Self { delimiter: delimiter.to_vec(), limit, looked: 0 })
    }

    /// The delimiter, to be sent after the message.
    ///
    /// A message whose last bytes would make a delimiter together with the first of the one that follows is refused as
    /// well: it would end too early at the other side.
    pub(super) fn check(&self, message: &[u8]) -> Result<&[u8], String> {
        let whole = [message, self.delimiter.as_slice()].concat();
        if position(&whole, &self.delimiter) == Some(message.len()) {
            return Ok(&self.delimiter);
        }
        Err(format!("the message holds the delimiter \"{}\"", self.delimiter.escape_ascii()))
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Step, FrameError> {
        let found = bytes.get(self.looked..).and_then(|rest| position(rest, &self.delimiter));
        let length = match found {
            Some(place) => self.looked + place,
            None => {
                self.looked = (bytes.len() + 1).saturating_sub(self.delimiter.len());
                // That many bytes cannot belong to a delimiter any more.
                if self.looked > self.limit {
                    return Err(FrameError::TooLarge(self.limit));
                }
                return Ok(Step::More);
            }
        };
        if length > self.limit {
            return Err(FrameError::TooLarge(self.limit));
        }
        self.looked = 0;
        Ok(Step::Message { length, after: self.delimiter.len() })
    }
}

fn position(bytes: &[u8], delimiter: &[u8]) -> Option<usize> {
    match delimiter {
        [single] => bytes.iter().position(|byte| byte == single),
        _ => bytes.windows(delimiter.len()).position(|window| window == delimiter),
    }
}
