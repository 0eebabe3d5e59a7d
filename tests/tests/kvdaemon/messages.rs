//! What the far side knows of the daemon's messages, written from their layout.

use crosspoint_tests::suite::{Messages, Told, Trouble};

const SIZE: usize = 4096;

/// Messages of 4096 bytes.
pub struct KvMessages;

impl Messages for KvMessages {
    fn first(&self, bytes: &[u8]) -> Option<usize> {
        (bytes.len() >= SIZE).then_some(SIZE)
    }

    fn is_of_a_call(&self, _: &[u8]) -> bool {
        true
    }

    /// The id of the request, and a command that there is not.
    fn says(&self, trouble: Trouble, request: &[u8]) -> Option<Vec<u8>> {
        let mut reply = vec![0; SIZE];
        reply[..8].copy_from_slice(&request[..8]);
        reply[8] = 77;
        (trouble == Trouble::Malformed).then_some(reply)
    }

    /// There is no login to be refused, and nobody is ever asked to slow down.
    fn told(&self, trouble: Trouble) -> Option<Told> {
        let known = !matches!(trouble, Trouble::Unauthenticated | Trouble::Throttled);
        known.then(|| trouble.usually())
    }
}
