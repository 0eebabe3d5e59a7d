//! Replies that end where the backend closes the connection.

use super::{FrameError, Step};

#[derive(Clone, Debug)]
pub(super) struct UntilClose {
    limit: usize,
}

impl UntilClose {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit }
    }

    pub(super) fn scan(&self, bytes: &[u8]) -> Result<Step, FrameError> {
        if bytes.len() > self.limit { Err(FrameError::TooLarge(self.limit)) } else { Ok(Step::More) }
    }
}

pub(super) fn check(message: &[u8]) -> Result<(), String> {
    if message.is_empty() { Err("an empty message asks for nothing".to_owned()) } else { Ok(()) }
}
