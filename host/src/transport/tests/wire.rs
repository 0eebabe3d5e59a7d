//! What the backend's end of the wire sees.

use crosspoint_contract::{Bytes, HttpRequest, Request, SessionGrant};

use super::backend::Scripted;
use super::{exchange, get, header, request, send, settings, transport};
use crate::sent::Sent;
use crate::transport::{Authorization, ErrorKind};

async fn obliging() -> Scripted {
    Scripted::start(|mut line| async move {
        while line.read().await {
            line.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        }
    })
    .await
}

#[tokio::test]
async fn a_refused_exchange_puts_no_byte_on_the_wire() {
    let backend = obliging().await;
    let transport = transport(&settings(format!("{}/api", backend.url())));
    let mut bad = Vec::new();
    for method in ["", "get", "CONNECT", "OPTIONS", "TRACE", "GET /x HTTP/1.1\r\nx: y", "G\0T"] {
        bad.push(request(method, "/x"));
    }
    for target in [
        "http://evil/",
        "//evil/",
        "/../x",
        "/%2e%2e/x",
        "/%252e%252e/x",
        "/a\r\nx: y",
        "/a b",
        "*",
        "",
        "/a#b",
        "/\\e",
    ] {
        bad.push(request("GET", target));
    }
    for (name, value) in [
        ("Host", "evil"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Upgrade", "h2c"),
        ("X-A", "1\r\nX-B: 2"),
        ("X-A\r\nX-B", "2"),
        (":authority", "evil"),
        ("X-Auth-Token", "mine"),
    ] {
        bad.push(HttpRequest { headers: vec![header(name, value)], ..request("GET", "/x") });
    }
    let grant = SessionGrant { headers: vec![header("X-Auth-Token", "s3cret")], ..SessionGrant::default() };
    let session = Authorization::from_grant(&grant).unwrap();
    for bad in bad {
        let error = transport.exchange(&exchange(bad.clone()), &session).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{bad:?}");
        assert!(transport.render(&exchange(bad.clone()), &session).is_err(), "{bad:?}");
    }
    let mut message = exchange(request("GET", "/x"));
    message.request = Request::Message(Bytes::from("GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(transport.exchange(&message, &session).await.unwrap_err().kind, ErrorKind::Refused);
    let mut elsewhere = exchange(request("GET", "/x"));
    elsewhere.endpoint = "identity".to_owned();
    let error = transport.exchange(&elsewhere, &session).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Settings, Sent::No));
    assert!(error.message.contains("/endpoints/identity"), "{error}");

    assert_eq!(transport.stats().snapshot().connects, 0);
    get(&transport, "/good").await.unwrap();
    assert_eq!(backend.log.text(), format!("GET /api/good HTTP/1.1\r\nhost: {}\r\n\r\n", backend.address));
}

#[tokio::test]
async fn a_good_exchange_is_sent_as_the_driver_wrote_it_with_the_session_added() {
    let backend = obliging().await;
    let transport = transport(&settings(format!("{}/api/", backend.url())));
    let grant = SessionGrant {
        headers: vec![header("X-Auth-Token", "s3cret")],
        query: vec![("key".to_owned(), "a&b".to_owned())],
        ..SessionGrant::default()
    };
    let session = Authorization::from_grant(&grant).unwrap();
    let create = HttpRequest {
        headers: vec![header("Content-Type", "application/json"), header("X-Twice", "1"), header("X-Twice", "2")],
        body: Bytes::from("{}"),
        ..request("POST", "/networks?verbose=1")
    };
    transport.exchange(&exchange(create), &session).await.unwrap();
    let expected = format!(
        "POST /api/networks?verbose=1&key=a%26b HTTP/1.1\r\ncontent-type: application/json\r\nx-twice: 1\r\nx-twice: 2\r\n\
         x-auth-token: s3cret\r\ncontent-length: 2\r\nhost: {}\r\n\r\n{{}}",
        backend.address
    );
    assert_eq!(backend.log.text(), expected);
    let stats = transport.stats().snapshot();
    assert_eq!((stats.answered, stats.body_bytes_sent, stats.body_bytes_received), (1, 2, 2));
}

#[tokio::test]
async fn an_empty_post_says_that_it_is_empty() {
    let backend = obliging().await;
    let transport = transport(&settings(backend.url()));
    send(&transport, request("POST", "/commit")).await.unwrap();
    send(&transport, request("DELETE", "/x")).await.unwrap();
    let text = backend.log.text();
    assert_eq!(text.matches("content-length: 0").count(), 1, "{text}");
    assert!(!text.contains("transfer-encoding"), "{text}");
}

#[tokio::test]
async fn a_reply_comes_back_as_the_backend_sent_it() {
    let backend = Scripted::start(|mut line| async move {
        line.read().await;
        let head = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n";
        line.write(&format!(
            "HTTP/1.1 103 Early Hints\r\n\r\n{head}content-encoding: gzip\r\ncontent-length: 3\r\n\r\nraw"
        ))
        .await;
        line.hold().await;
    })
    .await;
    let transport = transport(&settings(backend.url()));
    let reply = get(&transport, "/x").await.unwrap();
    assert_eq!(reply.status, 302);
    assert_eq!(reply.header("Location"), Some(&b"/elsewhere"[..]));
    assert_eq!(reply.headers.iter().filter(|header| header.name == "set-cookie").count(), 2);
    assert_eq!(reply.body, Bytes::from("raw"));
    assert_eq!(backend.log.requests(), 1, "a redirect is the driver's business");
}

#[tokio::test]
async fn a_dry_run_shows_everything_but_secrets_and_sends_nothing() {
    let backend = obliging().await;
    let transport = transport(&settings(backend.url()));
    let grant = SessionGrant {
        headers: vec![header("X-Auth-Token", "s3cret")],
        query: vec![("key".to_owned(), "s3cret".to_owned())],
        ..SessionGrant::default()
    };
    let mut create = request("PUT", "/x?y=1");
    create.headers = vec![header("X-A", "1"), header("Cookie", "s3cret")];
    create.body = Bytes::from("{}");
    let rendered = transport.render(&exchange(create), &Authorization::from_grant(&grant).unwrap()).unwrap();
    let expected = serde_json::json!({
        "method": "PUT",
        "url": format!("{}/x?y=1&key=***", backend.url()),
        "headers": [["X-A", "1"], ["Cookie", "***"], ["x-auth-token", "***"]],
        "body": "{}",
    });
    assert_eq!(serde_json::to_value(&rendered).unwrap(), expected);
    assert_eq!(transport.stats().snapshot().connects, 0);
}
