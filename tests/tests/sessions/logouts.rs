//! Sessions are ended at the backend when nothing uses them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use crosspoint_tests::host::{Answer, BOUND, Host, Recorded, Recorder, Who, until};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{ask, assert_unlogged, host, lines, settings};

/// A backend that numbers its sessions, each of which is ended by `DELETE /sessions/NUMBER`. It gives 404 to what is
/// asked with a session that is none.
async fn numbering(expires_in: Option<u64>) -> Recorder {
    let (sessions, things) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    Recorder::start(move |request: &Recorded| -> Answer {
        if request.target == "/login" {
            let number = sessions.fetch_add(1, Ordering::Relaxed) + 1;
            let logout = json!({
                "method": "DELETE", "target": format!("/sessions/s3ssion-{number}"), "headers": [["X-Why", "over"]],
            });
            let headers = json!([["X-Session", format!("s3ssion-{number}")]]);
            return (200, Vec::new(), json!({"headers": headers, "logout": logout, "expires_in": expires_in}));
        }
        if request.method == Method::DELETE {
            let own =
                request.headers.get("x-session").is_some_and(|own| request.target.ends_with(own.to_str().unwrap()));
            return (if own { 204 } else { 404 }, Vec::new(), Value::Null);
        }
        (201, Vec::new(), json!({"id": format!("t-{}", things.fetch_add(1, Ordering::Relaxed))}))
    })
    .await
}

fn login() -> Value {
    json!({"scheme": "login", "secrets": {"password": "p"}})
}

async fn begin(backend: &Recorder) -> Host {
    let host = host().await;
    host.put_backend("lab", &settings(&backend.url(), &login())).await;
    ask(&host, "a").await.expect(201);
    host
}

/// Once the backend got so many requests, all of them.
async fn after(backend: &Recorder, count: usize) -> Vec<String> {
    until("the backend to be asked", async || Some(lines(backend)).filter(|lines| lines.len() >= count)).await
}

const DONE: &str = r#"crosspoint_logouts_total{backend="lab",result="done"}"#;
const EXCHANGES: &str = r#"crosspoint_exchanges_total{backend="lab",verb="create",result="ok",sent="yes"}"#;

#[tokio::test]
async fn a_shutdown_ends_the_session() {
    let backend = numbering(None).await;
    let mut host = begin(&backend).await;
    assert_eq!(host.stop().await, Some(0));
    assert_eq!(lines(&backend), ["POST /login", "GET /x", "DELETE /sessions/s3ssion-1"]);
    let logout = &backend.requests()[2];
    assert_eq!(
        (&logout.headers["x-session"], &logout.headers["x-why"]),
        (&"s3ssion-1".parse().unwrap(), &"over".parse().unwrap())
    );
    assert!(host.log().contains("logged out"));
    assert_unlogged(&host, &["s3ssion"]);
}

#[tokio::test]
async fn a_shutdown_without_a_session_asks_nobody() {
    let backend = numbering(None).await;
    let mut host = host().await;
    host.put_backend("lab", &settings(&backend.url(), &login())).await;
    assert_eq!(host.stop().await, Some(0));
    assert_eq!(lines(&backend), [""; 0]);
}

#[tokio::test]
async fn a_backend_whose_settings_change_ends_its_session_and_begins_another() {
    let backend = numbering(None).await;
    let host = begin(&backend).await;
    host.put_backend("lab", &settings(&backend.url(), &login())).await;
    assert_eq!(after(&backend, 3).await[2], "DELETE /sessions/s3ssion-1");
    ask(&host, "b").await.expect(201);
    assert_eq!(lines(&backend)[3..], ["POST /login", "GET /x"]);
    assert_eq!(backend.requests()[4].headers["x-session"], "s3ssion-2");
    until("the logout to be counted", async || host.metric(DONE).await.filter(|count| *count >= 1.0)).await;
    assert_eq!((host.metric(DONE).await, host.metric(EXCHANGES).await), (Some(1.0), Some(2.0)), "counted apart");
}

#[tokio::test]
async fn a_backend_that_is_removed_ends_its_session() {
    let backend = numbering(None).await;
    let host = begin(&backend).await;
    let (acme, operator) = (host.client(Who::Acme), host.client(Who::Operator));
    acme.post("/v1/backends/lab/objects/thing/a:release").await.expect(200);
    operator.delete("/v1/backends/lab").await.success();
    assert_eq!(after(&backend, 3).await[2], "DELETE /sessions/s3ssion-1");
}

#[tokio::test]
async fn a_renewed_session_is_ended_after_the_new_one_began() {
    // It is renewed when four fifths of its life are over.
    let backend = numbering(Some(3)).await;
    let host = begin(&backend).await;
    let renewed = async || {
        ask(&host, &format!("n-{}", backend.requests().len())).await.expect(201);
        lines(&backend).iter().any(|line| line.starts_with("DELETE")).then_some(())
    };
    until("the session to be renewed", renewed).await;
    let mut seen = lines(&backend);
    seen.retain(|line| line != "GET /x");
    assert_eq!(
        seen[..3],
        ["POST /login", "POST /login", "DELETE /sessions/s3ssion-1"],
        "two for no longer than it takes"
    );
}

/// A backend whose logins work and whose logouts are never answered.
async fn deaf() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = async move |method: Method, uri: Uri| {
        if method == Method::DELETE {
            std::future::pending::<()>().await;
        }
        let body = match uri.path() {
            "/login" => json!({"headers": [["X-Session", "s"]], "logout": {"method": "DELETE", "target": "/s"}}),
            _ => json!({"id": "t-1"}),
        };
        (StatusCode::CREATED, axum::Json(body))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_logout_that_is_not_answered_holds_up_no_shutdown() {
    let mut host = host().await;
    host.put_backend("lab", &settings(&deaf().await, &login())).await;
    ask(&host, "a").await.expect(201);
    let began = Instant::now();
    assert_eq!(host.stop().await, Some(0));
    // The tests' grace is 20 s, and a logout is given 5.
    assert!(began.elapsed() < BOUND / 4, "{:?}", began.elapsed());
    assert!(host.log().contains("the logout failed"), "{}", host.log());
}

#[tokio::test]
async fn a_logout_that_leads_elsewhere_is_a_defect_of_the_driver_and_is_not_made() {
    for logout in [json!({"method": "DELETE", "target": "http://evil/"}), json!({"method": "CONNECT", "target": "/x"})]
    {
        let grant = json!({"headers": [["X-Session", "s"]], "logout": logout});
        let backend = Recorder::start(move |request: &Recorded| -> Answer {
            match request.target.as_str() {
                "/login" => (200, Vec::new(), grant.clone()),
                _ => (201, Vec::new(), json!({"id": "t-1"})),
            }
        });
        let backend = backend.await;
        let mut host = begin(&backend).await;
        assert_eq!(host.stop().await, Some(0));
        assert_eq!(lines(&backend), ["POST /login", "GET /x"]);
        assert!(host.log().contains("the logout failed"));
    }
    // One that cannot be read is refused with its grant.
    let backend = Recorder::start(|_| (200, Vec::new(), json!({"logout": {"method": "DELETE"}}))).await;
    let host = host().await;
    host.put_backend("lab", &settings(&backend.url(), &login())).await;
    ask(&host, "a").await.problem(502, "driver_refused");
    assert_eq!(lines(&backend), ["POST /login"]);
}
