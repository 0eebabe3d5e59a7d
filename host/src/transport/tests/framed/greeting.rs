//! What is said on a connection before, between and beside the exchanges.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{CommandProtocol, Correlation, Framing, MessageProtocol, Protocol};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::super::{PATIENCE, describe, settings};
use super::peer::Backend;
use super::{bytes, command, json, lines, message, prompted, send, transport};
use crate::sent::Sent;
use crate::transport::{ErrorKind, Settings, Transport};

const SHORT: Duration = Duration::from_millis(100);
const PING: &str = r#"{"id":"echo","method":"echo","params":[]}"#;
const PONG: &str = r#"{"id":"echo","result":[],"error":null}"#;

fn greeted() -> MessageProtocol {
    MessageProtocol { preamble: Some(bytes("HELLO")), keepalives: vec![(bytes("PING"), bytes("PONG"))], ..lines() }
}

fn kept_alive() -> MessageProtocol {
    MessageProtocol { keepalives: vec![(bytes(PING), bytes(PONG))], ..json() }
}

#[tokio::test]
async fn a_preamble_is_sent_once_on_each_connection_and_its_answer_is_dropped() {
    let backend = Backend::start(|mut peer| async move {
        assert_eq!(peer.line().await.unwrap(), "HELLO");
        peer.trickle("PING\nhello yourself\n").await;
        assert_eq!(peer.line().await.unwrap(), "PONG");
        for _ in 0..2 {
            let line = peer.line().await.unwrap();
            peer.write(format!("{} {line}\n", peer.index)).await;
        }
    })
    .await;
    let transport = transport(greeted(), &settings(backend.url()));
    for expected in ["0 a", "0 b", "1 c", "1 d"] {
        assert_eq!(send(&transport, &expected[2..]).await.unwrap(), expected.as_bytes());
        if expected == "0 b" {
            backend.until_open(0).await;
        }
    }
    assert_eq!(transport.stats().snapshot().connects, 2);
}

#[tokio::test]
async fn a_preamble_that_is_not_answered_well_means_that_nothing_was_sent() {
    for (answer, kind) in
        [("", ErrorKind::Connect), ("half", ErrorKind::Connect), ("too long a line", ErrorKind::TooLarge)]
    {
        let backend = Backend::start(move |mut peer| async move {
            peer.line().await;
            peer.write(answer).await;
            peer.close().await;
        })
        .await;
        let transport = transport(greeted(), &Settings { reply_size: Some(8), ..settings(backend.url()) });
        let error = send(&transport, "a").await.unwrap_err();
        assert_eq!((error.kind, error.sent), (kind, Sent::No), "{error}");
    }
    let garbage = Backend::start(|mut peer| async move {
        peer.write("Go away\n").await;
        peer.hold().await;
    })
    .await;
    let protocol = MessageProtocol { preamble: Some(bytes("{\"id\":0}")), ..json() };
    let error = send(&transport(protocol, &settings(garbage.url())), "{\"id\":1}").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::No), "{error}");
}

#[tokio::test]
async fn a_preamble_that_is_never_answered_ends_at_the_connect_timeout() {
    let backend = Backend::start(|peer| async move { drop(peer.hold().await) }).await;
    let transport = transport(greeted(), &Settings { connect_timeout: SHORT, ..settings(backend.url()) });
    let error = send(&transport, "a").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ConnectTimeout, Sent::No), "{error}");
    backend.until_open(0).await;
}

#[tokio::test]
async fn a_line_protocol_may_have_to_be_asked_for_its_prompt() {
    let backend = Backend::start(|mut peer| async move {
        assert_eq!(peer.line().await.unwrap(), "prompt");
        peer.write("\n> ").await;
        assert_eq!(peer.line().await.unwrap(), "show info");
        peer.write("Name: proxy\n\n> ").await;
        peer.hold().await;
    })
    .await;
    let extensions = vec![("preamble".to_owned(), "prompt".to_owned())];
    let protocol = Protocol::Command(CommandProtocol { extensions, ..prompted() });
    let transport = Transport::new(&describe(protocol), &settings(backend.url())).unwrap();
    assert_eq!(command(&transport, "show info").await.unwrap(), "Name: proxy\n");
}

