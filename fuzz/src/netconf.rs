//! Any bytes as what a NETCONF backend says, in both framings: the same messages however the bytes are split, those that
//! a plain reading of the whole would find, none longer than allowed, and no more kept than that. And any bytes as what a
//! driver would have sent: it is one RPC with one operation, or it is refused.
//!
//! The first byte chooses what the rest is, the next three where it is split.

use std::cell::LazyCell;

use crosspoint::transport::netconf::{Decoder, Framing, encode};
use crosspoint::transport::{Authorization, Settings, Ssh, Transport};
use crosspoint_contract::{Correlation, Description, Exchange, MessageProtocol, Protocol, Request};
use crosspoint_sdk::xml;

use crate::description;
use crate::input::Input;

const LIMIT: usize = 96;
const END: &str = "]]>]]>";

type Messages = Vec<Vec<u8>>;

/// Any bytes.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 3 {
        0 => stream(Framing::EndOfMessage, input, ended),
        1 => stream(Framing::Chunked, input, chunked),
        _ => driver(input.rest()),
    }
}

fn stream(framing: Framing, mut input: Input<'_>, plainly: fn(&[u8]) -> (Messages, bool)) {
    let splits = [(); 3].map(|()| usize::from(input.byte()));
    let stream = input.rest();
    let (messages, wrong) = decode(framing, [stream]);
    assert_eq!((&messages, wrong), (&plainly(stream).0, plainly(stream).1));
    let mut places = splits.map(|place| place % (stream.len() + 1));
    places.sort_unstable();
    let [a, b, c] = places;
    let split = decode(framing, [&stream[..a], &stream[a..b], &stream[b..c], &stream[c..]]);
    assert_eq!(split, (messages.clone(), wrong));
    assert_eq!(decode(framing, stream.chunks(1)), (messages.clone(), wrong));
    for message in messages.iter().filter(|message| !message.is_empty()) {
        assert!(message.len() <= LIMIT, "{} bytes", message.len());
        // What holds the end of a message cannot have come in that framing, but may end with its first half.
        let Ok(sent) = encode(framing, message) else {
            assert!(framing == Framing::EndOfMessage && message.ends_with(b"]]>"), "what was received cannot be sent");
            continue;
        };
        assert_eq!(decode(framing, [sent.as_slice()]), (vec![message.clone()], false));
    }
}

fn decode<'a>(framing: Framing, parts: impl IntoIterator<Item = &'a [u8]>) -> (Messages, bool) {
    let (mut decoder, mut messages) = (Decoder::new(LIMIT), Messages::new());
    decoder.switch(framing);
    for part in parts {
        decoder.push(part);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
        assert!(decoder.partial().len() <= LIMIT + END.len(), "{} bytes are kept", decoder.partial().len());
    }
    (messages, false)
}

/// The messages before each end, and whether one was too long.
fn ended(stream: &[u8]) -> (Messages, bool) {
    let (mut messages, mut rest) = (Messages::new(), stream);
    while let Some(end) = rest.windows(END.len()).position(|window| window == END.as_bytes()) {
        if end > LIMIT {
            return (messages, true);
        }
        messages.push(rest[..end].trim_ascii().to_vec());
        rest = &rest[end + END.len()..];
    }
    (messages, rest.len() >= LIMIT + END.len())
}

/// Byte by byte, as RFC 6242's grammar goes, but for line feeds and carriage returns between messages.
fn chunked(stream: &[u8]) -> (Messages, bool) {
    #[derive(Clone, Copy)]
    enum At {
        Between,
        Line,
        Hash,
        Size(u64),
        End,
        Data(u64),
    }
    let (mut messages, mut message, mut at) = (Messages::new(), Vec::new(), At::Between);
    // Whether the message has a chunk already.
    let mut begun = false;
    for byte in stream {
        at = match (at, byte) {
            (At::Between, b'\n' | b'\r') if !begun => At::Between,
            (At::Line, b'\n') => At::Between,
            (At::Between, b'#') => At::Hash,
            (At::Hash, b'#') => At::End,
            (At::Hash, b'1'..=b'9') => At::Size(u64::from(byte - b'0')),
            (At::Size(size), b'0'..=b'9') if u32::try_from(size * 10 + u64::from(byte - b'0')).is_ok() => {
                At::Size(size * 10 + u64::from(byte - b'0'))
            }
            (At::Size(size), b'\n') if size <= (LIMIT - message.len()) as u64 => At::Data(size),
            (At::End, b'\n') if begun => {
                messages.push(std::mem::take(&mut message).trim_ascii().to_vec());
                begun = false;
                At::Between
            }
            (At::Data(left), byte) => {
                message.push(*byte);
                begun = true;
                if left == 1 { At::Line } else { At::Data(left - 1) }
            }
            _ => return (messages, true),
        };
    }
    (messages, false)
}

thread_local! {
    static BACKEND: LazyCell<Transport> = LazyCell::new(|| {
        let fingerprint = format!("SHA256:{}", "A".repeat(43));
        let settings = Settings {
            endpoints: [("default".to_owned(), "ssh://127.0.0.1".to_owned())].into(),
            ssh: Ssh { host_keys: vec![fingerprint] },
            ..Settings::default()
        };
        let protocol = Protocol::Message(MessageProtocol {
            framing: crosspoint_contract::Framing::Netconf,
            correlation: Correlation::InOrder,
            preamble: None,
            keepalives: Vec::new(),
            extensions: Vec::new(),
        });
        Transport::new(&Description { protocol, ..description::minimal() }, &settings).unwrap()
    });
}

/// The host reads a driver's message in its own way; a second reader sees the same.
fn driver(message: &[u8]) {
    let exchange = Exchange {
        context: Vec::new().into(),
        endpoint: "default".to_owned(),
        request: Request::Message(message.to_vec().into()),
        extensions: Vec::new(),
    };
    let rendered = BACKEND.with(|backend| backend.render(&exchange, &Authorization::none()));
    let Ok(rendered) = rendered else { return };
    assert_eq!(rendered.body.as_ref(), message);
    // It has limits of its own, and rules that the host does not look after.
    let Ok(rpc) = xml::parse(message) else { return };
    assert_eq!(rpc.local_name(), "rpc");
    let [operation] = rpc.children() else { panic!("{} operations", rpc.children().len()) };
    assert!(!["lock", "unlock", "close-session"].contains(&operation.local_name()), "{}", operation.local_name());
}
