//! A server that writes down what arrives, and takes nothing but requests of the plainest form.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// One request, as its bytes say.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub target: String,
    /// Names as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Answers every request with 204.
pub struct Server {
    address: SocketAddr,
    requests: Receiver<Result<Received, String>>,
}

impl Server {
    /// On loopback, until the process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                thread::spawn(move || serve(connection, &sender));
            }
        });
        Self { address, requests }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What arrived since this was last asked; a request of any other form than the plainest is a defect.
    pub fn received(&self) -> Vec<Received> {
        self.requests.try_iter().map(|request| request.unwrap_or_else(|wrong| panic!("{wrong}"))).collect()
    }
}

fn serve(mut connection: TcpStream, sender: &Sender<Result<Received, String>>) {
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    connection.set_nodelay(true).unwrap();
    let mut bytes = Vec::new();
    loop {
        match parse(&bytes) {
            Ok(Some((request, len))) => {
                bytes.drain(..len);
                // What came is told before it is answered, so that whoever has the answer can ask what came.
                if sender.send(Ok(request)).is_err()
                    || connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err()
                {
                    return;
                }
                continue;
            }
            Ok(None) => {}
            Err(wrong) => {
                let _ = sender.send(Err(format!("{wrong}: {}", bytes.escape_ascii())));
                return;
            }
        }
        let mut piece = [0; 16 * 1024];
        match connection.read(&mut piece) {
            Ok(read @ 1..) => bytes.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
}

/// The first request in these bytes and its length, once it is whole.
fn parse(bytes: &[u8]) -> Result<Option<(Received, usize)>, &'static str> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = &bytes[..end];
    if head.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\r' | b'\n' | b'\t')) {
        return Err("a control character in the head");
    }
    let mut lines = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        lines.push(line.strip_suffix(b"\r").unwrap_or(line));
    }
    if lines.iter().any(|line| line.contains(&b'\r'))
        || lines.len() != head.windows(2).filter(|it| it == b"\r\n").count() + 1
    {
        return Err("a bare carriage return or line feed");
    }
    let first = std::str::from_utf8(lines[0]).map_err(|_| "a request line that is no text")?;
    let parts: Vec<_> = first.split(' ').collect();
    let [method, target, "HTTP/1.1"] = parts[..] else { return Err("a request line that is not of three parts") };
    let mut headers = Vec::new();
    for line in &lines[1..] {
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a header without a colon")?;
        let name = std::str::from_utf8(&line[..colon]).map_err(|_| "a header's name that is no text")?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err("a header's name that is no token");
        }
        headers.push((name.to_owned(), line[colon + 1..].to_vec()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = match length {
        Some((_, value)) => std::str::from_utf8(value.trim_ascii()).ok().and_then(|text| text.parse().ok()),
        None => Some(0),
    };
    let length: usize = length.ok_or("a length that is no number")?;
    let body = &bytes[end + 4..];
    if body.len() < length {
        return Ok(None);
    }
    let received =
        Received { method: method.to_owned(), target: target.to_owned(), headers, body: body[..length].to_vec() };
    Ok(Some((received, end + 4 + length)))
}
