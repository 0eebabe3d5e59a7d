//! Whatever a driver writes as its exchange, and whatever session it obtained: the exchange is refused, or it is one
//! request to the configured scheme, host, port and path prefix, with the driver's headers and the session's and no
//! other. What counts are the bytes that arrive, read by a server that is stricter than any real one.
//!
//! The input is text: `METHOD TARGET`, then a line `Name: value` for each header, an empty line, the body. A line that
//! begins with `+` is a header of the session, one with `?` a `name=value` of its query. The first byte chooses the
//! path prefix.

use std::cell::LazyCell;

use crosspoint::sent::Sent;
use crosspoint::transport::{Authorization, ErrorKind, Settings, Transport};
use crosspoint_contract::{Exchange, Header, HttpRequest, Request, SessionGrant};
use tokio::runtime::Runtime;

use crate::description;
use crate::wire::{Received, Server};

/// Path prefixes that an operator might configure.
const PREFIXES: [&str; 4] = ["", "/api/v2", "/a/b;c=d/", "/caf%C3%A9"];

/// What each of the session's values begins with; no driver knows it.
const SECRET: &str = "c3VwZXItc2VjcmV0";

struct Backend {
    runtime: Runtime,
    server: Server,
    transports: [Transport; PREFIXES.len()],
}

thread_local! {
    static BACKEND: LazyCell<Backend> = LazyCell::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = Server::start();
        let transports = PREFIXES.map(|prefix| {
            let endpoints = [("default".to_owned(), format!("http://{}{prefix}", server.address()))];
            let settings = Settings { endpoints: endpoints.into(), ..Settings::default() };
            runtime.block_on(async { Transport::new(&description::minimal(), &settings) }).unwrap()
        });
        Backend { runtime, server, transports }
    });
}

/// Any bytes as an exchange and a session.
pub fn target(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let choice = usize::from(*choice) % PREFIXES.len();
    let (exchange, grant) = parse(text);
    let Ok(authorization) = Authorization::from_grant(&grant) else { return };
    BACKEND.with(|backend| judge(backend, choice, &exchange, &grant, &authorization));
}

fn judge(backend: &Backend, choice: usize, exchange: &Exchange, grant: &SessionGrant, authorization: &Authorization) {
    let Request::Http(request) = &exchange.request else { unreachable!("only HTTP is made here") };
    let transport = &backend.transports[choice];
    let rendered = transport.render(exchange, authorization);
    let outcome = backend.runtime.block_on(transport.exchange(exchange, authorization));
    let received = backend.server.received();
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(error) => {
            assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
            assert_eq!(outcome.unwrap_err(), error, "what is not shown is not sent");
            assert!(received.is_empty(), "a refused exchange reached the backend: {received:?}");
            tells_no_secret(&error.to_string(), request, grant);
            return;
        }
    };
    outcome.unwrap_or_else(|error| panic!("{rendered:?} was shown, but not sent: {error}"));
    let [received] = received.as_slice() else { panic!("one exchange made {} requests", received.len()) };
    check(received, request, grant, &backend.server.address().to_string(), PREFIXES[choice]);

    tells_no_secret(&format!("{rendered:?}"), request, grant);
    let expected = format!("http://{}{}", backend.server.address(), PREFIXES[choice].trim_end_matches('/'));
    assert!(rendered.url.starts_with(&expected), "{}", rendered.url);
}

/// What is shown holds none of the session's values, unless the driver wrote one itself.
fn tells_no_secret(shown: &str, request: &HttpRequest, grant: &SessionGrant) {
    let HttpRequest { method, target, headers, body } = request;
    let known = format!("{method:?} {target:?} {headers:?} {body:?} {grant:?}").contains(SECRET)
        || headers.iter().any(|header| String::from_utf8_lossy(&header.value).contains(SECRET));
    assert!(known || !shown.contains(SECRET), "a secret is shown: {shown}");
}

