//! What a session adds is the host's, and a session that a driver obtains is under the same rules as its exchanges.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::Recorder;
use serde_json::{Value, json};

use crate::laboratory::Laboratory;

/// A backend that grants a login whatever it was told to grant.
async fn granting(grant: Value) -> Recorder {
    let things = Arc::new(AtomicUsize::new(0));
    Recorder::start(move |request| match request.target.as_str() {
        "/login" => (200, Vec::new(), grant.clone()),
        _ => (201, Vec::new(), json!({"id": format!("t-{}", things.fetch_add(1, Ordering::Relaxed))})),
    })
    .await
}

async fn with_login(laboratory: &Laboratory, name: &str, backend: &Recorder) {
    let login = json!({"authentication": {"scheme": "login", "secrets": {"password": "s3cret"}}});
    laboratory.backend(name, &backend.url(), &login).await;
}

#[tokio::test]
async fn a_driver_cannot_write_what_the_session_writes() {
    let laboratory = Laboratory::start().await;
    let backend = granting(json!({"headers": [["X-Auth-Token", "granted"]], "query": [["key", "granted"]]})).await;
    with_login(&laboratory, "lab", &backend).await;
    laboratory.send("lab", &json!({"method": "GET", "target": "/x"})).await.expect(201);
    let before = backend.requests();
    assert_eq!(before.iter().map(|request| request.target.as_str()).collect::<Vec<_>>(), ["/login", "/x?key=granted"]);
    assert_eq!(before[1].headers["x-auth-token"], "granted");

    let mut forged: Vec<Value> = ["X-Auth-Token", "x-auth-token", "X_Auth_Token", "x-auth_token"]
        .iter()
        .map(|name| json!({"method": "GET", "target": "/x", "headers": [[name, "forged"]]}))
        .collect();
    for query in ["key=forged", "KEY=forged", "%6bey=forged", "a=1&key", "a;key=forged", "key[]=forged", "key+=forged"]
    {
        forged.push(json!({"method": "GET", "target": format!("/x?{query}")}));
    }
    for exchange in forged {
        let reply = laboratory.send("lab", &exchange).await;
        // A parameter of another name is the driver's own.
        if exchange["target"].as_str().unwrap().contains(['[', '+']) {
            continue;
        }
        assert_eq!(reply.problem(502, "driver_refused")["/sent"], "no", "{exchange}");
    }
    let forged = backend.requests().into_iter().skip(before.len());
    for request in forged {
        assert_eq!(request.headers.get_all("x-auth-token").iter().count(), 1, "{request:?}");
        assert!(request.target.ends_with("&key=granted"), "{request:?}");
    }
}

#[tokio::test]
async fn a_session_cannot_write_what_is_the_hosts() {
    let laboratory = Laboratory::start().await;
    let grants = [
        json!({"headers": [["Host", "evil"]]}),
        json!({"headers": [["Content-Length", "0"]]}),
        json!({"headers": [["Transfer-Encoding", "chunked"]]}),
        json!({"headers": [["Connection", "close"]]}),
        json!({"headers": [["X-Forwarded-Host", "evil"]]}),
        json!({"headers": [[":authority", "evil"]]}),
        json!({"headers": [["x-a", "1\r\nHost: evil"]]}),
        json!({"headers": [["x-a\r\nHost", "evil"]]}),
        json!({"headers": vec![("x-a", "1"); 101]}),
        json!({"headers": [("x-a", "1".repeat(70_000))]}),
        json!({"query": [("a", "1".repeat(20_000))]}),
    ];
    for (number, grant) in grants.into_iter().enumerate() {
        let (name, backend) = (format!("lab-{number}"), granting(grant.clone()).await);
        with_login(&laboratory, &name, &backend).await;
        let refused = laboratory.send(&name, &json!({"method": "GET", "target": "/x"})).await;
        let refused = refused.problem(502, "driver_refused");
        assert_eq!(refused["/sent"], "no", "{grant}: {refused:#?}");
        let reached: Vec<_> = backend.requests().into_iter().map(|request| request.target).collect();
        assert_eq!(reached, ["/login"], "{grant}");
    }
    // A parameter of the query is written so that it stays one.
    let backend = granting(json!({"query": [["a&b", "1\r\nHost: evil#&c=d"]]})).await;
    with_login(&laboratory, "query", &backend).await;
    laboratory.send("query", &json!({"method": "GET", "target": "/x"})).await.expect(201);
    assert_eq!(backend.requests()[1].target, "/x?a%26b=1%0D%0AHost%3A%20evil%23%26c%3Dd");
}
