//! What a backend may answer over HTTP/1.1.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::laboratory::Laboratory;
use crate::raw::{Line, Raw};

const CREATED: &str = "HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\n{\"id\":\"t-1\"}";

/// A backend whose every reply is this, and then the end of the connection.
async fn answering(reply: Vec<u8>) -> Raw {
    Raw::start(move |mut line| {
        let reply = reply.clone();
        async move {
            line.request().await;
            line.write(reply).await;
        }
    })
    .await
}

/// A backend that begins its reply so and goes on like that for as long as it is listened to.
async fn endless(start: &'static str, on: Vec<u8>) -> Raw {
    Raw::start(move |mut line: Line| {
        let on = on.clone();
        async move {
            line.request().await;
            line.write(start).await;
            while line.write(&on).await {
                tokio::task::yield_now().await;
            }
        }
    })
    .await
}

async fn limited(laboratory: &Laboratory, name: &str, backend: &Raw) {
    let limits = json!({"limits": {"reply_timeout_ms": 1000, "connect_timeout_ms": 1000, "reply_size": 100_000}});
    laboratory.backend(name, &backend.url(), &limits).await;
}

#[tokio::test]
async fn a_reply_that_is_no_http_is_told_from_one_that_is() {
    let laboratory = Laboratory::start().await;
    let head = "HTTP/1.1 201 Created\r\n";
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for (number, (reply, code)) in [
        ("{\"id\": \"t-1\"}".to_owned(), "backend_malformed_reply"),
        ("HTTP/0.9 200 OK\r\n\r\n".to_owned(), "backend_malformed_reply"),
        ("HTTP/1.1 2000 OK\r\n\r\n".to_owned(), "backend_malformed_reply"),
        ("HTTP/1.1 -1 OK\r\n\r\n".to_owned(), "backend_malformed_reply"),
        (format!("{head}content-length: -1\r\n\r\n"), "backend_malformed_reply"),
        (format!("{head}content-length: 99999999999999999999\r\n\r\n"), "backend_malformed_reply"),
        (format!("{head}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"), "backend_malformed_reply"),
        (format!("{head}x\0y: z\r\n\r\n"), "backend_malformed_reply"),
        (format!("{head}x: a\0b\r\n\r\n"), "backend_malformed_reply"),
        (format!("{head}content-length: 1000000\r\n\r\n"), "backend_malformed_reply"),
        (format!("{chunked}zz\r\n"), "backend_malformed_reply"),
        (format!("{chunked}ffffffffffffffffff\r\n"), "backend_malformed_reply"),
        (format!("{chunked}2\r\n{{}}X"), "backend_malformed_reply"),
        (format!("{chunked}5\r\nhe"), "backend_connection_lost"),
        (format!("{chunked}2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(100_000)), "backend_malformed_reply"),
        (format!("{head}content-length: 50\r\n\r\n{{}}"), "backend_connection_lost"),
        (String::new(), "backend_connection_lost"),
        (head.to_owned(), "backend_connection_lost"),
        // HTTP, but not the driver's JSON.
        (format!("{head}\r\n\u{fffd}"), "backend_malformed_reply"),
        (format!("{head}content-length: 0\r\n\r\n"), "backend_malformed_reply"),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, backend) = (format!("lab-{number}"), answering(reply.clone().into_bytes()).await);
        limited(&laboratory, &name, &backend).await;
        let failed = laboratory.create(&name, &json!({})).await;
        assert_eq!((failed.status, &failed["/code"]), (502, &json!(code)), "{reply:.200?}: {failed:#?}");
        assert_ne!(failed.problem(502, code)["/sent"], "no", "{reply:.200?}");
        assert_eq!(backend.connections(), 1, "{reply:.200?}");
    }
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn a_reply_without_an_end_is_given_up() {
    let laboratory = Laboratory::start().await;
    let before = laboratory.resident();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096)).into_bytes();
    for (name, start, on, code) in [
        ("head", "HTTP/1.1 200 OK\r\n", b"x-header: and another\r\n".to_vec(), "backend_malformed_reply"),
        ("header", "HTTP/1.1 200 OK\r\nx: ", vec![b'x'; 4096], "backend_malformed_reply"),
        ("status-line", "HTTP/1.1 200 ", vec![b'x'; 4096], "backend_malformed_reply"),
        ("chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk, "backend_malformed_reply"),
        ("body", "HTTP/1.1 200 OK\r\n\r\n", vec![b'x'; 4096], "backend_malformed_reply"),
        (
            "trailers",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
            b"x: y\r\n".to_vec(),
            "backend_malformed_reply",
        ),
        ("blanks", "", b"\r\n".to_vec(), "backend_malformed_reply"),
        ("continue", "", b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), "backend_timeout"),
        ("hints", "", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec(), "backend_timeout"),
    ] {
        let backend = endless(start, on).await;
        limited(&laboratory, name, &backend).await;
        let failed = laboratory.create(name, &json!({})).await;
        // On a busy machine the time may be over before the limit is reached.
        let given_up = [code, "backend_timeout"].map(|code| failed["/code"] == code);
        assert!(given_up.contains(&true) && failed["/sent"] != "no", "{name}: {failed:#?}");
        laboratory.others_are_served().await;
    }
    let grown = laboratory.resident().saturating_sub(before);
    assert!(grown < 64 << 20, "the host has grown by {} MiB", grown >> 20);
}

