//! Addresses are put together from parsed parts, never by joining strings that someone else parses again.

use std::net::{Ipv6Addr, SocketAddr};

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// The longest target that a driver may ask for, in bytes. Servers commonly refuse more than 8 KiB; some management
/// interfaces take whole queries in theirs.
const TARGET_BYTES: usize = 16 * 1024;

/// How many times over a path may be percent-encoded. Twice occurs in practice; more is an attempt at something.
const ENCODINGS: usize = 4;

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where one endpoint role leads: scheme, host, port and path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transport) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    /// Empty, or starts with `/` and does not end with one.
    prefix: String,
    /// The path as the operator wrote it, which may end with `/`.
    path: String,
}

impl Endpoint {
    /// Parses what the operator wrote.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(found) = text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '\\')) {
            return Err(format!("may hold no {found:?}; it is scheme, host, port and path only"));
        }
        let parts = text.parse::<Uri>().map_err(|error| format!("is no URL: {error}"))?.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
            .ok_or("must start with `http://` or `https://`")?;
        let authority = parts.authority.ok_or("names no host")?;
        check_authority(&authority)?;
        let path = parts.path_and_query.as_ref().map_or("/", PathAndQuery::path);
        check_path(path)?;
        let authority =
            authority.as_str().to_ascii_lowercase().parse().map_err(|error| format!("is no URL: {error}"))?;
        let prefix = path.strip_suffix('/').unwrap_or(path).to_owned();
        Ok(Self { scheme, authority, prefix, path: path.to_owned() })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The socket address, where the host is an address rather than a name.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let host = self.authority.host();
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
        let default = if self.is_tls() { 443 } else { 80 };
        Some(SocketAddr::new(ip, self.authority.port_u16().unwrap_or(default)))
    }

    /// The very address that the operator wrote.
    ///
    /// # Errors
    /// Where it cannot be put together, which its parsing excludes.
    pub(in crate::transport) fn itself(&self) -> Result<Uri, String> {
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        uri.path_and_query(self.path.as_str()).build().map_err(|error| error.to_string())
    }

    /// The full address of a driver's target, with `query` (names and values as they are) added.
    ///
    /// # Errors
    /// Why the target is refused.
    pub(in crate::transport) fn uri<'a>(
        &self,
        target: &str,
        query: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Uri, String> {
        let target = self.target(target, query.map(|(name, value)| (name, encode(value))))?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|error| format!("the target is refused: {error}"))
    }

    /// The same for people to read: the values of the added query are `***`.
    ///
    /// # Errors
    /// Why the target is refused.
    pub(in crate::transport) fn redacted<'a>(
        &self,
        target: &str,
        query: impl Iterator<Item = &'a str>,
    ) -> Result<String, String> {
        let target = self.target(target, query.map(|name| (name, super::REDACTED.to_owned())))?;
        Ok(format!("{}://{}{target}", self.scheme, self.authority))
    }

    fn target<'a>(&self, target: &str, query: impl Iterator<Item = (&'a str, String)>) -> Result<String, String> {
        let asked = check(target).map_err(|reason| format!("the target is refused: {reason}"))?;
        let mut full = format!("{}{target}", self.prefix);
        let mut separator = if asked.is_some() { '&' } else { '?' };
        for (name, value) in query {
            if asked.is_some_and(|asked| names(asked).any(|asked| asked.eq_ignore_ascii_case(name))) {
                return Err(format!("the target is refused: query parameter `{name}` is the session's own"));
            }
            full.push(separator);
            full.extend([&encode(name), "=", &value]);
            separator = '&';
        }
        if full.len() > TARGET_BYTES {
            return Err(format!(
                "the target is refused: with what the host adds it is longer than {TARGET_BYTES} bytes"
            ));
        }
        Ok(full)
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The names of a query's parameters, decoded.
fn names(query: &str) -> impl Iterator<Item = String> {
    query.split(['&', ';']).map(|pair| {
        let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
        percent_decode(name.as_bytes()).decode_utf8_lossy().into_owned()
    })
}

fn check_authority(authority: &Authority) -> Result<(), String> {
    if authority.as_str().contains('@') {
        return Err("may hold no user name or password: credentials have their own place".to_owned());
    }
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    };
    if !good {
        return Err(format!("`{host}` is no host name or address"));
    }
    match authority.as_str().strip_prefix(host) {
        Some("") => Ok(()),
        Some(_) if authority.port_u16().is_some_and(|port| port > 0) => Ok(()),
        _ => Err("the port must be a number from 1 to 65535".to_owned()),
    }
}

