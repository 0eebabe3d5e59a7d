use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::Recorder;
use serde_json::{Value, json};

use super::exchanges::{ODD_TARGETS, forbidden};
use crate::frames::{DATA, HEADERS, PING, SETTINGS, WINDOW_UPDATE, frames};
use crate::laboratory::Laboratory;
use crate::raw::Raw;

/// A server that understands HTTP/2, and the wire in front of it.
async fn observed() -> (Recorder, Raw) {
    let things = Arc::new(AtomicUsize::new(0));
    let server = Recorder::start(move |_| {
        (201, Vec::new(), json!({"id": format!("t-{}", things.fetch_add(1, Ordering::Relaxed))}))
    })
    .await;
    let address = server.url().strip_prefix("http://").unwrap().parse().unwrap();
    (server, Raw::start(move |line| line.relay_to(address)).await)
}

fn streams(wire: &Raw) -> usize {
    let frames = frames(&wire.bytes());
    let known = [DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE];
    assert!(frames.iter().all(|frame| known.contains(&frame.kind)), "{frames:?}");
    frames.iter().filter(|frame| frame.kind == HEADERS).count()
}

#[tokio::test]
async fn a_forbidden_exchange_puts_no_byte_on_any_wire() {
    let (laboratory, backend, other) = (Laboratory::start().await, Raw::obliging().await, Raw::obliging().await);
    laboratory.backend("lab", &format!("{}/api/v2", backend.url()), &json!({"http_version": "2"})).await;
    for exchange in forbidden(&other.address().to_string()) {
        let refused = laboratory.send("lab", &exchange).await.problem(502, "driver_refused");
        assert_eq!((&refused["/sent"], &refused["/operation_id"]), (&json!("no"), &Value::Null), "{exchange}");
    }
    assert_eq!((backend.connections(), other.connections()), (0, 0));
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn an_odd_exchange_arrives_as_one_stream_with_the_hosts_own_pseudo_headers() {
    let laboratory = Laboratory::start().await;
    let (server, wire) = observed().await;
    laboratory.backend("lab", &format!("{}/api/v2", wire.url()), &json!({"http_version": "2"})).await;
    for target in ODD_TARGETS {
        laboratory.send("lab", &json!({"method": "GET", "target": target})).await.expect(201);
    }
    let body = "0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n";
    let exchange =
        json!({"method": "POST", "target": "/x", "headers": [["X-A", "1"], ["Content-Type", "a/b"]], "body": body});
    laboratory.send("lab", &exchange).await.expect(201);

    let requests = server.requests();
    let expected: Vec<_> =
        ODD_TARGETS.iter().chain(&["/x"]).map(|target| format!("{}/api/v2{target}", wire.url())).collect();
    let asked: Vec<_> = requests.iter().map(|request| request.target.clone()).collect();
    assert_eq!(asked, expected);
    let (last, reads) = requests.split_last().unwrap();
    assert!(
        reads.iter().all(|read| read.method == "GET" && read.headers.is_empty() && read.body.is_empty()),
        "{reads:#?}"
    );
    assert_eq!((last.method.as_str(), &last.body[..]), ("POST", body.as_bytes()));
    let mut headers: Vec<_> =
        last.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.sort_unstable();
    let length = body.len().to_string();
    assert_eq!(headers, [("content-length", length.as_str()), ("content-type", "a/b"), ("x-a", "1")]);
    assert_eq!((wire.connections(), streams(&wire)), (1, requests.len()));
}
