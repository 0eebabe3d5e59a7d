//! Messages on TCP, framed in every way that a driver can describe.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use crosspoint_contract::{
    AuthScheme, Bytes as Body, Correlation, CorrelationField, Exchange, Framing, LengthPrefix, MessageProtocol,
    Protocol, Reply, Request,
};
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::load::{Client, anew, apart, together};
use super::{Raw, Wire, settings};

/// The bytes of a message.
const SIZE: usize = 1024;

/// One way of framing: how a message is read from a stream, and what one looks like.
trait Frame: Send + Sync + 'static {
    /// The message of this number, frame and all.
    fn message(number: u64) -> Vec<u8>;

    /// What a server answers to that.
    fn reply(message: Vec<u8>) -> Result<Vec<u8>> {
        Ok(message)
    }

    /// The number of a message.
    fn number(message: &[u8]) -> u64;

    /// The next whole message.
    fn read(stream: &mut BufReader<TcpStream>) -> impl Future<Output = Result<Vec<u8>>> + Send;
}

/// Frames of one size, with the number in the first eight bytes.
struct Fixed;

impl Frame for Fixed {
    fn message(number: u64) -> Vec<u8> {
        let mut message = vec![b'x'; SIZE];
        message.splice(..8, number.to_le_bytes());
        message
    }

    fn number(message: &[u8]) -> u64 {
        message.first_chunk().copied().map_or(0, u64::from_le_bytes)
    }

    async fn read(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
        let mut message = vec![0; SIZE];
        stream.read_exact(&mut message).await?;
        Ok(message)
    }
}

/// A type, a length, a payload.
struct Prefixed;

impl Frame for Prefixed {
    fn message(_: u64) -> Vec<u8> {
        let payload = vec![b'x'; SIZE - 8];
        let length = u32::try_from(payload.len()).unwrap_or_default();
        [7_u32.to_be_bytes().as_slice(), &length.to_be_bytes(), &payload].concat()
    }

    fn number(_: &[u8]) -> u64 {
        0
    }

    async fn read(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
        let (kind, length) = (stream.read_u32().await?, stream.read_u32().await?);
        let mut message = [kind.to_be_bytes(), length.to_be_bytes()].concat();
        message.resize(8 + usize::try_from(length)?, 0);
        stream.read_exact(message.get_mut(8..).context("room")?).await?;
        Ok(message)
    }
}

/// Lines.
struct Lines;

impl Frame for Lines {
    fn message(_: u64) -> Vec<u8> {
        let mut line = vec![b'x'; SIZE - 1];
        line.push(b'\n');
        line
    }

    fn number(_: &[u8]) -> u64 {
        0
    }

    async fn read(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        ensure!(stream.read_until(b'\n', &mut line).await? > 0, "the other end has gone");
        Ok(line)
    }
}

/// JSON-RPC without framing.
struct Values;

impl Frame for Values {
    fn message(number: u64) -> Vec<u8> {
        let value = json!({"method": "echo", "params": ["x".repeat(SIZE - 64)], "id": number});
        value.to_string().into_bytes()
    }

    fn reply(message: Vec<u8>) -> Result<Vec<u8>> {
        let mut value: Value = serde_json::from_slice(&message)?;
        let mut take = |name| value.get_mut(name).map(Value::take);
        Ok(json!({"result": take("params"), "error": null, "id": take("id")}).to_string().into_bytes())
    }

    fn number(message: &[u8]) -> u64 {
        serde_json::from_slice::<Value>(message).ok().and_then(|value| value.get("id")?.as_u64()).unwrap_or_default()
    }

    async fn read(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let before = message.len();
            message.extend_from_slice(stream.fill_buf().await?);
            ensure!(message.len() > before, "the other end has gone");
            let mut values = Deserializer::from_slice(&message).into_iter::<IgnoredAny>();
            match values.next() {
                Some(Ok(_)) => {
                    let end = values.byte_offset();
                    stream.consume(end - before);
                    message.truncate(end);
                    return Ok(message);
                }
                Some(Err(error)) if !error.is_eof() => return Err(error.into()),
                _ => stream.consume(message.len() - before),
            }
        }
    }
}

