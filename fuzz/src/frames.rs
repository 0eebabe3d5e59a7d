//! Any bytes as what a backend says on a connection, for each way of framing: the same messages however the bytes are
//! split, those that a plain reading of the whole would find, none longer than allowed, and no more kept than that.
//! Whatever was received can be sent, and arrives as it was.
//!
//! The first bytes of an input choose the parameters and the places where the rest is split.

use crosspoint::transport::{Codec, FrameError};
use crosspoint_contract::{Framing, LengthPrefix};
use serde::de::IgnoredAny;

use crate::input::Input;

const LIMIT: usize = 96;

type Messages = Vec<Vec<u8>>;

/// Messages of one size.
pub fn fixed(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let size = u32::from(input.byte() % 96) + 1;
    let (codec, splits, stream) = prepare(&Framing::Fixed(size), input);
    let (messages, error) = received(&codec, splits, stream);
    assert_eq!(error, None, "any bytes will do");
    assert_eq!(messages, stream.chunks_exact(size as usize).map(<[u8]>::to_vec).collect::<Messages>());
}

/// Messages that say how long they are.
pub fn length_prefixed(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (offset, width) = (u32::from(input.byte() % 8), input.choice(&[1, 2, 4, 8]));
    let (big_endian, adjustment) = (input.flag(), i32::from(input.byte().cast_signed()) / 8);
    let maximum = u32::from(input.byte() % 128) + 16;
    let prefix = LengthPrefix { offset, width, big_endian, adjustment, maximum };
    let (codec, splits, stream) = prepare(&Framing::LengthPrefixed(prefix), input);
    let (messages, error) = received(&codec, splits, stream);

    let (head, limit) = (offset as usize + usize::from(width), LIMIT.min(maximum as usize));
    let (mut expected, mut wrong, mut rest) = (Messages::new(), false, stream);
    while let Some(field) = rest.get(offset as usize..head) {
        let digits: Vec<u8> = if big_endian { field.to_vec() } else { field.iter().rev().copied().collect() };
        let value = digits.iter().fold(0_i128, |value, digit| value * 256 + i128::from(*digit));
        let length = i128::try_from(head).unwrap() + value + i128::from(adjustment);
        wrong = length < i128::try_from(head).unwrap() || length > i128::try_from(limit).unwrap();
        let Some(message) = usize::try_from(length).ok().filter(|_| !wrong).and_then(|length| rest.get(..length))
        else {
            break;
        };
        expected.push(message.to_vec());
        rest = &rest[message.len()..];
    }
    assert_eq!((messages, error.is_some()), (expected, wrong), "{error:?}");
}

/// Messages that end with a delimiter.
pub fn delimited(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let delimiter = input.choice(&[&b"\n"[..], b"\r\n", b"aba", b"\0\0", b"]]>]]>"]);
    let (codec, splits, stream) = prepare(&Framing::Delimited(delimiter.to_vec().into()), input);
    let (messages, error) = received(&codec, splits, stream);

    let (mut expected, mut rest) = (Messages::new(), stream);
    while let Some(end) = rest.windows(delimiter.len()).position(|window| window == delimiter)
        && end <= LIMIT
    {
        expected.push(rest[..end].to_vec());
        rest = &rest[end + delimiter.len()..];
    }
    assert_eq!((messages, error.is_some()), (expected, rest.len() >= LIMIT + delimiter.len()), "{error:?}");
}

/// A stream of JSON values.
pub fn json_values(bytes: &[u8]) {
    let (codec, splits, stream) = prepare(&Framing::JsonValues, Input::new(bytes));
    let (messages, error) = received(&codec, splits, stream);
    // What is too deep or too long is no concern of the other reader, which also looks at the text as a whole.
    let limited = match &error {
        Some(FrameError::TooLarge(_)) => true,
        Some(FrameError::Malformed(why)) => why.contains("levels"),
        None => false,
    };
    let Ok(text) = std::str::from_utf8(stream) else { return };
    if limited {
        return;
    }
    let mut reader = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut expected, mut failed, mut from) = (Messages::new(), false, 0);
    while let Some(value) = reader.next() {
        match value {
            Ok(IgnoredAny) => expected.push(text[from..reader.byte_offset()].trim_ascii().as_bytes().to_vec()),
            Err(_) => {
                failed = true;
                break;
            }
        }
        from = reader.byte_offset();
    }
    assert_eq!(messages, expected, "{error:?}");
    assert!(error.is_none() || failed, "what is JSON is refused: {error:?}");
}

