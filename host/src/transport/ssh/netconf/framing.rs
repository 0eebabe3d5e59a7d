//! Where NETCONF messages begin and end on a byte stream (RFC 6242): bytes in, messages out, and no I/O.

/// What ends a message in the framing of base:1.0, and each hello whatever comes after it (RFC 6242, section 4.3).
const END: &[u8] = b"]]>]]>";

/// The most digits of a chunk's size: 4294967295 is the largest (RFC 6242, section 4.2).
const DIGITS: usize = 10;

/// How messages are delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `]]>]]>` after each message: base:1.0, and all hellos.
    EndOfMessage,
    /// Chunks of announced sizes: base:1.1.
    Chunked,
}

/// What makes a byte stream no NETCONF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// The message is, or says that it will be, larger than allowed.
    #[error("the message exceeds {0} bytes")]
    TooLarge(usize),
    /// What stands where a chunk must begin or a message end.
    #[error("chunked framing is broken: {0}")]
    Chunk(&'static str),
}

/// Cuts a stream of bytes into messages.
///
/// After an error nothing more can be had of the stream. What is kept is at most one message, its framing, and what was
/// pushed last.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    limit: usize,
    /// What was pushed; all before `start` is done with, and no message ends before `seen`.
    input: Vec<u8>,
    start: usize,
    seen: usize,
    /// The chunks of a message so far, and how much of the present one is to come.
    message: Option<Vec<u8>>,
    chunk: usize,
}

impl Decoder {
    /// For a stream that begins with a hello; messages may have `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { framing: Framing::EndOfMessage, limit, input: Vec::new(), start: 0, seen: 0, message: None, chunk: 0 }
    }

    /// What comes next is in this framing: to be said between messages.
    pub fn switch(&mut self, framing: Framing) {
        self.framing = framing;
        self.seen = self.start;
    }

    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.drain(..self.start);
        self.seen = self.seen.saturating_sub(self.start);
        self.start = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next whole message, without the white space around it; none if more must be read first.
    ///
    /// # Errors
    /// The stream is not what it must be, or the message is too large.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        let message = match self.framing {
            Framing::EndOfMessage => self.until_end(),
            Framing::Chunked => self.chunks(),
        };
        message.map(|message| message.map(|message| message.trim_ascii().to_vec()))
    }

    /// What there is of a message that is not whole yet; it may hold the beginning of what ends it.
    #[must_use]
    pub fn partial(&self) -> &[u8] {
        match self.framing {
            Framing::EndOfMessage => self.rest(),
            Framing::Chunked => self.message.as_deref().unwrap_or_default(),
        }
        .trim_ascii_start()
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.start..).unwrap_or_default()
    }

    fn until_end(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        // The end may have begun in what was seen before.
        let from = self.seen.saturating_sub(END.len() - 1).max(self.start);
        let found = find(self.input.get(from..).unwrap_or_default(), END).map(|place| from + place);
        let least = found.unwrap_or_else(|| self.input.len().saturating_sub(END.len() - 1));
        if least.saturating_sub(self.start) > self.limit {
            return Err(FramingError::TooLarge(self.limit));
        }
        self.seen = self.input.len();
        let Some(end) = found else { return Ok(None) };
        let message = self.input.get(self.start..end).unwrap_or_default().to_vec();
        self.start = end + END.len();
        self.seen = self.start;
        Ok(Some(message))
    }

    fn chunks(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        loop {
            if self.chunk > 0 {
                let rest = self.input.get(self.start..).unwrap_or_default();
                let part = rest.get(..self.chunk).unwrap_or(rest);
                self.message.get_or_insert_default().extend_from_slice(part);
                self.chunk -= part.len();
                self.start += part.len();
                if self.chunk > 0 {
                    return Ok(None);
                }
            }
            // Between messages a line feed more or less does no harm, and devices send both.
            if self.message.is_none() {
                self.start += self.rest().iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            }
            match header(self.rest(), self.message.is_some())? {
                Header::Incomplete => return Ok(None),
                Header::End(length) => {
                    self.start += length;
                    return Ok(self.message.take());
                }
                Header::Chunk { length, size } => {
                    let so_far = self.message.as_ref().map_or(0, Vec::len);
                    if size > self.limit.saturating_sub(so_far) {
                        return Err(FramingError::TooLarge(self.limit));
                    }
                    self.start += length;
                    self.chunk = size;
                }
            }
        }
    }
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}

enum Header {
    Incomplete,
    /// This many bytes say that the message is whole.
    End(usize),
    /// This many bytes announce a chunk.
    Chunk {
        length: usize,
        size: usize,
    },
}