/// Checks what a driver asked for, and gives back its query.
///
/// Only what RFC 3986 allows unencoded in a path and a query passes, so that no two parsers along the way can see
/// different things in it.
fn check(target: &str) -> Result<Option<&str>, String> {
    if target.len() > TARGET_BYTES {
        return Err(format!("it is longer than {TARGET_BYTES} bytes"));
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    check_path(path)?;
    if let Some(query) = query {
        check_bytes(query, b"/?")?;
    }
    Ok(query)
}

fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("it must start with a single `/`".to_owned());
    }
    if path.contains("//") {
        return Err("it holds `//`, which some servers read as the start of a host name".to_owned());
    }
    check_bytes(path, b"/")?;
    let decoded = decode_fully(path.as_bytes()).ok_or("its path is percent-encoded too many times over")?;
    // Overlong UTF-8 is one more way to write a dot, and is no UTF-8.
    let decoded = str::from_utf8(&decoded).map_err(|_| "its path, decoded, is not UTF-8")?;
    if decoded.chars().any(char::is_control) {
        return Err("its path holds an encoded control character".to_owned());
    }
    // To some servers what follows a `;` is a parameter of the segment, what follows a `?` or a `#` that they decoded is no
    // path any more, and blanks at an end do not count: to them `..;x`, `..%3Fx` and `..%20` are `..`.
    let dots = |segment: &str| matches!(segment.split([';', '?', '#']).next().map(str::trim), Some("." | ".."));
    if decoded.split(['/', '\\']).any(dots) {
        return Err("its path holds a dot segment".to_owned());
    }
    Ok(())
}

/// Checks characters and percent escapes; `also` are the delimiters that are allowed besides RFC 3986's `pchar`.
fn check_bytes(text: &str, also: &[u8]) -> Result<(), String> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                if !(digit() && digit()) {
                    return Err("a `%` is not followed by two hexadecimal digits".to_owned());
                }
            }
            b'#' => return Err("it holds a fragment".to_owned()),
            b'\\' => return Err("it holds a backslash".to_owned()),
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) || also.contains(&byte) => {}
            _ => return Err(format!("byte 0x{byte:02x} must be percent-encoded")),
        }
    }
    Ok(())
}

