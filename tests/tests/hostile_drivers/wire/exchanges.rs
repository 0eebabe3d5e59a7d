//! Exchanges that no host may send, and odd ones that it must send as they are.

use serde_json::{Value, json};

fn exchange(method: &str, target: &str, headers: &[(&str, &str)]) -> Value {
    json!({"method": method, "target": target, "headers": headers})
}

/// Each tries to reach `other`, or to leave the prefix, or to write what is the host's to write.
pub fn forbidden(other: &str) -> Vec<Value> {
    let mut all = Vec::new();
    all.extend(methods().iter().map(|method| exchange(method, "/x", &[])));
    all.extend(targets(other).iter().map(|target| exchange("GET", target, &[])));
    all.extend(headers(other).iter().map(|(name, value)| exchange("GET", "/x", &[(name, value)])));
    all.push(json!({"method": "GET", "target": "/x", "headers": vec![("x-a", "1"); 101]}));
    all.push(json!({"method": "GET", "target": "/x", "headers": [("x-a", "a".repeat(70_000))]}));
    all.push(json!({"method": "GET", "target": format!("/{}", "a".repeat(20_000))}));
    all
}

fn methods() -> Vec<String> {
    let methods = [
        "",
        " ",
        "get",
        "Get",
        "GET ",
        " GET",
        "GET\t",
        "GET\r\n",
        "GET /evil HTTP/1.1\r\nx: y\r\n\r\nGET",
        "G\0T",
        "CONNECT",
        "connect",
        "TRACE",
        "OPTIONS",
        "PRI",
        "PROPFIND",
        "*",
        "\u{ff27}\u{ff25}\u{ff34}",
        ":method",
    ];
    methods.map(str::to_owned).into()
}

fn targets(other: &str) -> Vec<String> {
    let mut targets = Vec::new();
    // Another host.
    for form in [
        "http://OTHER/",
        "HTTP://OTHER/",
        "https://OTHER/",
        "//OTHER/",
        "///OTHER/",
        "/\\OTHER/",
        "\\\\OTHER\\",
        "OTHER",
        "OTHER/",
        "@OTHER/",
        ":80@OTHER/",
        ".OTHER/",
        "/@OTHER//x",
        "http:/OTHER/",
        "http:OTHER",
        "ftp://OTHER/",
        "/ http://OTHER/",
        "/x HTTP/1.1\r\nHost: OTHER\r\n\r\nGET /",
        "/x\r\nHost: OTHER",
        "/x\nHost: OTHER",
        "/x\rHost: OTHER",
        "?x=//OTHER",
        "user:password@OTHER:443",
    ] {
        targets.push(form.replace("OTHER", other));
    }
    // Outside the prefix.
    for dots in [
        "..",
        "%2e%2e",
        "%2E%2E",
        ".%2e",
        "%2e.",
        "%252e%252e",
        "%25252e%25252e",
        "%c0%ae%c0%ae",
        "%e0%80%ae%e0%80%ae",
        "..;",
        "..;x=y",
        "%2e%2e%3b",
        "..%20",
        "..%3fx",
        "..%23x",
        ".",
        "%2e",
        "..%00",
        "..%09",
    ] {
        targets.extend([
            format!("/{dots}/"),
            format!("/{dots}"),
            format!("/a/{dots}/{dots}/x"),
            format!("/a%2f{dots}%2fx"),
        ]);
        targets.push(format!("/a\\{dots}\\x"));
        targets.push(format!("/a%5c{dots}%5cx"));
        targets.push(format!("/a%252f{dots}%252f"));
    }
    targets.extend(NO_PATHS.map(str::to_owned));
    targets
}