/// The request as it arrived is what the driver asked for, below the prefix, with the session's additions.
fn check(received: &Received, request: &HttpRequest, grant: &SessionGrant, authority: &str, prefix: &str) {
    let prefix = prefix.trim_end_matches('/');
    assert!(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&received.method.as_str()));
    assert_eq!(received.method, request.method);

    let asked = format!("{prefix}{}", request.target);
    let added = received.target.strip_prefix(&asked);
    let added = added.unwrap_or_else(|| panic!("asked for {asked}, sent {}", received.target));
    assert_eq!(added.is_empty(), grant.query.is_empty(), "{added}");
    assert_eq!(added.matches(['?', '&']).count(), grant.query.len(), "the session's parameters, each once: {added}");
    stays_below(prefix, received.target.split('?').next().unwrap());

    let mut expected: Vec<(String, Vec<u8>)> = Vec::new();
    for header in request.headers.iter().chain(&grant.headers) {
        expected.push((header.name.to_ascii_lowercase(), header.value.trim_ascii().to_vec()));
    }
    expected.push(("host".to_owned(), authority.as_bytes().to_vec()));
    let has_length = !request.body.is_empty() || ["POST", "PUT", "PATCH"].contains(&request.method.as_str());
    if has_length {
        expected.push(("content-length".to_owned(), request.body.0.len().to_string().into_bytes()));
    }
    let mut headers = received.headers.clone();
    for (name, value) in &mut headers {
        name.make_ascii_lowercase();
        *value = value.trim_ascii().to_vec();
    }
    headers.sort();
    expected.sort();
    assert_eq!(headers, expected, "no header but the driver's, the session's, `Host` and the length");
    assert_eq!(received.body, request.body.0);
}

/// However often a server decodes a path, whatever it takes for a slash or a parameter: it stays below the prefix.
fn stays_below(prefix: &str, path: &str) {
    let below = resolve(&decode(prefix.as_bytes()));
    let mut path = path.as_bytes().to_vec();
    for _ in 0..12 {
        let resolved = resolve(&path);
        let decoded: Vec<_> = resolved.iter().take(below.len()).map(|segment| decode(segment)).collect();
        assert_eq!(decoded, below, "{} leaves {prefix}", String::from_utf8_lossy(&path));
        path = decode(&path);
    }
}

fn decode(path: &[u8]) -> Vec<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut decoded, mut rest) = (Vec::new(), path);
    while let Some((byte, more)) = rest.split_first() {
        match (byte, more) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                decoded.push(hex(*high).unwrap() << 4 | hex(*low).unwrap());
                rest = after;
            }
            _ => {
                decoded.push(*byte);
                rest = more;
            }
        }
    }
    decoded
}

fn resolve(path: &[u8]) -> Vec<Vec<u8>> {
    let mut resolved = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment.split(|byte| *byte == b';').next().unwrap_or_default() {
            b"" | b"." => {}
            b".." => drop(resolved.pop()),
            name => resolved.push(name.to_vec()),
        }
    }
    resolved
}

fn parse(text: &[u8]) -> (Exchange, SessionGrant) {
    let (first, mut rest) = line(text);
    let (method, target) = first.split_once(' ').unwrap_or((&first, ""));
    let mut request = HttpRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new().into(),
    };
    let mut grant = SessionGrant::default();
    while !rest.is_empty() {
        let here = rest;
        let (text, after) = line(rest);
        rest = after;
        if text.is_empty() {
            break;
        }
        let raw = &here[..here.iter().position(|byte| *byte == b'\n').unwrap_or(here.len())];
        match text.as_bytes()[0] {
            b'+' => grant.headers.push(header(&raw[1..], SECRET)),
            b'?' => {
                let (name, value) = text[1..].split_once('=').unwrap_or((&text[1..], ""));
                grant.query.push((name.to_owned(), format!("{SECRET}{value}")));
            }
            _ => request.headers.push(header(raw, "")),
        }
    }
    request.body = rest.to_vec().into();
    let endpoint = "default".to_owned();
    let exchange =
        Exchange { context: Vec::new().into(), endpoint, request: Request::Http(request), extensions: Vec::new() };
    (exchange, grant)
}

fn header(line: &[u8], prefix: &str) -> Header {
    let colon = line.windows(2).position(|pair| pair == b": ").unwrap_or(line.len());
    let value = line.get(colon + 2..).unwrap_or_default();
    Header { name: String::from_utf8_lossy(&line[..colon]).into_owned(), value: [prefix.as_bytes(), value].concat() }
}

/// The first line as text, and what follows it.
fn line(text: &[u8]) -> (String, &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    (String::from_utf8_lossy(&text[..end]).into_owned(), text.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target is worth something only if exchanges do arrive.
    #[test]
    fn a_plain_exchange_arrives_with_its_session_below_the_prefix() {
        let (exchange, grant) = parse(b"POST /x?a=b\nX-A: 1\n+X-Token: t\n?key=v\n\nbody");
        let authorization = Authorization::from_grant(&grant).unwrap();
        BACKEND.with(|backend| {
            let sent = backend.runtime.block_on(backend.transports[1].exchange(&exchange, &authorization));
            assert!(sent.is_ok(), "{sent:?}");
            let received = backend.server.received();
            assert_eq!(received[0].target, format!("/api/v2/x?a=b&key={SECRET}v"));
            assert_eq!((received.len(), received[0].body.as_slice()), (1, b"body".as_slice()));
        });
    }
}
