//! What a driver's description says of the bytes on a connection, checked once.

use bytes::Bytes;
use crosspoint_contract::{
    CommandProtocol, CommandReply, Correlation, Description, Exchange, MessageProtocol, Protocol, Reply, Request,
};

use super::codec::Codec;
use super::correlation::{Key, Place};
use crate::transport::TransportError;

/// The extension of a command protocol that names a line to send on each new connection before the first prompt.
const PREAMBLE: &str = "preamble";

/// How messages look, how replies find their requests, and what else is said on a connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) codec: Codec,
    pub(super) place: Place,
    pub(super) usage: Usage,
    /// What is said first on a new connection.
    pub(super) greeting: Greeting,
    /// What unsolicited messages start with, and the bytes that answer them.
    pub(super) keepalives: Vec<(Vec<u8>, Vec<u8>)>,
    is_command: bool,
}

/// How exchanges share connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Each has its own, which is closed after it.
    Single,
    /// Each has its own while it lasts.
    InTurn,
    /// All have one together.
    Shared,
}

/// What is said first on a new connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Nothing.
    None,
    /// These bytes, if any, are sent, and the one message that comes is dropped.
    Awaited(Vec<u8>),
}

/// A message fit to be sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) bytes: Bytes,
    pub(super) key: Key,
}

impl Wire {
    /// # Errors
    /// What the description says that cannot be.
    pub(super) fn new(description: &Description, limit: usize) -> Result<Self, String> {
        match &description.protocol {
            Protocol::Message(message) => Self::of_messages(message, limit),
            Protocol::Command(command) => Self::of_commands(command, limit),
            Protocol::Http(_) => Err("it is HTTP".to_owned()),
        }
        .map_err(|reason| format!("protocol of driver {}: {reason}", description.name))
    }

    fn of_messages(protocol: &MessageProtocol, limit: usize) -> Result<Self, String> {
        let codec = Codec::new(&protocol.framing, limit)?;
        let place = Place::new(&protocol.correlation)?;
        let usage = match protocol.correlation {
            Correlation::JsonPointer(_) | Correlation::Field(_) => Usage::Shared,
            Correlation::InOrder if !codec.ends_with_connection() => Usage::InTurn,
            Correlation::InOrder | Correlation::SingleUse => Usage::Single,
        };
        if codec.ends_with_connection() && usage == Usage::Shared {
            return Err("a reply that ends with the connection cannot share it with others".to_owned());
        }
        if codec.fixed_size().is_some_and(|size| place.extent() > size) {
            return Err("the correlation field lies beyond the end of the messages".to_owned());
        }
        let greeting = match &protocol.preamble {
            Some(_) if codec.ends_with_connection() => {
                return Err("a preamble whose answer ends with the connection leaves none to use".to_owned());
            }
            Some(preamble) => Greeting::Awaited(codec.encode(preamble.as_ref()).map_err(said("the preamble"))?),
            None => Greeting::None,
        };
        let answers = protocol.keepalives.iter().map(|(probe, answer)| {
            let answer = codec.encode(answer.as_ref()).map_err(said("the answer to a keepalive"))?;
            if probe.is_empty() {
                return Err("a keepalive is recognised by no byte at all".to_owned());
            }
            Ok((probe.0.clone(), answer))
        });
        let keepalives = answers.collect::<Result<_, _>>()?;
        Ok(Self { codec, place, usage, greeting, keepalives, is_command: false })
    }

    fn of_commands(protocol: &CommandProtocol, limit: usize) -> Result<Self, String> {
        let prompt = protocol.prompt.as_ref().map(AsRef::as_ref).unwrap_or_default();
        let codec = Codec::prompted(prompt, limit)?;
        let preamble = protocol.extensions.iter().find(|(name, _)| name == PREAMBLE);
        let preamble = preamble.map(|(_, line)| codec.encode(line.as_bytes())).transpose();
        let greeting = Greeting::Awaited(preamble.map_err(said("the preamble"))?.unwrap_or_default());
        let (place, usage, keepalives) = (Place::Nowhere, Usage::InTurn, Vec::new());
        Ok(Self { codec, place, usage, greeting, keepalives, is_command: true })
    }

    /// What a driver's exchange comes to on the wire.
    ///
    /// # Errors
    /// Why it may not be sent.
    pub(super) fn message(&self, exchange: &Exchange) -> Result<Message, TransportError> {
        let body = self.body(exchange)?;
        let refused =
            |reason: String| TransportError::refused(format!("the driver's {} is refused: {reason}", self.noun()));
        let bytes = self.codec.encode(body).map_err(refused)?;
        let key = self.place.key(body).ok_or_else(|| refused("it carries no correlation value".to_owned()))?;
        Ok(Message { bytes: bytes.into(), key })
    }

    /// The message or the command as the driver made it.
    ///
    /// # Errors
    /// The exchange is of another protocol.
    pub(super) fn body<'a>(&self, exchange: &'a Exchange) -> Result<&'a [u8], TransportError> {
        let made = match &exchange.request {
            Request::Message(message) if !self.is_command => return Ok(message.as_ref()),
            Request::Command(command) if self.is_command => return Ok(command.as_ref()),
            Request::Message(_) => "message",
            Request::Command(_) => "command",
            Request::Http(_) => "http",
        };
        let noun = self.noun();
        Err(TransportError::refused(format!("the driver describes protocol `{noun}` but made a `{made}` exchange")))
    }

    /// A reply as the driver gets it.
    pub(super) fn reply(&self, message: Vec<u8>) -> Reply {
        if self.is_command {
            Reply::Command(CommandReply { status: None, output: message.into(), errors: Vec::new().into() })
        } else {
            Reply::Message(message.into())
        }
    }

    /// The answer to a message that is a keepalive.
    pub(super) fn answer(&self, message: &[u8]) -> Option<&[u8]> {
        let answer = self.keepalives.iter().find(|(probe, _)| message.starts_with(probe));
        answer.map(|(_, answer)| answer.as_slice())
    }

    /// Whether a message of which so much has come may turn out to be a keepalive.
    pub(super) fn may_be_keepalive(&self, part: &[u8]) -> bool {
        self.keepalives.iter().any(|(probe, _)| part.starts_with(probe) || probe.starts_with(part))
    }

    fn noun(&self) -> &'static str {
        if self.is_command { "command" } else { "message" }
    }
}

fn said(of: &'static str) -> impl Fn(String) -> String {
    move |reason| format!("{of}: {reason}")
}
