//! HTTP/1.1 with as little work as it can be done with: the load generator and the origin share cores, and neither may
//! be what is measured.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most headers of a message.
const HEADERS: usize = 64;

/// One connection. Bodies have a `Content-Length`; whoever sends chunks is refused.
pub struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
}

/// What a client asks.
pub struct Request {
    pub method: String,
    pub path: String,
    pub body: Bytes,
}

/// What a server answers.
pub struct Response {
    pub status: u16,
    /// Whether the server ends the connection.
    pub close: bool,
    pub body: Bytes,
}

/// Where a message's parts are.
struct Parsed<T> {
    start: T,
    head: usize,
    body: usize,
}

impl Wire {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(32 << 10) })
    }

    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await
    }

    /// The next request; none where the client has gone.
    pub async fn request(&mut self) -> io::Result<Option<Request>> {
        let message = self.message(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            let httparse::Status::Complete(head) = request.parse(bytes).map_err(malformed)? else { return Ok(None) };
            let start = (request.method.unwrap_or_default().to_owned(), request.path.unwrap_or_default().to_owned());
            Ok(Some(Parsed { start, head, body: length(request.headers)? }))
        });
        Ok(message.await?.map(|((method, path), body)| Request { method, path, body }))
    }

    /// The next response.
    pub async fn response(&mut self) -> io::Result<Response> {
        let message = self.message(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(head) = response.parse(bytes).map_err(malformed)? else { return Ok(None) };
            let close = header(response.headers, "connection").is_some_and(|it| it.eq_ignore_ascii_case(b"close"));
            Ok(Some(Parsed { start: (response.code.unwrap_or(0), close), head, body: length(response.headers)? }))
        });
        let ((status, close), body) = message.await?.ok_or(ErrorKind::UnexpectedEof)?;
        Ok(Response { status, close, body })
    }

    async fn message<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> io::Result<Option<Parsed<T>>>,
    ) -> io::Result<Option<(T, Bytes)>> {
        let Parsed { start, head, body } = loop {
            match parse(&self.buffer)? {
                Some(parsed) => break parsed,
                None if self.more().await? => {}
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(ErrorKind::UnexpectedEof.into()),
            }
        };
        while self.buffer.len() < head + body {
            if !self.more().await? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let message = self.buffer.split_to(head + body).freeze();
        Ok(Some((start, message.slice(head..))))
    }

    /// Reads what has come; false at the end.
    async fn more(&mut self) -> io::Result<bool> {
        self.buffer.reserve(20 << 10);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

fn header<'h>(headers: &[httparse::Header<'h>], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn length(headers: &[httparse::Header<'_>]) -> io::Result<usize> {
    if header(headers, "transfer-encoding").is_some() {
        return Err(io::Error::new(ErrorKind::Unsupported, "a body in chunks, which is not expected here"));
    }
    let Some(length) = header(headers, "content-length") else { return Ok(0) };
    let length = str::from_utf8(length).map_err(malformed)?;
    length.parse().map_err(malformed)
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