/// Reads `LF # size LF`, or `LF # # LF`. Before a message's first chunk the leading line feed is gone already.
fn header(input: &[u8], inside: bool) -> Result<Header, FramingError> {
    let broken = |what| Err(FramingError::Chunk(what));
    let mut rest = input;
    if inside {
        rest = match input {
            [] => return Ok(Header::Incomplete),
            [b'\n', rest @ ..] => rest,
            _ => return broken("a line feed must follow a chunk"),
        };
    }
    rest = match rest {
        [] => return Ok(Header::Incomplete),
        [b'#', rest @ ..] => rest,
        _ => return broken("`#` must begin a chunk"),
    };
    let length = |rest: &[u8]| input.len() - rest.len();
    match rest {
        [] | [b'#'] => Ok(Header::Incomplete),
        [b'#', b'\n', ..] if !inside => broken("a message ends that has no chunk"),
        [b'#', b'\n', rest @ ..] => Ok(Header::End(length(rest))),
        [b'#', ..] => broken("a line feed must follow `##`"),
        [b'0', ..] => broken("a chunk's size is zero, or begins with a zero"),
        digits => {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, rest) = digits.split_at(count);
            if count == 0 || count > DIGITS {
                return broken("a chunk's size is no number, or too large");
            }
            let size = number.iter().fold(0_u64, |size, digit| size * 10 + u64::from(digit - b'0'));
            if size > u64::from(u32::MAX) {
                return broken("a chunk's size is no number, or too large");
            }
            match rest {
                [] => Ok(Header::Incomplete),
                [b'\n', rest @ ..] => {
                    Ok(Header::Chunk { length: length(rest), size: usize::try_from(size).unwrap_or(usize::MAX) })
                }
                _ => broken("a chunk's size is no number, or too large"),
            }
        }
    }
}

