//! Each framing on the wire, in the clear and behind TLS.

use std::sync::Arc;

use crosspoint_contract::{Bytes, Correlation, Framing, LengthPrefix, MessageProtocol, Protocol, Request};

use super::super::tls::{Authority, BOTH, server, trusting};
use super::super::{describe, settings};
use super::peer::Backend;
use super::{command, counted, exchange, json, lines, message, numbered, prompted, send, transport};
use crate::sent::Sent;
use crate::transport::{Authorization, ErrorKind, Settings, Tls, Transport};

/// What is asked, what must come of it on the wire, what is said there, and what must come of that.
struct Case {
    protocol: MessageProtocol,
    asked: &'static [u8],
    on_wire: &'static [u8],
    said: &'static [u8],
    reply: &'static [u8],
    /// The backend closes the connection after it.
    closes: bool,
}

fn cases() -> Vec<Case> {
    let little = LengthPrefix { offset: 2, width: 2, big_endian: false, adjustment: -4, maximum: 64 };
    let case = |protocol, asked, on_wire, said, reply| Case { protocol, asked, on_wire, said, reply, closes: false };
    vec![
        case(message(Framing::Fixed(4), Correlation::InOrder), b"\0ask", b"\0ask", b"\xff\n\0!", b"\xff\n\0!"),
        case(
            message(Framing::LengthPrefixed(little), Correlation::InOrder),
            b"rq\x06\0hi",
            b"rq\x06\0hi",
            b"rp\x07\0you",
            b"rp\x07\0you",
        ),
        case(
            counted(),
            b"\0\0\0\x05\0\0\0\x07?",
            b"\0\0\0\x05\0\0\0\x07?",
            b"\0\0\0\x04\0\0\0\x07",
            b"\0\0\0\x04\0\0\0\x07",
        ),
        case(lines(), b"a line", b"a line\n", b"another\r\n", b"another\r"),
        case(
            message(Framing::Delimited(b"\r\n.\r\n".to_vec().into()), Correlation::SingleUse),
            b"LIST\r\n",
            b"LIST\r\n\r\n.\r\n",
            b"one\r\ntwo\r\n.\r\n",
            b"one\r\ntwo",
        ),
        case(
            json(),
            b"{\"id\": 7}",
            b"{\"id\": 7}",
            b" \n{\"id\":7,\"r\":\"}\\\"{\"}\n",
            b"{\"id\":7,\"r\":\"}\\\"{\"}",
        ),
        case(message(Framing::JsonValues, Correlation::InOrder), b"[]", b"[]", b"[[1]]", b"[[1]]"),
        case(numbered(), b"\0\0\x01\x02abcd", b"\0\0\x01\x02abcd", b"\0\0\x01\x02efgh", b"\0\0\x01\x02efgh"),
        Case {
            closes: true,
            ..case(message(Framing::UntilClose, Correlation::InOrder), b"show\n", b"show\n", b"x\n> y\n", b"x\n> y\n")
        },
    ]
}

async fn passes(case: Case, tls: Option<(rustls::ServerConfig, Tls)>) {
    let (on_wire, said, closes) = (case.on_wire, case.said, case.closes);
    let (server, trust) = tls.unzip();
    let scheme = if server.is_some() { "tls" } else { "tcp" };
    let backend = Backend::start_behind(server, move |mut peer| async move {
        assert_eq!(peer.read(on_wire.len()).await, on_wire);
        peer.trickle(said).await;
        if closes {
            peer.close().await;
        } else {
            assert_eq!(peer.hold().await, b"", "one message is asked for, and no more");
        }
    })
    .await;
    let address = format!("{scheme}://localhost:{}", backend.address.port());
    let settings = Settings { tls: trust.unwrap_or_default(), ..settings(address) };
    let framing = case.protocol.framing.clone();
    let transport = transport(case.protocol, &settings);
    let reply = send(&transport, case.asked).await.unwrap();
    assert_eq!(reply.escape_ascii().to_string(), case.reply.escape_ascii().to_string(), "{framing:?} over {scheme}");
    let snapshot = transport.stats().snapshot();
    assert_eq!((snapshot.answered, snapshot.connects), (1, 1));
    assert_eq!(snapshot.body_bytes_sent, on_wire.len() as u64);
    drop(transport);
    backend.until_open(0).await;
}

