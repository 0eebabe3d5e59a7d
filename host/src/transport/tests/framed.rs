//! The framed transport against raw sockets: what is on the wire is written out here by hand.

mod codecs;
mod failures;
mod greeting;
mod in_turn;
mod peer;
mod shared;

use crosspoint_contract::{
    Bytes, CommandProtocol, CommandTransport, Correlation, CorrelationField, Exchange, Framing, LengthPrefix,
    MessageProtocol, Protocol, Reply, Request,
};

use super::describe;
use crate::transport::{Authorization, Settings, Transport, TransportError};

fn message(framing: Framing, correlation: Correlation) -> MessageProtocol {
    MessageProtocol { framing, correlation, preamble: None, keepalives: Vec::new(), extensions: Vec::new() }
}

fn bytes(text: &str) -> Bytes {
    text.as_bytes().to_vec().into()
}

/// One line at a time.
fn lines() -> MessageProtocol {
    message(Framing::Delimited(bytes("\n")), Correlation::InOrder)
}

/// Values of JSON with an `id`, many at a time.
fn json() -> MessageProtocol {
    message(Framing::JsonValues, Correlation::JsonPointer("/id".to_owned()))
}

/// Frames of eight bytes that begin with their number, many at a time.
fn numbered() -> MessageProtocol {
    message(Framing::Fixed(8), Correlation::Field(CorrelationField { offset: 0, width: 4, big_endian: true }))
}

/// Frames that begin with their length, which counts what follows it, and then their number.
fn counted() -> MessageProtocol {
    let prefix = LengthPrefix { offset: 0, width: 4, big_endian: true, adjustment: 0, maximum: 1 << 20 };
    let correlation = Correlation::Field(CorrelationField { offset: 4, width: 4, big_endian: true });
    message(Framing::LengthPrefixed(prefix), correlation)
}

fn prompted() -> CommandProtocol {
    CommandProtocol { transport: CommandTransport::TcpLine, prompt: Some(bytes("\n> ")), extensions: Vec::new() }
}

fn transport(protocol: MessageProtocol, settings: &Settings) -> Transport {
    Transport::new(&describe(Protocol::Message(protocol)), settings).unwrap()
}

fn exchange(request: Request) -> Exchange {
    Exchange { context: Bytes::default(), endpoint: "default".to_owned(), request, extensions: Vec::new() }
}

async fn send(transport: &Transport, message: impl AsRef<[u8]>) -> Result<Vec<u8>, TransportError> {
    let exchange = exchange(Request::Message(message.as_ref().to_vec().into()));
    match transport.exchange(&exchange, &Authorization::none()).await? {
        Reply::Message(reply) => Ok(reply.0),
        other => panic!("{other:?}"),
    }
}

async fn command(transport: &Transport, line: &str) -> Result<String, TransportError> {
    let exchange = exchange(Request::Command(bytes(line)));
    match transport.exchange(&exchange, &Authorization::none()).await? {
        Reply::Command(reply) => {
            assert_eq!((reply.status, reply.errors.is_empty()), (None, true));
            Ok(String::from_utf8(reply.output.0).unwrap())
        }
        other => panic!("{other:?}"),
    }
}
