//! Messages that all have the same size.

use super::Step;

#[derive(Clone, Debug)]
pub(super) struct Fixed {
    size: usize,
}

impl Fixed {
    pub(super) fn new(size: u32, limit: usize) -> Result<Self, String> {
        match usize::try_from(size) {
            Ok(0) | Err(_) => Err(format!("has messages of {size} bytes, which cannot be")),
            Ok(size) if size > limit => Err(format!("has messages of {size} bytes, and replies may have {limit}")),
            Ok(size) => Ok(Self { size }),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn check(&self, message: &[u8]) -> Result<(), String> {
        if message.len() == self.size {
            return Ok(());
        }
        Err(format!("a message has {} bytes, and this one has {}", self.size, message.len()))
    }

    pub(super) fn scan(&self, bytes: &[u8]) -> Step {
        if bytes.len() < self.size { Step::More } else { Step::Message { length: self.size, after: 0 } }
    }
}