/// Decodes until nothing changes; `None` where that takes too long.
fn decode_fully(path: &[u8]) -> Option<Vec<u8>> {
    let mut current = path.to_vec();
    for _ in 0..=ENCODINGS {
        let decoded: Vec<u8> = percent_decode(&current).collect();
        if decoded == current {
            return Some(current);
        }
        current = decoded;
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test says what went wrong by failing"
    )]

    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "https://fw.example:8443/api/v2/";

    fn send(target: &str) -> Result<Uri, String> {
        Endpoint::parse(BASE).unwrap().uri(target, std::iter::empty())
    }

    #[test]
    fn a_good_target_is_sent_as_it_is() {
        for target in [
            "/",
            "/networks",
            "/networks/",
            "/a?b=c&d=%2F..%2F",
            "/interface=ge-0%2F0%2F1",
            "/files/...",
            "/files/.hidden",
            "/x;v=1/y",
            "/caf%C3%A9?q=caf%E9",
            "/tm/asm?$filter=name+eq+'x'&ver=../1",
            "/https%3A%2F%2Fid",
        ] {
            let uri = send(target).unwrap_or_else(|reason| panic!("{target}: {reason}"));
            assert_eq!(uri.to_string(), format!("https://fw.example:8443/api/v2{target}"));
        }
    }

    #[test]
    fn a_target_that_could_lead_elsewhere_is_refused() {
        for target in [
            "",
            "networks",
            "//evil.example/",
            "/a//b",
            "\\evil",
            "/\\evil",
            "/a\\..\\b",
            "http://evil.example/",
            "*",
            "evil.example:443",
            "@evil.example/",
            "?a=b",
            "#a",
            "/a#b",
            "/a?b#c",
            "/a b",
            "/a\r\nHost: x",
            "/a\0",
            "/a\t",
            "/a\x7f",
            "/caf\u{e9}",
            "/..%20/",
            "/..%3fx",
            "/.%23/",
            "/a?b=\u{e9}",
            "/..",
            "/.",
            "/../x",
            "/a/../../x",
            "/a/./b",
            "/a/..",
            "/%2e%2e/x",
            "/%2E./x",
            "/.%2e/x",
            "/a%2f..%2fb",
            "/a%2F..",
            "/a%5c..%5cb",
            "/..%5Cx",
            "/%252e%252e/x",
            "/%25252e%25252e/x",
            "/%2525252525252561",
            "/..;a=b/x",
            "/..%3Ba/x",
            "/%c0%ae%c0%ae/x",
            "/%e0%80%ae./x",
            "/a%00",
            "/a%0d%0ab",
            "/%",
            "/%4",
            "/%zz",
            "/a?b=%",
            "/a?b=%g0",
            "/a\"b",
            "/a<b>",
            "/a{b}",
            "/a|b",
            "/a^b",
            "/a`b",
            "/a[0]",
        ] {
            assert!(send(target).is_err(), "{target:?} passed");
        }
        assert!(send(&format!("/{}", "a".repeat(TARGET_BYTES))).is_err());
    }

    #[test]
    fn the_sessions_query_is_added_encoded_and_cannot_be_doubled() {
        let endpoint = Endpoint::parse(BASE).unwrap();
        let send =
            |target: &str| endpoint.uri(target, [("key", "a&b=c/\u{e9}#")].into_iter()).map(|uri| uri.to_string());
        assert_eq!(send("/x").unwrap(), "https://fw.example:8443/api/v2/x?key=a%26b%3Dc%2F%C3%A9%23");
        assert_eq!(send("/x?y=1").unwrap(), "https://fw.example:8443/api/v2/x?y=1&key=a%26b%3Dc%2F%C3%A9%23");
        for target in ["/x?key=1", "/x?a=1&KEY=2", "/x?a;key", "/x?%6bey=1"] {
            assert!(send(target).is_err(), "{target}");
        }
        let shown = endpoint.redacted("/x?y=1", ["key"].into_iter()).unwrap();
        assert_eq!(shown, "https://fw.example:8443/api/v2/x?y=1&key=***");
    }

    #[test]
    fn an_endpoint_is_scheme_host_port_and_path() {
        for good in
            ["http://h", "https://h/", "HTTP://Host:1/a/b", "http://[::1]:80/", "http://10.0.0.1:65535", "http://a_b.c"]
        {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "h",
            "h:80",
            "/a",
            "ftp://h",
            "https://",
            "http://u@h",
            "http://u:p@h",
            "http://h?a",
            "http://h/#a",
            "http://h/../a",
            "http://h/%2e%2e",
            "http://h//a",
            "http://h:0",
            "http://h:",
            "http://h:65536",
            "http://h:x",
            "http://[::1",
            "http://[x]",
            "http://h /",
            "http://h\\a",
            "http://h\n",
            "http://h%41",
            "http://\u{e9}",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad:?}");
        }
    }

    /// Decodes once, in the simplest way.
    fn decode(text: &str) -> String {
        percent_decode(text.as_bytes()).decode_utf8_lossy().into_owned()
    }

    /// What a server that takes both slashes and resolves dots makes of a path.
    fn resolve(path: &str) -> Vec<String> {
        let mut resolved = Vec::new();
        for segment in path.replace('\\', "/").split('/').map(|segment| segment.split(';').next().unwrap().to_owned()) {
            match segment.as_str() {
                "" | "." => {}
                ".." => drop(resolved.pop()),
                _ => resolved.push(segment),
            }
        }
        resolved
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_accepted_changes_scheme_host_or_port_or_leaves_the_prefix(
            target in prop_oneof![
                "/?([a-c./\\\\;?#@:%]|%2e|%2f|%5c|%25|%252e|%c0%ae|%3b|\\.\\.){0,12}",
                "/\\PC{0,20}",
                ".{0,20}",
            ]
        ) {
            let Ok(uri) = send(&target) else { return Ok(()) };
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            prop_assert_eq!(uri.authority().map(Authority::as_str), Some("fw.example:8443"));
            // The text, parsed anew, says the same.
            prop_assert_eq!(uri.to_string().parse::<Uri>().unwrap(), uri.clone());
            let mut path = uri.path().to_owned();
            for _ in 0..8 {
                let resolved = resolve(&path);
                prop_assert_eq!(&resolved[..2], &["api".to_owned(), "v2".to_owned()]);
                path = decode(&path);
            }
        }
    }
}
