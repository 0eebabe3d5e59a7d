//! OAuth 2.0 client credentials: the host asks for tokens by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crosspoint_tests::host::{Answer, Host, Recorded, Recorder, Who};
use serde_json::{Value, json};

use super::{ask, assert_unlogged, host, lines, settings};

const SECRET: &str = "s3cret/of+client";

/// A token endpoint that takes what RFC 6749 prescribes and nothing else; it numbers its tokens.
async fn issuer() -> Recorder {
    let tokens = Arc::new(AtomicUsize::new(0));
    Recorder::start(move |request: &Recorded| match wrong(request) {
        // It repeats what it was sent, as some do.
        Some((status, error)) => {
            let told = format!("not {}", credentials(request).unwrap_or_default());
            (status, Vec::new(), json!({"error": error, "error_description": told}))
        }
        None => {
            let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
            let token = json!({"access_token": format!("t0ken-{number}"), "token_type": "Bearer", "expires_in": 3600});
            (200, vec![("cache-control", "no-store".to_owned())], token)
        }
    })
    .await
}

fn credentials(request: &Recorded) -> Option<String> {
    let value = request.headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    String::from_utf8(STANDARD.decode(value).ok()?).ok()
}

fn wrong(request: &Recorded) -> Option<(u16, &'static str)> {
    let field = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    if request.method != "POST" || request.target != "/oauth2/token" {
        return Some((404, "not_here"));
    }
    if field("content-type").as_deref() != Some("application/x-www-form-urlencoded") {
        return Some((400, "invalid_request"));
    }
    if credentials(request).as_deref() != Some("cmp%2F1:s3cret%2Fof%2Bclient") {
        return Some((401, "invalid_client"));
    }
    match &request.body[..] {
        b"grant_type=client_credentials&scope=net%3Awrite" => None,
        body if body.starts_with(b"grant_type=client_credentials") => Some((400, "invalid_scope")),
        _ => Some((400, "unsupported_grant_type")),
    }
}

/// A backend that takes the latest token alone.
async fn backend(tokens: Arc<AtomicUsize>) -> Recorder {
    let things = AtomicUsize::new(0);
    let things = Arc::new(things);
    Recorder::start(move |request: &Recorded| -> Answer {
        let good = format!("Bearer t0ken-{}", tokens.load(Ordering::Relaxed));
        if request.headers.get("authorization").is_none_or(|shown| *shown != *good) {
            return (401, vec![("www-authenticate", "Bearer error=\"invalid_token\"".to_owned())], json!({}));
        }
        (201, Vec::new(), json!({"id": format!("t-{}", things.fetch_add(1, Ordering::Relaxed))}))
    })
    .await
}

fn authentication(secret: &str, scope: &str) -> Value {
    json!({
        "scheme": "oauth2-client-credentials",
        "secrets": {"client_id": "cmp/1", "client_secret": secret},
        "oauth2": {"scope": scope},
    })
}

async fn configure(host: &Host, backend: &Recorder, issuer: &Recorder, authentication: &Value) {
    let mut settings = settings(&backend.url(), authentication);
    settings["endpoints"]["token"] = format!("{}/oauth2/token", issuer.url()).into();
    host.put_backend("lab", &settings).await;
}

const GRANTED: &str = r#"crosspoint_logins_total{backend="lab",result="granted"}"#;
const REFUSED: &str = r#"crosspoint_logins_total{backend="lab",result="refused"}"#;

#[tokio::test]
async fn many_calls_share_one_token_that_no_driver_asked_for() {
    let (issuer, backend, host) = (issuer().await, backend(Arc::new(AtomicUsize::new(1))).await, host().await);
    configure(&host, &backend, &issuer, &authentication(SECRET, "net:write")).await;
    for n in 0..5 {
        ask(&host, &format!("a-{n}")).await.expect(201);
    }
    assert_eq!(lines(&issuer), ["POST /oauth2/token"]);
    assert_eq!(lines(&backend), ["GET /x"; 5]);
    assert_eq!(host.metric(GRANTED).await, Some(1.0));
    assert_unlogged(&host, &[SECRET, "t0ken-"]);
    let shown = host.client(Who::Operator).get("/v1/backends/lab").await.expect(200);
    assert_eq!(shown["/authentication/secrets/client_secret"], json!({"set": true}), "{shown:#?}");
    assert!(!shown.body.to_string().contains(SECRET));
}

#[tokio::test]
async fn a_token_that_the_backend_refuses_is_renewed_once_and_the_exchange_made_once_more() {
    let tokens = Arc::new(AtomicUsize::new(1));
    let (issuer, backend, host) = (issuer().await, backend(Arc::clone(&tokens)).await, host().await);
    configure(&host, &backend, &issuer, &authentication(SECRET, "net:write")).await;
    ask(&host, "a").await.expect(201);
    tokens.store(2, Ordering::Relaxed);
    ask(&host, "b").await.expect(201);
    assert_eq!((lines(&issuer).len(), lines(&backend).len()), (2, 3));
    // A new token that is not taken either is not renewed without end.
    tokens.store(9, Ordering::Relaxed);
    ask(&host, "c").await.problem(502, "backend_unauthenticated");
    assert_eq!((lines(&issuer).len(), lines(&backend).len()), (3, 5));
}

#[tokio::test]
async fn a_client_that_is_refused_is_told_so_and_the_backend_is_left_alone() {
    let (issuer, backend, host) = (issuer().await, backend(Arc::default()).await, host().await);
    for (authentication, code, words) in [
        (authentication("another-s3cret", "net:write"), "backend_unauthenticated", "invalid_client"),
        (authentication(SECRET, "admin"), "backend_denied", "invalid_scope"),
    ] {
        configure(&host, &backend, &issuer, &authentication).await;
        let refused = ask(&host, "a").await.problem(502, code);
        assert_eq!(refused["/sent"], "no");
        assert!(refused.string("/detail").contains(words), "{refused:#?}");
        assert!(!refused.body.to_string().contains("s3cret"), "{refused:#?}");
        // For a while nobody tries again.
        ask(&host, "b").await.problem(502, code);
    }
    assert_eq!((lines(&issuer).len(), lines(&backend).len()), (2, 0));
    assert_eq!(host.metric(REFUSED).await, Some(2.0));
    assert_unlogged(&host, &["s3cret"]);
}

#[tokio::test]
async fn what_is_missing_is_named_by_its_place() {
    let host = host().await;
    let put = async |change: &dyn Fn(&mut Value)| {
        let mut settings = settings("http://127.0.0.1:1", &authentication(SECRET, "x"));
        settings["endpoints"]["token"] = "http://127.0.0.1:1/token".into();
        change(&mut settings);
        let refused =
            host.client(Who::Operator).put("/v1/backends/lab").json(&settings).await.problem(422, "invalid_spec");
        refused.string("/errors/0/pointer")
    };
    let endpoints = |settings: &mut Value| drop(settings["endpoints"].as_object_mut().unwrap().remove("token"));
    assert_eq!(put(&endpoints).await, "/endpoints/token");
    let secret = |name: &'static str| {
        move |settings: &mut Value| {
            drop(settings["authentication"]["secrets"].as_object_mut().unwrap().remove(name));
        }
    };
    assert_eq!(put(&secret("client_id")).await, "/authentication/secrets/client_id");
    assert_eq!(put(&secret("client_secret")).await, "/authentication/secrets/client_secret");
    assert_eq!(put(&|settings| settings["authentication"]["scheme"] = "none".into()).await, "/authentication/oauth2");
    assert_eq!(put(&|settings| settings["endpoints"]["token"] = "ldap://x".into()).await, "/endpoints/token");
}