/// The message as it is sent.
///
/// # Errors
/// Why it cannot be sent in this framing.
pub fn encode(framing: Framing, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    match framing {
        Framing::EndOfMessage => {
            let bytes = [message, END].concat();
            // Earlier than at its end, even where the message holds only the first half of it.
            let early = find(&bytes, END).is_some_and(|place| place < message.len());
            if early { Err("the message holds `]]>]]>`, which would end it early") } else { Ok(bytes) }
        }
        Framing::Chunked if message.is_empty() => Err("the message is empty"),
        Framing::Chunked => {
            let mut bytes = Vec::with_capacity(message.len() + 2 * DIGITS);
            // Chunks may be no longer than 32 bits can say.
            for chunk in message.chunks(usize::try_from(u32::MAX).unwrap_or(usize::MAX)) {
                bytes.extend_from_slice(format!("\n#{}\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
            }
            bytes.extend_from_slice(b"\n##\n");
            Ok(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1000;

    /// What comes out of a stream that is read in pieces of these lengths, over and over.
    fn decode(framing: Framing, bytes: &[u8], pieces: &[usize]) -> Result<Vec<String>, FramingError> {
        let mut decoder = Decoder::new(LIMIT);
        decoder.switch(framing);
        let (mut messages, mut rest) = (Vec::new(), bytes);
        for piece in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            decoder.push(now);
            rest = later;
            while let Some(message) = decoder.next_message()? {
                messages.push(String::from_utf8(message).unwrap());
            }
        }
        Ok(messages)
    }

    /// Read at once and byte by byte.
    fn chunked(text: &str) -> Result<Vec<String>, FramingError> {
        let whole = decode(Framing::Chunked, text.as_bytes(), &[usize::MAX]);
        assert_eq!(decode(Framing::Chunked, text.as_bytes(), &[1]), whole, "{text}");
        whole
    }

    #[test]
    fn the_example_of_the_rfc_is_one_message() {
        let text = "\n#4\n<rpc\n#18\n message-id=\"102\"\n\n#79\n     xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">\n  <close-session/>\n</rpc>\n##\n";
        let messages = chunked(text).unwrap();
        assert_eq!(messages.len(), 1);
        assert!(messages[0].starts_with("<rpc message-id=\"102\"\n     xmlns="), "{}", messages[0]);
        assert!(messages[0].ends_with("</rpc>"));
    }

    #[test]
    fn what_a_chunk_holds_is_not_looked_into() {
        assert_eq!(chunked("\n#11\n<a>\n##\n</a>\n##\n").unwrap(), ["<a>\n##\n</a>"]);
        assert_eq!(chunked("\n#6\n]]>]]>\n##\n\n#1\nb\n##\n").unwrap(), ["]]>]]>", "b"]);
    }

    #[test]
    fn line_feeds_between_messages_may_be_missing_or_too_many() {
        assert_eq!(chunked("#1\na\n##\n#1\nb\n##\n").unwrap(), ["a", "b"]);
        assert_eq!(chunked("\n\r\n\n#1\na\n##\n\n\n#1\nb\n##\n").unwrap(), ["a", "b"]);
    }

    #[test]
    fn broken_chunks_are_refused() {
        let cases = [
            "<hello/>]]>]]>",
            "\n#0\n\n##\n",
            "\n#01\na\n##\n",
            "\n#-1\na\n##\n",
            "\n# 1\na\n##\n",
            "\n#1 \na\n##\n",
            "\n#1\r\na\n##\n",
            "\n#a\n",
            "\n#4294967296\n",
            "\n#42949672950\n",
            "\n#99999999999999999999999999\n",
            "\n##\n",
            "\n#1\nab\n##\n",
            "\n#1\na#1\nb\n##\n",
            "\n#1\na\n\n##\n",
            "\n#1\na\n##x",
            "\n#1\na\n###\n",
        ];
        for case in cases {
            assert!(matches!(chunked(case), Err(FramingError::Chunk(_))), "{case:?}: {:?}", chunked(case));
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_before_it_is_read() {
        let refused = Err(FramingError::TooLarge(LIMIT));
        assert_eq!(chunked("\n#4294967295\n"), refused);
        assert_eq!(chunked("\n#1001\n"), refused);
        assert_eq!(chunked(&format!("\n#1000\n{}\n#1\n", "a".repeat(1000))), refused);
        assert_eq!(chunked(&format!("\n#1000\n{}\n##\n", "a".repeat(1000))).unwrap().len(), 1);
        for (length, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
            for end in ["]]>]]>", "]]>]]x]]>]]>", ""] {
                let text = format!("{}{end}", "a".repeat(length));
                let fits = fits && !end.contains('x');
                for pieces in [1, 7, usize::MAX] {
                    // Without its end, one byte too many may still be the end's first.
                    let fits = fits || (end.is_empty() && length < LIMIT + END.len());
                    assert_eq!(
                        decode(Framing::EndOfMessage, text.as_bytes(), &[pieces]).is_ok(),
                        fits,
                        "{length} {end}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_follows_a_hello_is_read_in_the_framing_that_was_agreed_upon() {
        let mut decoder = Decoder::new(LIMIT);
        decoder.push(b"<hello/>]]>]]>\n\n#2\n");
        assert_eq!(decoder.next_message().unwrap().unwrap(), b"<hello/>");
        decoder.switch(Framing::Chunked);
        assert_eq!(decoder.next_message().unwrap(), None);
        decoder.push(b"ok\n##\n");
        assert_eq!(decoder.next_message().unwrap().unwrap(), b"ok");
    }

    #[test]
    fn a_message_that_holds_the_end_is_not_sent_in_the_framing_that_it_would_break() {
        assert!(encode(Framing::EndOfMessage, b"<a>]]>]]></a>").is_err());
        assert!(encode(Framing::EndOfMessage, b"<![CDATA[a]]>").is_err());
        assert!(encode(Framing::Chunked, b"").is_err());
        assert_eq!(encode(Framing::Chunked, b"<a>]]>]]></a>").unwrap(), b"\n#13\n<a>]]>]]></a>\n##\n");
        assert_eq!(encode(Framing::EndOfMessage, b"<a/>").unwrap(), b"<a/>]]>]]>");
    }

    proptest! {
        #[test]
        fn however_a_stream_is_split_the_same_messages_come(
            messages in prop::collection::vec("<[a-z\\]>#\n0-9]{0,40}>", 1..5),
            sizes in prop::collection::vec(1_usize..9, 1..5),
            pieces in prop::collection::vec(1_usize..9, 1..5),
        ) {
            let plain: Vec<_> = messages.iter().filter(|message| encode(Framing::EndOfMessage, message.as_bytes()).is_ok()).cloned().collect();
            let stream = plain.iter().map(|message| format!("{message}]]>]]>")).collect::<Vec<_>>().concat();
            prop_assert_eq!(decode(Framing::EndOfMessage, stream.as_bytes(), &pieces).unwrap(), plain);
            let mut parts = Vec::new();
            for message in &messages {
                let (mut rest, mut sizes) = (message.as_str(), sizes.iter().cycle());
                while !rest.is_empty() {
                    let (chunk, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                    parts.push(format!("\n#{}\n{chunk}", chunk.len()));
                    rest = later;
                }
                parts.push("\n##\n".to_owned());
            }
            let stream = parts.concat();
            prop_assert_eq!(&decode(Framing::Chunked, stream.as_bytes(), &pieces).unwrap(), &messages);
        }

        #[test]
        fn any_bytes_come_to_the_same_end_at_once_and_one_by_one(bytes in prop::collection::vec(prop::sample::select(b"\n#<>]019a".to_vec()), 0..60)) {
            for framing in [Framing::EndOfMessage, Framing::Chunked] {
                prop_assert_eq!(decode(framing, &bytes, &[1]), decode(framing, &bytes, &[usize::MAX]));
            }
        }

        #[test]
        fn what_is_sent_is_what_is_read(message in "<[a-z#\n>]{0,60}>") {
            for framing in [Framing::EndOfMessage, Framing::Chunked] {
                let sent = encode(framing, message.as_bytes());
                let Ok(sent) = sent else { continue };
                prop_assert_eq!(decode(framing, &sent, &[3]).unwrap(), [message.as_str()]);
            }
        }
    }
}