/// Replies that end with the connection.
pub fn until_close(bytes: &[u8]) {
    let (codec, splits, stream) = prepare(&Framing::UntilClose, Input::new(bytes));
    let (messages, error) = received(&codec, splits, stream);
    let expected = if stream.len() > LIMIT || stream.is_empty() { Messages::new() } else { vec![stream.to_vec()] };
    assert_eq!((messages, error.is_some()), (expected, stream.len() > LIMIT));
}

/// Replies that a prompt ends. Where it stands at the end of a part it counts, so splitting matters here.
pub fn prompted(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let prompt = input.choice(&[&b"\n> "[..], b">", b"aa"]);
    let codec = Codec::prompted(prompt, LIMIT).unwrap();
    let (step, stream) = (usize::from(input.byte()) + 1, input.rest());
    let (messages, error) = decode(&codec, stream.chunks(step));
    let mut all = messages.concat();
    all.extend(prompt.repeat(messages.len()));
    assert!(all.len() <= stream.len(), "more comes out than went in");
    let split: usize = messages.iter().map(|message| message.len() + prompt.len()).sum();
    assert!(split <= stream.len() && (messages.is_empty() || stream[..split].ends_with(prompt)));
    if error.is_some() {
        assert!(stream.len() - split > LIMIT);
    }
    if let Ok(sent) = codec.encode(stream) {
        assert_eq!(sent.iter().position(|byte| *byte == b'\n'), Some(sent.len() - 1), "a command is one line");
    }
}

fn prepare<'a>(framing: &Framing, mut input: Input<'a>) -> (Codec, [usize; 3], &'a [u8]) {
    let splits = [(); 3].map(|()| usize::from(input.byte()));
    (Codec::new(framing, LIMIT).unwrap(), splits, input.rest())
}

/// What is received of a stream, having looked at all that holds for any framing.
fn received(codec: &Codec, splits: [usize; 3], stream: &[u8]) -> (Messages, Option<FrameError>) {
    let (messages, error) = decode(codec, [stream]);
    let mut places = splits.map(|place| place % (stream.len() + 1));
    places.sort_unstable();
    let [a, b, c] = places;
    let split = decode(codec, [&stream[..a], &stream[a..b], &stream[b..c], &stream[c..]]);
    assert_eq!((&split.0, split.1.is_some()), (&messages, error.is_some()), "{:?}, {error:?}", split.1);
    let single = decode(codec, stream.chunks(1));
    assert_eq!((&single.0, single.1.is_some()), (&messages, error.is_some()), "{:?}, {error:?}", single.1);
    for message in &messages {
        assert!(message.len() <= LIMIT, "{} bytes", message.len());
        let sent = codec.encode(message).unwrap_or_else(|error| panic!("what was received cannot be sent: {error}"));
        assert_eq!(decode(codec, [sent.as_slice()]), (vec![message.clone()], None));
    }
    (messages, error)
}

fn decode<'a>(codec: &Codec, parts: impl IntoIterator<Item = &'a [u8]>) -> (Messages, Option<FrameError>) {
    let (mut decoder, mut messages) = (codec.decoder(), Messages::new());
    for part in parts {
        decoder.buffer().extend_from_slice(part);
        loop {
            match decoder.message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
        assert!(decoder.partial().len() <= LIMIT + 6, "{} bytes are kept", decoder.partial().len());
    }
    match decoder.end() {
        Ok(last) => messages.extend(last),
        Err(error) => return (messages, Some(error)),
    }
    (messages, None)
}
