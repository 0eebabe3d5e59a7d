//! What the daemon keeps.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::frame::{Frame, command};

/// A value and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// Microseconds since 1970, as the writer said, or else the daemon's clock.
    pub timestamp: i64,
}

/// Values by key.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<Vec<u8>, Entry>);

impl Store {
    pub fn entries(&self) -> BTreeMap<Vec<u8>, Entry> {
        self.0.clone()
    }

    /// Does what a message asks, and says what came of it. What cannot be kept is refused before anything is done.
    pub fn ask(&mut self, request: Frame) -> Frame {
        let reply = |command| Frame { id: request.id, command, ..Frame::default() };
        match request.command {
            command::CHECK => reply(command::OK),
            command::GET if is_key(&request.key) => match self.0.get(&request.key) {
                None => reply(command::NO_VALUE),
                Some(Entry { value, timestamp }) => {
                    Frame { value: value.clone(), timestamp: *timestamp, ..reply(command::OK) }
                }
            },
            command::PUT if is_key(&request.key) && request.value.iter().all(is_storable) => {
                let timestamp = if request.timestamp > 0 { request.timestamp } else { now() };
                let reply = Frame { timestamp, ..reply(command::OK) };
                self.0.insert(request.key, Entry { value: request.value, timestamp });
                reply
            }
            _ => reply(command::ERROR),
        }
    }
}

fn is_key(key: &[u8]) -> bool {
    !key.is_empty() && key.iter().all(is_storable)
}

/// Printable, and no square bracket.
fn is_storable(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'[' | b']')
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