#[tokio::test]
async fn keepalives_are_answered_in_the_middle_of_exchanges_and_while_idle() {
    let idle = Arc::new(Notify::new());
    let told = Arc::clone(&idle);
    let backend = Backend::start(move |mut peer| {
        let told = Arc::clone(&told);
        async move {
            assert_eq!(peer.read(8).await, b"{\"id\":1}");
            peer.write(format!("{PING}{{\"id\":")).await;
            peer.write("1}").await;
            assert_eq!(peer.read(PONG.len()).await, PONG.as_bytes(), "in the middle");
            told.notified().await;
            peer.trickle(PING).await;
            assert_eq!(peer.read(PONG.len()).await, PONG.as_bytes(), "while idle");
            told.notify_one();
            assert_eq!(peer.read(8).await, b"{\"id\":2}");
            peer.write("{\"id\":2}").await;
            peer.hold().await;
        }
    })
    .await;
    let transport = transport(kept_alive(), &settings(backend.url()));
    assert_eq!(send(&transport, "{\"id\":1}").await.unwrap(), b"{\"id\":1}");
    idle.notify_one();
    tokio::task::yield_now().await;
    backend_has_been_answered(&transport, 2).await;
    timeout(PATIENCE, idle.notified()).await.unwrap();
    assert_eq!(send(&transport, "{\"id\":2}").await.unwrap(), b"{\"id\":2}");
    let stats = transport.stats().snapshot();
    assert_eq!((stats.keepalives, stats.unknown_replies, stats.connects), (2, 0, 1));
}

/// Waits until so many keepalives were answered.
async fn backend_has_been_answered(transport: &Transport, count: u64) {
    let answered = async {
        while transport.stats().snapshot().keepalives < count {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, answered).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_that_is_used_in_turn_answers_keepalives_too() {
    let backend = Backend::start(|mut peer| async move {
        for _ in 0..3 {
            let line = peer.line().await.unwrap();
            peer.write(format!("{line}\nPI")).await;
            peer.write("NG\n").await;
            assert_eq!(peer.line().await.unwrap(), "PONG");
        }
        peer.hold().await;
    })
    .await;
    let protocol = MessageProtocol { keepalives: vec![(bytes("PING"), bytes("PONG"))], ..lines() };
    let transport = transport(protocol, &settings(backend.url()));
    for count in 1..=3 {
        assert_eq!(send(&transport, "a").await.unwrap(), b"a");
        backend_has_been_answered(&transport, count).await;
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn a_backend_that_asks_without_end_and_never_listens_is_not_answered_without_end() {
    let backend = Backend::start(|mut peer| async move {
        let flood = "PING\n".repeat(100_000);
        peer.line().await;
        for _ in 0..20 {
            peer.write(&flood).await;
        }
    })
    .await;
    let long = "x".repeat(10_000);
    let protocol = MessageProtocol { keepalives: vec![(bytes("PING"), bytes(&long))], ..lines() };
    let settings = Settings { reply_timeout: Some(Duration::from_secs(1)), ..settings(backend.url()) };
    let transport = transport(protocol, &settings);
    let error = send(&transport, "a").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
    let answered = transport.stats().snapshot().keepalives;
    assert!((1..5000).contains(&answered), "{answered} answers of 10 KB each went into buffers");
}

#[test]
fn a_protocol_that_cannot_be_is_refused_when_the_backend_is_set_up() {
    let refused = |protocol: Protocol, why: &str| {
        let error = Transport::new(&describe(protocol), &settings("tcp://127.0.0.1:1")).unwrap_err().to_string();
        assert!(error.contains("driver example") && error.contains(why), "{error}");
    };
    let preamble = |framing, text: &str| {
        Protocol::Message(MessageProtocol { preamble: Some(bytes(text)), ..message(framing, Correlation::InOrder) })
    };
    refused(preamble(Framing::UntilClose, "a"), "leaves none to use");
    refused(preamble(Framing::Fixed(4), "a"), "preamble");
    let shared = Correlation::JsonPointer("/id".to_owned());
    refused(Protocol::Message(message(Framing::UntilClose, shared)), "cannot share it");
    refused(Protocol::Message(message(Framing::Fixed(u32::MAX), Correlation::InOrder)), "replies may have");
    let keepalives = vec![(bytes("a"), bytes("{"))];
    refused(Protocol::Message(MessageProtocol { keepalives, ..json() }), "answer to a keepalive");
}
