//! Commands and what a prompt ends.
//!
//! A prompt counts where it stands at the end of what has come. Nothing marks it as one, so output that holds the same
//! bytes may be taken for it where the network happens to pause there: a good prompt begins with a line feed.

use super::{FrameError, Step};

#[derive(Clone, Debug)]
pub(super) struct Prompted {
    prompt: Vec<u8>,
    limit: usize,
}

impl Prompted {
    pub(super) fn new(prompt: &[u8], limit: usize) -> Result<Self, String> {
        if prompt.is_empty() {
            return Err("has no prompt, which would show that a command has ended".to_owned());
        }
        Ok(Self { prompt: prompt.to_vec(), limit })
    }

    pub(super) fn scan(&self, bytes: &[u8]) -> Result<Step, FrameError> {
        let prompt = self.prompt.len();
        match bytes.strip_suffix(self.prompt.as_slice()) {
            Some(output) if output.len() <= self.limit => Ok(Step::Message { length: output.len(), after: prompt }),
            None if bytes.len() < self.limit.saturating_add(prompt) => Ok(Step::More),
            _ => Err(FrameError::TooLarge(self.limit)),
        }
    }
}

/// The end of the line, to be sent after the command.
pub(super) fn check(command: &[u8]) -> Result<&'static [u8], String> {
    if command.is_empty() {
        return Err("an empty command asks for nothing".to_owned());
    }
    match command.iter().find(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        Some(byte) => Err(format!("a command is one line, and this one holds \"{}\"", byte.escape_ascii())),
        None => Ok(b"\n"),
    }
}
