//! Each way of showing who asks, as it arrives.

use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::{Answer, Recorded, Recorder};
use serde_json::{Value, json};

use super::{ask, assert_unlogged, host, lines, settings};

/// A backend that grants this, and makes things.
async fn granting(grant: Value) -> Recorder {
    let things = std::sync::Arc::new(AtomicUsize::new(0));
    Recorder::start(move |request: &Recorded| -> Answer {
        match request.target.as_str() {
            "/login" => (200, Vec::new(), grant.clone()),
            _ => (201, Vec::new(), json!({"id": format!("t-{}", things.fetch_add(1, Ordering::Relaxed))})),
        }
    })
    .await
}

fn login() -> Value {
    json!({"scheme": "login", "secrets": {"password": "s3cret"}})
}

#[tokio::test]
async fn a_login_brings_a_cookie_that_every_later_exchange_shows() {
    let backend = granting(json!({"headers": [["Cookie", "JSESSIONID=granted-1; Path=x"]]})).await;
    let host = host().await;
    host.put_backend("lab", &settings(&backend.url(), &login())).await;
    ask(&host, "a").await.expect(201);
    ask(&host, "b").await.expect(201);
    assert_eq!(lines(&backend), ["POST /login", "GET /x", "GET /x"]);
    let cookies = |request: &Recorded| -> Vec<_> { request.headers.get_all("cookie").iter().cloned().collect() };
    let requests = backend.requests();
    assert_eq!(requests.iter().map(cookies).map(|all| all.len()).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(requests[2].headers["cookie"], "JSESSIONID=granted-1; Path=x");
    assert_unlogged(&host, &["s3cret", "granted-1"]);
}

#[tokio::test]
async fn a_login_brings_a_token_header_that_every_later_exchange_shows() {
    let backend = granting(json!({"headers": [["X-Auth-Token", "granted-1"], ["X-CSRF", "granted-2"]]})).await;
    let host = host().await;
    host.put_backend("lab", &settings(&backend.url(), &login())).await;
    ask(&host, "a").await.expect(201);
    assert_eq!(lines(&backend), ["POST /login", "GET /x"]);
    let headers = &backend.requests()[1].headers;
    assert_eq!(
        (&headers["x-auth-token"], &headers["x-csrf"]),
        (&"granted-1".parse().unwrap(), &"granted-2".parse().unwrap())
    );
    assert_unlogged(&host, &["s3cret", "granted-1", "granted-2"]);
}

#[tokio::test]
async fn a_key_in_the_query_is_on_the_wire_and_nowhere_else() {
    let backend = granting(json!({})).await;
    let host = host().await;
    let key = json!({"scheme": "api-key", "secrets": {"key": "s3cret key&more=1"}});
    host.put_backend("lab", &settings(&backend.url(), &key)).await;
    let reply = ask(&host, "a").await.expect(201);
    assert_eq!(lines(&backend), ["GET /x?key=s3cret%20key%26more%3D1"]);
    assert!(!reply.body.to_string().contains("s3cret"), "{reply:#?}");
    assert_unlogged(&host, &["s3cret"]);
}
