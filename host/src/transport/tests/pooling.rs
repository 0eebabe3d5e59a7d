//! Connections are kept, and none is used again that should not be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::backend::{Scripted, Server};
use super::{PATIENCE, exchange, get, request, settings, transport};
use crate::sent::Sent;
use crate::transport::{Authorization, ErrorKind, HttpVersion, Settings};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn one_connection_serves_exchanges_that_follow_each_other() {
    let server = Server::start(None).await;
    let transport = transport(&settings(format!("http://{}", server.address)));
    for _ in 0..20 {
        assert_eq!(get(&transport, "/x").await.unwrap().body.as_ref(), b"h1 GET /x");
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn one_http2_connection_serves_exchanges_at_once() {
    let server = Server::start(None).await;
    let address = format!("http://{}", server.address);
    let transport = Arc::new(transport(&Settings { http_version: HttpVersion::Http2, ..settings(address) }));
    let exchanges: Vec<_> = (0..50)
        .map(|number| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move {
                let reply = get(&transport, &format!("/{number}")).await.unwrap();
                assert_eq!(reply.body.as_ref(), format!("h2 GET /{number}").as_bytes());
            })
        })
        .collect();
    for exchange in exchanges {
        exchange.await.unwrap();
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_unnoticed() {
    let closed = Arc::new(Notify::new());
    let tell = Arc::clone(&closed);
    let backend = Scripted::start(move |mut line| {
        let tell = Arc::clone(&tell);
        async move {
            line.read().await;
            line.write(OK).await;
            drop(line);
            tell.notify_one();
        }
    })
    .await;
    let transport = transport(&settings(backend.url()));
    let elsewhere = Server::start(None).await;
    let bystander = super::transport(&settings(format!("http://{}", elsewhere.address)));
    for _ in 0..20 {
        get(&transport, "/x").await.unwrap();
        timeout(PATIENCE, closed.notified()).await.unwrap();
        // Events are delivered in order: once this later one is through, so is the news of the close.
        get(&bystander, "/").await.unwrap();
    }
    assert_eq!(backend.log.requests(), 20);
}

#[tokio::test]
async fn a_request_that_left_on_a_used_connection_is_not_sent_again() {
    let backend = Scripted::start(|mut line| async move {
        line.read().await;
        line.write(OK).await;
        line.read().await; // and says nothing to the second
    })
    .await;
    let transport = transport(&settings(backend.url()));
    get(&transport, "/first").await.unwrap();
    let error = get(&transport, "/second").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
    assert_eq!(backend.log.requests(), 2);
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn an_http2_exchange_that_times_out_does_not_disturb_its_neighbours() {
    let server = Server::start(None).await;
    let address = format!("http://{}", server.address);
    let transport = transport(&Settings { http_version: HttpVersion::Http2, ..settings(address) });
    get(&transport, "/first").await.unwrap();
    let slow = exchange(request("GET", super::backend::NEVER));
    let deadline = Some(Instant::now() + Duration::from_millis(100));
    let none = Authorization::none();
    let (late, good) = tokio::join!(transport.exchange_within(&slow, &none, deadline), get(&transport, "/second"));
    let error = late.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
    assert_eq!(good.unwrap().body.as_ref(), b"h2 GET /second");
    assert_eq!(get(&transport, "/third").await.unwrap().body.as_ref(), b"h2 GET /third");
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn a_dropped_exchange_leaves_no_half_used_connection_behind() {
    // The first connection's second reply comes only when everything else is over, and would then be in the way.
    let (received, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = (Arc::clone(&received), Arc::clone(&answer));
    let backend = Scripted::start(move |mut line| {
        let (received, answer) = script.clone();
        async move {
            while line.read().await {
                if line.index == 0 {
                    line.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nst").await;
                    received.notify_one();
                    answer.notified().await;
                    line.write("ale").await;
                } else {
                    line.write(OK).await;
                }
            }
        }
    })
    .await;
    let transport = Arc::new(transport(&settings(backend.url())));
    let dropped = tokio::spawn({
        let transport = Arc::clone(&transport);
        async move { get(&transport, "/dropped").await }
    });
    timeout(PATIENCE, received.notified()).await.unwrap();
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    answer.notify_one();
    for _ in 0..5 {
        assert_eq!(get(&transport, "/next").await.unwrap().body.as_ref(), b"ok");
    }
    assert_eq!(transport.stats().snapshot().connects, 2);
}

#[tokio::test]
async fn a_reply_that_was_broken_off_leaves_no_half_used_connection_behind() {
    let backend = Scripted::start(|mut line| async move {
        while line.read().await {
            let body = if line.index == 0 { "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789" } else { OK };
            line.write(body).await;
        }
    })
    .await;
    let transport = transport(&Settings { reply_size: Some(10), ..settings(backend.url()) });
    assert_eq!(get(&transport, "/large").await.unwrap_err().kind, ErrorKind::TooLarge);
    assert_eq!(get(&transport, "/next").await.unwrap().body.as_ref(), b"ok");
    assert_eq!(transport.stats().snapshot().connects, 2);
}

#[tokio::test]
async fn an_exchange_dropped_before_it_is_polled_opens_no_connection() {
    let server = Server::start(None).await;
    let transport = transport(&settings(format!("http://{}", server.address)));
    let exchange = exchange(request("GET", "/x"));
    drop(transport.exchange(&exchange, &Authorization::none()));
    get(&transport, "/y").await.unwrap();
    assert_eq!(server.requests(), 1);
}