/// The raw client.
struct Connection<F> {
    stream: BufReader<TcpStream>,
    frame: std::marker::PhantomData<F>,
}

impl<F: Frame> Client for Connection<F> {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), frame: std::marker::PhantomData })
    }

    async fn send(&mut self, number: u64) -> Result<()> {
        Ok(self.stream.write_all(&F::message(number)).await?)
    }

    async fn receive(&mut self) -> Result<u64> {
        Ok(F::number(&F::read(&mut self.stream).await?))
    }
}

/// Answers each message; one a connection, if `once`.
async fn serve<F: Frame>(once: bool) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever breaks off has gone.
            tokio::spawn(async move { drop(answer::<F>(stream, once).await) });
        }
    });
    Ok(address)
}

async fn answer<F: Frame>(stream: TcpStream, once: bool) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let message = F::read(&mut stream).await?;
        stream.write_all(&F::reply(message)?).await?;
        if once {
            return Ok(());
        }
    }
}

fn wire(
    name: &'static str,
    address: SocketAddr,
    framing: Framing,
    correlation: Correlation,
    exchange: fn(u64) -> Exchange,
    is_reply: fn(u64, &Reply) -> bool,
    raw: Raw,
) -> Wire {
    let protocol =
        MessageProtocol { framing, correlation, preamble: None, keepalives: Vec::new(), extensions: Vec::new() };
    Wire {
        name,
        protocol: Protocol::Message(protocol),
        scheme: AuthScheme::None,
        secrets: crosspoint::transport::Secrets::new(),
        settings: settings(format!("tcp://{address}")),
        exchange,
        is_reply,
        raw,
    }
}

fn exchange(message: Vec<u8>) -> Exchange {
    Exchange {
        context: Body::default(),
        endpoint: "default".to_owned(),
        request: Request::Message(Body(message)),
        extensions: Vec::new(),
    }
}

fn message(reply: &Reply) -> &[u8] {
    match reply {
        Reply::Message(message) => message.as_ref(),
        Reply::Http(_) | Reply::Command(_) => &[],
    }
}

/// Without the line feed, which is not the message's.
fn line(message: Vec<u8>) -> Vec<u8> {
    message.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(message)
}

/// All of them.
pub async fn wires() -> Result<Vec<Wire>> {
    let fixed = serve::<Fixed>(false).await?;
    let prefixed = serve::<Prefixed>(false).await?;
    let lines = serve::<Lines>(false).await?;
    let values = serve::<Values>(false).await?;
    let once = serve::<Lines>(true).await?;
    let prefix = LengthPrefix { offset: 4, width: 4, big_endian: true, adjustment: 0, maximum: 1 << 20 };
    let field = CorrelationField { offset: 0, width: 8, big_endian: false };
    Ok(vec![
        wire(
            "fixed-multiplexed",
            fixed,
            Framing::Fixed(u32::try_from(SIZE)?),
            Correlation::Field(field),
            |number| exchange(Fixed::message(number)),
            |number, reply| message(reply) == Fixed::message(number),
            together::<Connection<Fixed>>(fixed),
        ),
        wire(
            "length-in-order",
            prefixed,
            Framing::LengthPrefixed(prefix),
            Correlation::InOrder,
            |number| exchange(Prefixed::message(number)),
            |number, reply| message(reply) == Prefixed::message(number),
            apart::<Connection<Prefixed>>(prefixed),
        ),
        wire(
            "line-in-order",
            lines,
            Framing::Delimited(Body(b"\n".to_vec())),
            Correlation::InOrder,
            |number| exchange(line(Lines::message(number))),
            |number, reply| message(reply) == line(Lines::message(number)),
            apart::<Connection<Lines>>(lines),
        ),
        wire(
            "json-multiplexed",
            values,
            Framing::JsonValues,
            Correlation::JsonPointer("/id".to_owned()),
            |number| exchange(Values::message(number)),
            |number, reply| Values::number(message(reply)) == number,
            together::<Connection<Values>>(values),
        ),
        wire(
            "until-close",
            once,
            Framing::UntilClose,
            Correlation::SingleUse,
            |number| exchange(Lines::message(number)),
            |number, reply| message(reply) == Lines::message(number),
            anew::<Connection<Lines>>(once),
        ),
    ])
}
