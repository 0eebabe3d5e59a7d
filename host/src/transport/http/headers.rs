//! Which headers a driver, or a session that it obtained, may put on an exchange.

use std::borrow::Cow;

use crosspoint_contract::Header;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::transport::Authorization;

/// The most headers of one head, in either direction.
const HEADERS: usize = 100;

/// The most bytes of one head's names and values, in either direction.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// What belongs to the connection or to the message framing (RFC 9110, section 7.6.1; RFC 9112, sections 6 and 9;
/// RFC 9113, section 8.2.2), and so to the host alone.
const OURS: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "expect",
    "http2-settings",
];

/// What tells a server, or a proxy before it, that a request is for another host, path or client than it seems. The
/// backend's address alone says where an exchange goes.
const ROUTING: [&str; 5] = ["forwarded", "x-client-ip", "x-host", "x-http-host-override", "x-real-ip"];

/// Families of both kinds.
const FAMILIES: [&str; 4] = ["proxy-", "x-forwarded-", "x-original-", "x-rewrite-"];

/// Whether headers of these sizes (name and value, in bytes) make up a head that is small enough.
pub(super) fn within_limits(sizes: impl Iterator<Item = usize>) -> bool {
    let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
    count <= HEADERS && bytes <= HEAD_BYTES
}

/// Takes a header name from a driver.
///
/// # Errors
/// Why it is refused.
pub(in crate::transport) fn name(text: &str) -> Result<HeaderName, String> {
    if text.starts_with(':') {
        return Err(format!("header `{}` is a pseudo-header", text.escape_debug()));
    }
    let name: HeaderName = text.parse().map_err(|_| format!("`{}` is no header name", text.escape_debug()))?;
    let read = as_read(&name);
    if OURS.contains(&&*read) || ROUTING.contains(&&*read) || FAMILIES.iter().any(|family| read.starts_with(family)) {
        return Err(format!(
            "header `{name}` says where a request goes or how it is framed, which is the host's to say"
        ));
    }
    Ok(name)
}

/// The name as servers read it that hand headers on as variables (CGI and its heirs): to them `_` and `-` are one.
fn as_read(name: &HeaderName) -> Cow<'_, str> {
    match name.as_str() {
        text if text.contains('_') => Cow::Owned(text.replace('_', "-")),
        text => Cow::Borrowed(text),
    }
}

/// Takes the value of header `name`.
///
/// # Errors
/// Why it is refused; the value is not repeated, for it may be secret.
pub(in crate::transport) fn value(name: &HeaderName, bytes: &[u8]) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(bytes).map_err(|_| format!("the value of header `{name}` holds a control character"))
}

/// The headers to send: the driver's, then those that the session adds, none of which may be among the driver's.
///
/// # Errors
/// Why one of them, or all together, are refused.
pub(in crate::transport) fn collect(headers: &[Header], authorization: &Authorization) -> Result<HeaderMap, String> {
    let own = headers.iter().map(|header| header.name.len() + header.value.len());
    let added = authorization.headers().map(|(name, value)| name.as_str().len() + value.len());
    if !within_limits(own.chain(added)) {
        return Err(format!("there are more than {HEADERS} headers, or more than {HEAD_BYTES} bytes of them"));
    }
    let mut collected = HeaderMap::with_capacity(headers.len() + 2);
    for header in headers {
        let name = name(&header.name)?;
        if authorization.headers().any(|(theirs, _)| as_read(theirs) == as_read(&name)) {
            return Err(format!("header `{name}` is the session's own"));
        }
        let value = value(&name, &header.value)?;
        collected.append(name, value);
    }
    for (name, bytes) in authorization.headers() {
        let mut value = value(name, bytes)?;
        value.set_sensitive(true); // kept out of HPACK's tables and of `Debug`
        collected.append(name, value);
    }
    Ok(collected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use super::*;

    fn header(name: &str, value: &[u8]) -> Header {
        Header { name: name.to_owned(), value: value.to_vec() }
    }

    fn refused(headers: &[Header]) -> bool {
        collect(headers, &Authorization::none()).is_err()
    }

    #[test]
    fn what_is_the_hosts_to_say_is_refused_however_it_is_spelt() {
        let spelt =
            ["Host", "CONTENT-LENGTH", "Te", "proxy-authorization", "Proxy_Foo", "X-Forwarded-Host", "x_real_ip"];
        for name in OURS.iter().chain(&ROUTING).chain(&spelt) {
            assert!(refused(&[header(name, b"x")]), "{name}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for name in ["", " ", ":path", ":authority", "a b", "a\r\nb", "a:b", "\u{e9}", "a\0"] {
            assert!(refused(&[header(name, b"x")]), "{name:?}");
        }
        for value in [&b"a\r\nb: c"[..], b"a\nb", b"a\rb", b"a\0b", b"\x7f", b"\x1b"] {
            assert!(refused(&[header("x-a", value)]), "{value:?}");
        }
    }

    #[test]
    fn a_head_has_limits() {
        assert!(refused(&vec![header("x-a", b"1"); HEADERS + 1]));
        assert!(refused(&[header("x-a", &vec![b'a'; HEAD_BYTES])]));
        assert!(!refused(&vec![header("x-a", b"1"); HEADERS]));
    }

    #[test]
    fn repeated_headers_and_bytes_beyond_ascii_pass() {
        let headers = [header("X-A", b"1"), header("x-a", b"\xe9 2"), header("content-type", b"application/json")];
        let collected = collect(&headers, &Authorization::none()).unwrap();
        assert_eq!(
            collected.get_all("x-a").iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(),
            [&b"1"[..], b"\xe9 2"]
        );
    }
}
