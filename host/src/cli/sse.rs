//! Reads server-sent events (HTML Living Standard, section 9.2.6) as they come in, in pieces of any size.

/// The longest event that is taken, in bytes: a stream of something else must not fill the memory.
const LONGEST: usize = 4 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The id to resume after.
    pub(super) id: Option<String>,
    /// The data, its lines joined.
    pub(super) data: String,
}

/// The stream holds something longer than any event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {LONGEST} bytes")]
pub(super) struct TooLong;

/// Puts pieces together to events. Comments, which keep a connection alive, are passed over.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    /// The last byte was a carriage return, so a line feed now ends nothing.
    after_return: bool,
    event: Event,
    has_data: bool,
}

impl Reader {
    /// Takes a piece, and gives the events that it completes.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in piece {
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                byte => self.line.push(*byte),
            }
            self.after_return = *byte == b'\r';
            if self.line.len() + self.event.data.len() > LONGEST {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let line = String::from_utf8_lossy(&line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "id" => self.event.id = Some(value.to_owned()),
            // `event` repeats the data's own type; `retry` is the client's business; the rest are comments.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    const STREAM: &str =
        ": hello\n\nid: 7\nevent: mapping\ndata: {\"a\":1}\n\nid:8\r\ndata:x\r\ndata: y\r\n\r\n\rdata\r\rid: 9\n\n";

    fn expected() -> Vec<Event> {
        let event = |id: Option<&str>, data: &str| Event { id: id.map(str::to_owned), data: data.to_owned() };
        vec![event(Some("7"), "{\"a\":1}"), event(Some("8"), "x\ny"), event(None, "")]
    }

    proptest! {
        #[test]
        fn events_are_the_same_however_the_stream_is_cut(mut cuts in prop::collection::vec(0..STREAM.len(), 0..8)) {
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let mut reader = Reader::default();
            let mut events = Vec::new();
            for pair in cuts.windows(2) {
                events.extend(reader.take(&STREAM.as_bytes()[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(events, expected());
        }

        #[test]
        fn no_stream_breaks_the_reader(piece in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = Reader::default().take(&piece);
        }
    }

    #[test]
    fn a_stream_of_something_else_does_not_fill_the_memory() {
        assert_eq!(Reader::default().take(&vec![b'x'; LONGEST + 1]), Err(TooLong));
    }
}
