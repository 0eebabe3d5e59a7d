//! Each way to fail, and whether the backend was reached.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::backend::Scripted;
use super::{exchange, get, request, settings, transport};
use crate::sent::Sent;
use crate::transport::{Authorization, ErrorKind, Settings};

const SHORT: Duration = Duration::from_millis(100);

/// What a backend's answer to the one request comes to; after the answer it closes the connection.
async fn after(answer: &'static str) -> (ErrorKind, Sent) {
    let backend = Scripted::start(move |mut line| async move {
        line.read().await;
        line.write(answer).await;
    })
    .await;
    let transport = transport(&Settings { reply_size: Some(10), ..settings(backend.url()) });
    let error = get(&transport, "/x").await.unwrap_err();
    assert_eq!(backend.log.requests(), 1, "no exchange is ever repeated: {error}");
    assert_eq!(transport.stats().snapshot().failed, [(error.kind, 1)].into());
    (error.kind, error.sent)
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let transport = transport(&settings(format!("http://{address}")));
    let error = get(&transport, "/x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No));
    assert!(error.message.contains("refused"), "{error}");
    assert_eq!(transport.stats().snapshot().connects_failed, 1);
}

#[tokio::test]
async fn a_name_that_nobody_knows_sent_nothing() {
    let transport = transport(&settings("http://no-such-host.invalid"));
    let error = get(&transport, "/x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No), "{error}");
}

#[tokio::test]
async fn a_handshake_that_is_never_answered_ends_at_the_connect_timeout_and_sent_nothing() {
    let backend = Scripted::start(super::backend::Line::hold).await;
    let address = format!("https://{}", backend.address);
    let transport = transport(&Settings { connect_timeout: SHORT, ..settings(address) });
    let error = get(&transport, "/x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ConnectTimeout, Sent::No), "{error}");
}

#[tokio::test]
async fn the_callers_deadline_comes_before_the_connect_timeout() {
    let backend = Scripted::start(super::backend::Line::hold).await;
    let transport = transport(&settings(format!("https://{}", backend.address)));
    let deadline = Some(Instant::now() + SHORT);
    let exchange = exchange(request("GET", "/x"));
    let error = transport.exchange_within(&exchange, &Authorization::none(), deadline).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ConnectTimeout, Sent::No), "{error}");
}

#[tokio::test]
async fn after_the_callers_deadline_nothing_is_sent() {
    let backend = Scripted::start(super::backend::Line::hold).await;
    let transport = transport(&settings(backend.url()));
    let exchange = exchange(request("GET", "/x"));
    let deadline = Some(Instant::now());
    let error = transport.exchange_within(&exchange, &Authorization::none(), deadline).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::No), "{error}");
    assert_eq!(transport.stats().snapshot().connects, 0);
}

#[tokio::test]
async fn a_silent_backend_may_have_been_reached() {
    let backend = Scripted::start(super::backend::Line::hold).await;
    let transport = transport(&Settings { reply_timeout: Some(SHORT), ..settings(backend.url()) });
    let error = get(&transport, "/x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
}

#[tokio::test]
async fn a_backend_that_falls_silent_in_mid_reply_was_reached() {
    let backend = Scripted::start(|mut line| async move {
        line.read().await;
        line.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
        line.hold().await;
    })
    .await;
    let transport = transport(&Settings { reply_timeout: Some(SHORT), ..settings(backend.url()) });
    let error = get(&transport, "/x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Yes), "{error}");
}

#[tokio::test]
async fn a_connection_closed_after_the_request_may_have_reached_the_backend() {
    assert_eq!(after("").await, (ErrorKind::Reset, Sent::Maybe));
    assert_eq!(after("HTTP/1.1 200").await, (ErrorKind::Reset, Sent::Maybe));
}

#[tokio::test]
async fn a_connection_reset_after_the_request_may_have_reached_the_backend() {
    let backend = Scripted::start(|mut line| async move {
        line.read().await;
        line.reset();
    })
    .await;
    let error = get(&transport(&settings(backend.url())), "/x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
    assert_eq!(backend.log.requests(), 1);
}

#[tokio::test]
async fn a_connection_lost_in_mid_reply_did_reach_the_backend() {
    assert_eq!(after("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await, (ErrorKind::Reset, Sent::Yes));
    assert_eq!(
        after("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nha").await,
        (ErrorKind::Reset, Sent::Yes)
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read_on() {
    let claimed = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n";
    assert_eq!(after(claimed).await, (ErrorKind::TooLarge, Sent::Yes));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n";
    assert_eq!(after(chunked).await, (ErrorKind::TooLarge, Sent::Yes));
    let until_close = "HTTP/1.1 200 OK\r\n\r\n12345678901";
    assert_eq!(after(until_close).await, (ErrorKind::TooLarge, Sent::Yes));
}

#[tokio::test]
async fn a_head_beyond_the_limits_is_not_read_on() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101)).leak();
    assert_eq!(after(many).await, (ErrorKind::TooLarge, Sent::Maybe));
    let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(100_000)).leak();
    let (kind, sent) = after(long).await;
    assert_eq!(kind, ErrorKind::TooLarge);
    assert_ne!(sent, Sent::No, "whether it was read as a head depends on how it arrived");
}

#[tokio::test]
async fn what_is_no_http_is_a_protocol_error() {
    assert_eq!(after("SSH-2.0-OpenSSH_9.2\r\n").await, (ErrorKind::Protocol, Sent::Maybe));
    assert_eq!(after("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").await, (ErrorKind::Protocol, Sent::Maybe));
    assert_eq!(after("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n").await, (ErrorKind::Protocol, Sent::Yes));
}
