//! Protocols without keys: one exchange at a time on a connection, and no reply to the wrong one.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Correlation, Framing, MessageProtocol};
use tokio::sync::{Barrier, Notify};
use tokio::time::{Instant, timeout};

use super::super::tls::{Authority, BOTH, server, trusting};
use super::super::{PATIENCE, settings};
use super::peer::{Backend, Peer};
use super::{bytes, lines, message, send, transport};
use crate::sent::Sent;
use crate::transport::{ErrorKind, Settings, Transport};

const SHORT: Duration = Duration::from_millis(100);

/// Answers each line with itself and the number of the connection.
async fn echo(mut peer: Peer) {
    while let Some(line) = peer.line().await {
        let index = peer.index;
        peer.write(format!("{index} {line}\n")).await;
    }
}

async fn ask(transport: &Transport, line: &str) -> String {
    String::from_utf8(send(transport, line).await.unwrap()).unwrap()
}

fn single_use() -> MessageProtocol {
    MessageProtocol { correlation: Correlation::SingleUse, ..lines() }
}

fn until_close() -> MessageProtocol {
    message(Framing::UntilClose, Correlation::InOrder)
}

#[tokio::test]
async fn one_connection_serves_exchanges_that_follow_each_other() {
    let backend = Backend::start(echo).await;
    let transport = transport(lines(), &settings(backend.url()));
    for number in 0..20 {
        assert_eq!(ask(&transport, &format!("{number}")).await, format!("0 {number}"));
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
    drop(transport);
    backend.until_open(0).await;
}

#[tokio::test]
async fn there_are_as_many_connections_as_exchanges_at_once_and_they_are_used_again() {
    let together = Arc::new(Barrier::new(10));
    let all = Arc::clone(&together);
    let backend = Backend::start(move |mut peer| {
        let all = Arc::clone(&all);
        async move {
            while let Some(line) = peer.line().await {
                timeout(PATIENCE, all.wait()).await.unwrap();
                peer.write(format!("{line}\n")).await;
            }
        }
    })
    .await;
    let transport = Arc::new(transport(lines(), &settings(backend.url())));
    for round in 0..3 {
        let calls: Vec<_> = (0..10)
            .map(|number| {
                let transport = Arc::clone(&transport);
                tokio::spawn(async move {
                    let line = format!("{round}-{number}");
                    assert_eq!(ask(&transport, &line).await, line);
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    }
    assert_eq!(transport.stats().snapshot().connects, 10);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_unnoticed() {
    let backend = Backend::start(|mut peer| async move {
        let line = peer.line().await.unwrap();
        peer.write(format!("{line}\n")).await;
    })
    .await;
    let transport = transport(lines(), &settings(backend.url()));
    for number in 0..20 {
        assert_eq!(ask(&transport, &number.to_string()).await, number.to_string());
        backend.until_open(0).await;
        // Events are delivered in order: once this later one is through, so is the news of the close.
        let bystander = Backend::start(echo).await;
        ask(&super::transport(lines(), &settings(bystander.url())), "x").await;
    }
    assert_eq!(transport.stats().snapshot().connects, 20);
}

#[tokio::test]
async fn a_message_that_left_on_a_used_connection_is_not_sent_again() {
    let backend = Backend::start(|mut peer| async move {
        peer.line().await;
        peer.write("ok\n").await;
        assert_eq!(peer.line().await.unwrap(), "second");
    })
    .await;
    let transport = transport(lines(), &settings(backend.url()));
    send(&transport, "first").await.unwrap();
    let error = send(&transport, "second").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
    assert_eq!(transport.stats().snapshot().connects, 1);
}

/// A backend whose first connection begins a reply, waits to be told, and ends it only then; others echo.
async fn slow(received: Arc<Notify>, go_on: Arc<Notify>) -> Backend {
    Backend::start(move |mut peer| {
        let (received, go_on) = (Arc::clone(&received), Arc::clone(&go_on));
        async move {
            if peer.index == 0 {
                peer.line().await;
                peer.write("sta").await;
                received.notify_one();
                go_on.notified().await;
                peer.write("le\n").await;
            }
            echo(peer).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_dropped_exchange_leaves_no_half_used_connection_behind() {
    let (received, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let backend = slow(Arc::clone(&received), Arc::clone(&go_on)).await;
    let transport = Arc::new(transport(lines(), &settings(backend.url())));
    let dropped = tokio::spawn({
        let transport = Arc::clone(&transport);
        async move { send(&transport, "dropped").await }
    });
    timeout(PATIENCE, received.notified()).await.unwrap();
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    for _ in 0..5 {
        assert_eq!(ask(&transport, "next").await, "1 next");
    }
    backend.until_open(1).await;
}

#[tokio::test]
async fn a_reply_that_comes_too_late_reaches_nobody() {
    let go_on = Arc::new(Notify::new());
    let backend = slow(Arc::default(), Arc::clone(&go_on)).await;
    let transport = transport(lines(), &Settings { reply_timeout: Some(SHORT), ..settings(backend.url()) });
    let error = send(&transport, "late").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Yes), "{error}");
    go_on.notify_one();
    let patient = super::transport(lines(), &settings(backend.url()));
    assert_eq!(ask(&patient, "next").await, "1 next");
    drop(patient);
    backend.until_open(0).await;
}

#[tokio::test]
async fn a_silent_backend_may_have_been_reached() {
    let backend = Backend::start(|peer| async move { drop(peer.hold().await) }).await;
    let transport = transport(lines(), &Settings { reply_timeout: Some(SHORT), ..settings(backend.url()) });
    let error = send(&transport, "a").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
    backend.until_open(0).await;
}

/// What a backend's words come to that are followed by a goodbye.
async fn after(protocol: MessageProtocol, words: &'static str) -> (ErrorKind, Sent) {
    let backend = Backend::start(move |mut peer| async move {
        peer.read(1).await;
        peer.write(words).await;
        peer.close().await;
    })
    .await;
    let transport = transport(protocol, &Settings { reply_size: Some(8), ..settings(backend.url()) });
    let error = send(&transport, "a").await.unwrap_err();
    assert_eq!(transport.stats().snapshot().connects, 1, "{error}");
    backend.until_open(0).await;
    (error.kind, error.sent)
}

#[tokio::test]
async fn a_reply_cut_short_did_reach_the_backend_and_no_reply_may_have() {
    assert_eq!(after(lines(), "").await, (ErrorKind::Reset, Sent::Maybe));
    assert_eq!(after(lines(), "half").await, (ErrorKind::Reset, Sent::Yes));
    assert_eq!(after(lines(), "far too long").await, (ErrorKind::TooLarge, Sent::Yes));
    assert_eq!(after(until_close(), "").await, (ErrorKind::Reset, Sent::Maybe));
    assert_eq!(after(until_close(), "far too long").await, (ErrorKind::TooLarge, Sent::Yes));
    let json = message(Framing::JsonValues, Correlation::InOrder);
    let backend = Backend::start(|mut peer| async move {
        peer.read(2).await;
        peer.write("error 17").await;
        peer.hold().await;
    })
    .await;
    let error = send(&transport(json, &settings(backend.url())), "{}").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::Maybe), "{error}");
}

#[tokio::test]
async fn a_reply_that_ends_with_the_connection_must_not_end_with_a_reset() {
    let backend = Backend::start(|mut peer| async move {
        peer.line().await;
        peer.write("half").await;
        peer.reset();
    })
    .await;
    let error = send(&transport(until_close(), &settings(backend.url())), "a\n").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Reset, "{error}");
    assert!(matches!(error.sent, Sent::Yes | Sent::Maybe), "a reset may overtake what came before it: {error:?}");
}

#[tokio::test]
async fn behind_tls_a_reply_that_ends_without_goodbye_is_cut_short() {
    let authority = Authority::new("ours");
    let config = server(&authority, "localhost", None, BOTH, &[]);
    let backend = Backend::start_behind(Some(config), |mut peer| async move {
        peer.line().await;
        peer.write("half").await;
    })
    .await;
    let address = format!("tls://localhost:{}", backend.address.port());
    let settings = Settings { tls: trusting(&authority), ..settings(address) };
    let error = send(&transport(until_close(), &settings), "a\n").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Yes), "{error}");
}

#[tokio::test]
async fn what_comes_unasked_reaches_nobody() {
    // With the reply, and while idle.
    for words in ["ok\nand more\n", "ok\nand"] {
        let backend = Backend::start(move |mut peer| async move {
            if peer.index == 0 {
                peer.line().await;
                peer.write(words).await;
            }
            echo(peer).await;
        })
        .await;
        let transport = transport(lines(), &settings(backend.url()));
        assert_eq!(ask(&transport, "first").await, "ok");
        assert_eq!(ask(&transport, "next").await, "1 next");
        backend.until_open(1).await;
    }
    let (go_on, backend) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = (Arc::clone(&go_on), Arc::clone(&backend));
    let backend = Backend::start(move |mut peer| {
        let (go_on, _) = script.clone();
        async move {
            if peer.index == 0 {
                peer.line().await;
                peer.write("ok\n").await;
                go_on.notified().await;
                peer.write("unasked\n").await;
                peer.hold().await;
                return;
            }
            echo(peer).await;
        }
    })
    .await;
    let transport = transport(lines(), &settings(backend.url()));
    assert_eq!(ask(&transport, "first").await, "ok");
    go_on.notify_one();
    backend.until_open(0).await;
    assert_eq!(ask(&transport, "next").await, "1 next");
    assert_eq!(transport.stats().snapshot().unknown_replies, 1);
}

#[tokio::test]
async fn connections_that_lie_idle_too_long_are_closed() {
    let backend = Backend::start(echo).await;
    let transport = transport(lines(), &Settings { idle_timeout: SHORT, ..settings(backend.url()) });
    ask(&transport, "a").await;
    backend.until_open(0).await;
    assert_eq!(ask(&transport, "b").await, "1 b");
}

#[tokio::test]
async fn single_use_means_a_connection_for_each() {
    let backend = Backend::start(echo).await;
    let transport = transport(single_use(), &settings(backend.url()));
    for number in 0..3 {
        assert_eq!(ask(&transport, "a").await, format!("{number} a"));
        backend.until_open(0).await;
    }
}

#[tokio::test]
async fn an_exchange_given_up_while_its_connection_is_being_made_leaves_none() {
    let authority = Authority::new("ours");
    let address = format!("tls://{}", Backend::start(|peer| async move { drop(peer.hold().await) }).await.address);
    let transport = transport(lines(), &Settings { tls: trusting(&authority), ..settings(address) });
    let exchange = super::exchange(crosspoint_contract::Request::Message(bytes("a")));
    let deadline = Some(Instant::now() + SHORT);
    let none = crate::transport::Authorization::none();
    let error = transport.exchange_within(&exchange, &none, deadline).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ConnectTimeout, Sent::No), "{error}");
    assert_eq!(transport.stats().snapshot().connects, 0);
    drop(transport.exchange(&exchange, &none));
    assert_eq!(transport.stats().snapshot().connects_failed, 0);
}