/// A byte now and then does not count as a reply that comes.
#[tokio::test]
async fn a_trickle_ends_at_the_reply_timeout() {
    let laboratory = Laboratory::start().await;
    let backend = Raw::start(|mut line: Line| async move {
        line.request().await;
        line.write("HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n").await;
        let mut beat = tokio::time::interval(std::time::Duration::from_millis(20));
        while line.write("x").await {
            beat.tick().await;
        }
    })
    .await;
    limited(&laboratory, "lab", &backend).await;
    let failed = laboratory.create("lab", &json!({})).await.problem(504, "backend_timeout");
    assert_eq!(failed["/sent"], "yes");
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn what_follows_a_reply_is_not_the_answer_to_the_next_exchange() {
    let laboratory = Laboratory::start().await;
    let smuggled = "HTTP/1.1 201 Created\r\ncontent-length: 17\r\n\r\n{\"id\":\"smuggled\"}";
    let backend = Raw::start(move |mut line: Line| async move {
        let mut number = 0;
        while line.request().await {
            let body = format!("{{\"id\":\"t-{}-{number}\"}}", line.index());
            let reply =
                format!("HTTP/1.1 201 Created\r\nset-cookie: a=b\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            line.write(reply + smuggled).await;
            number += 1;
        }
    })
    .await;
    limited(&laboratory, "lab", &backend).await;
    for _ in 0..10 {
        let reply = laboratory.create("lab", &json!({})).await;
        // The connection that was spoilt is dropped, perhaps with the next exchange on it: then nothing was understood.
        assert!(reply.status == 201 || reply["/sent"] == "maybe", "{reply:#?}");
        assert_ne!(reply["/mapping/backend_id"], "smuggled", "{reply:#?}");
    }
    assert!(!backend.take().to_lowercase().contains("cookie"), "no cookie is ever kept");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_nothing_is_unpacked() {
    let (laboratory, other) = (Laboratory::start().await, Raw::obliging().await);
    let things = AtomicUsize::new(0);
    for status in [301, 302, 303, 307, 308] {
        let reply = format!("HTTP/1.1 {status} Moved\r\nlocation: {}/x\r\ncontent-length: 0\r\n\r\n", other.url());
        let name = format!("lab-{}", things.fetch_add(1, Ordering::Relaxed));
        let backend = answering(reply.into_bytes()).await;
        limited(&laboratory, &name, &backend).await;
        let failed = laboratory.create(&name, &json!({})).await;
        assert!(failed.status >= 400, "{status}: {failed:#?}");
        assert_eq!(failed["/backend_status"], status);
    }
    assert_eq!(other.connections(), 0);
    // Whatever is said of its encoding, the body is handed on as it came.
    let plain = CREATED.replace("\r\n\r\n", "\r\ncontent-encoding: gzip\r\n\r\n");
    let backend = answering(plain.into_bytes()).await;
    limited(&laboratory, "plain", &backend).await;
    laboratory.create("plain", &json!({})).await.expect(201);
    assert!(!backend.take().contains("accept-encoding"));
}
