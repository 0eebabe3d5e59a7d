use crosspoint_tests::suite::{Messages, Told, Trouble};

/// Lines of commands, and answers that end with the connection.
pub struct Lines;

impl Messages for Lines {
    /// A line of commands ends with its line feed.
    fn first(&self, bytes: &[u8]) -> Option<usize> {
        bytes.ends_with(b"\n").then_some(bytes.len())
    }

    fn replies_end_with_the_connection(&self) -> bool {
        true
    }

    fn is_of_a_call(&self, _: &[u8]) -> bool {
        true
    }

    fn says(&self, trouble: Trouble, _: &[u8]) -> Option<Vec<u8>> {
        (trouble == Trouble::Malformed).then(|| b"220 mail.example ESMTP\r\n".to_vec())
    }

    fn told(&self, trouble: Trouble) -> Option<Told> {
        match trouble {
            // There is nobody to log in and no word for too many calls. Where an answer is cut, the end of the connection
            // looks as it always does; the tests of entries say what becomes of that.
            Trouble::Unauthenticated | Trouble::Throttled | Trouble::Truncated => None,
            trouble => Some(trouble.usually()),
        }
    }
}