fn headers(other: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = [
        // The host's name.
        ("Host", "OTHER"),
        ("host", "OTHER"),
        ("HOST", "OTHER"),
        ("Host ", "OTHER"),
        (" Host", "OTHER"),
        ("Host:", "x"),
        ("Forwarded", "host=OTHER"),
        ("X-Forwarded-Host", "OTHER"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "/"),
        ("X-Forwarded-Server", "OTHER"),
        ("X_Forwarded_Host", "OTHER"),
        ("X-Original-URL", "/admin"),
        ("X-Original-Host", "OTHER"),
        ("X-Rewrite-URL", "/admin"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Host", "OTHER"),
        ("X-HTTP-Host-Override", "OTHER"),
        // Where a message ends.
        ("Content-Length", "0"),
        ("content-length", "999"),
        ("Content_Length", "0"),
        ("Content-Length", "+1"),
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("Transfer_Encoding", "chunked"),
        ("Transfer-Encoding ", "chunked"),
        ("Transfer-Encoding\t", "chunked"),
        ("Trailer", "x-a"),
        ("TE", "trailers"),
        // The connection's own.
        ("Connection", "close"),
        ("Connection", "x-api-key"),
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Keep-Alive", "timeout=1000"),
        ("Upgrade", "h2c"),
        ("Upgrade", "websocket"),
        ("HTTP2-Settings", "AAMAAABkAAQAoAAA"),
        ("Expect", "100-continue"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic eDp5"),
        ("Proxy-Authenticate", "Basic"),
        ("Proxy-Anything", "x"),
        ("proxy_connection", "x"),
        // HTTP/2's own.
        (":authority", "OTHER"),
        (":path", "/"),
        (":method", "DELETE"),
        (":scheme", "http"),
        (":status", "200"),
        (":", "x"),
        // What is no header.
        ("", "x"),
        (" ", "x"),
        ("a b", "x"),
        ("a:b", "x"),
        ("a\r\nb", "x"),
        ("a\r\nHost: OTHER\r\nb", "x"),
        ("a\0b", "x"),
        ("\u{e9}", "x"),
        ("a\n", "x"),
        ("(a)", "x"),
        ("X-A", "1\r\nHost: OTHER"),
        ("X-A", "1\nHost: OTHER"),
        ("X-A", "1\rHost: OTHER"),
        ("X-A", "1\r\n\r\nGET / HTTP/1.1"),
        ("X-A", "1\0"),
        ("X-A", "\u{7f}"),
        ("X-A", "\u{1}"),
        ("X-A", "\u{b}"),
    ]
    .map(|(name, value)| (name.to_owned(), value.replace("OTHER", other)))
    .into();
    headers.push((format!("a\r\nHost: {other}"), "x".to_owned()));
    headers
}

/// Odd, but within the prefix and of one meaning: sent as they are.
pub const ODD_TARGETS: [&str; 16] = [
    "/",
    "/x/",
    "/...",
    "/..a",
    "/.hidden",
    "/a;v=1/b",
    "/a%20b",
    "/caf%C3%A9",
    "/ge-0%2F0%2F1",
    "/https%3A%2F%2Fevil",
    "/a:b@c",
    "/x?",
    "/x?y=../../z",
    "/x?url=http://evil/",
    "/x?a=%0d%0aHost:%20evil",
    "/x?a;b&c=%00",
];

/// What is no path, or none of one meaning.
const NO_PATHS: [&str; 37] = [
    "",
    "*",
    "x",
    "?",
    "#",
    "/#",
    "/a#b",
    "/a?b#c",
    "/a b",
    "/a?b c",
    "/a\0",
    "/a%00",
    "/a%0d%0aX:%20y",
    "/a%0a",
    "/a\t",
    "/a\x7f",
    "/a\u{1}",
    "/caf\u{e9}",
    "/a?b=\u{e9}",
    "/\u{ff0e}\u{ff0e}/",
    "/a%",
    "/a%2",
    "/a%zz",
    "/a%u002e",
    "/a\"b",
    "/a<b>",
    "/a{b}",
    "/a|b",
    "/a^b",
    "/a`b",
    "/a[b]",
    "//",
    "/a//b",
    "/a//",
    "/a\r\n",
    "/a?b\r\nx: y",
    "/a?b\0",
];