#[tokio::test]
async fn every_framing_goes_over_tcp_even_byte_by_byte() {
    for case in cases() {
        passes(case, None).await;
    }
}

#[tokio::test]
async fn every_framing_goes_over_tls_even_byte_by_byte() {
    let authority = Authority::new("ours");
    for case in cases() {
        let config = server(&authority, "localhost", None, BOTH, &[]);
        passes(case, Some((config, trusting(&authority)))).await;
    }
}

#[tokio::test]
async fn a_command_goes_out_as_a_line_and_its_output_comes_back_without_the_prompt() {
    let backend = Backend::start(|mut peer| async move {
        peer.trickle("Welcome.\n> ").await;
        while let Some(line) = peer.line().await {
            peer.trickle(format!("you said: {line}\nand > no more\n> ")).await;
        }
    })
    .await;
    let transport = Transport::new(&describe(Protocol::Command(prompted())), &settings(backend.url())).unwrap();
    for line in ["show acl", "show map"] {
        assert_eq!(command(&transport, line).await.unwrap(), format!("you said: {line}\nand > no more"));
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn what_is_refused_is_not_shown_and_not_sent() {
    let backend = Backend::start(|peer| async move { drop(peer.hold().await) }).await;
    let none = Authorization::none();
    let wrong: [(MessageProtocol, &[u8], &str); 8] = [
        (message(Framing::Fixed(4), Correlation::InOrder), b"abc", "has 4 bytes, and this one has 3"),
        (counted(), b"\0\0\0\x09\0\0\0\x07?", "its length field says 13"),
        (lines(), b"two\nlines", "holds the delimiter \"\\n\""),
        (json(), b"{\"id\":1}{\"id\":2}", "no single JSON value"),
        (json(), b"{\"ID\":1}", "carries no correlation value"),
        (json(), b"{\"id\":null}", "carries no correlation value"),
        (json(), b"{\"id\":1,\"id\":2}", "carries no correlation value"),
        (counted(), b"\0\0\0\x02ab", "carries no correlation value"),
    ];
    for (protocol, body, why) in wrong {
        let transport = transport(protocol, &settings(backend.url()));
        let error = send(&transport, body).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
        assert!(error.message.contains(why), "{error}");
        let exchange = exchange(Request::Message(body.to_vec().into()));
        assert_eq!(transport.render(&exchange, &none).unwrap_err(), error);
        let stats = transport.stats().snapshot();
        assert_eq!((stats.connects, stats.failed), (0, [(ErrorKind::Refused, 1)].into()));
    }
    let commands = Transport::new(&describe(Protocol::Command(prompted())), &settings(backend.url())).unwrap();
    let error = command(&commands, "show\nclear").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
    let error = send(&commands, "show").await.unwrap_err();
    assert!(error.message.contains("describes protocol `command` but made a `message` exchange"), "{error}");
}

#[tokio::test]
async fn a_dry_run_shows_the_address_and_the_message() {
    let transport = transport(lines(), &settings("tls://SW-1.example:6640"));
    let exchange = exchange(Request::Message(Bytes::from(b"a line".to_vec())));
    let rendered = transport.render(&exchange, &Authorization::none()).unwrap();
    assert_eq!((rendered.url.as_str(), rendered.body.as_ref()), ("tls://sw-1.example:6640", &b"a line"[..]));
    assert!(rendered.method.is_none() && rendered.headers.is_empty());
}

#[tokio::test]
async fn a_reply_of_many_reads_comes_whole() {
    let backend = Backend::start(|mut peer| async move {
        while let Some(line) = peer.line().await {
            let count = line.parse().unwrap();
            peer.write(format!("{}\n", "x".repeat(count))).await;
        }
    })
    .await;
    let transport = Arc::new(transport(lines(), &settings(backend.url())));
    for count in [0_usize, 1, 8191, 8192, 8193, 3_000_000, 5] {
        assert_eq!(send(&transport, count.to_string()).await.unwrap().len(), count);
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
}
