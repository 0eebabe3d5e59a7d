//! Logging in is the host's own business, and counted apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crosspoint_tests::host::{Answer, Host, Options, Recorded, Recorder, Who, driver};
use serde_json::{Value, json};

const NETWORK: &str = "/v1/backends/cloud/objects/network/blue";

/// Keystone and Neutron in one, as far as one network goes. It accepts the tokens that it gave, until it is told to
/// forget them once.
async fn cloud(forget: Arc<AtomicBool>) -> Recorder {
    Recorder::start(move |request: &Recorded| match request.target.as_str() {
        "/v3/auth/tokens" => (201, vec![("x-subject-token", "t".to_owned())], json!({"token": {}})),
        _ if forget.swap(false, Ordering::Relaxed) => (401, Vec::new(), json!({"error": {"message": "who?"}})),
        _ => network(request),
    })
    .await
}

fn network(request: &Recorded) -> Answer {
    let sent: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let description = sent["network"]["description"].clone();
    let network = json!({"id": "n-1", "name": "blue", "description": description, "revision_number": 1});
    (if request.method == "POST" { 201 } else { 200 }, Vec::new(), json!({"network": network}))
}

async fn host(cloud: &Recorder) -> Host {
    let host = Host::start(Options::default()).await;
    host.load_driver(driver("neutron")).await;
    let settings = json!({
        "driver": "neutron",
        "endpoints": {"default": cloud.url(), "identity": cloud.url()},
        "authentication": {"scheme": "login", "secrets": {"username": "u", "password": "p"}},
    });
    host.put_backend("cloud", &settings).await;
    host
}

fn targets(cloud: &Recorder) -> Vec<String> {
    cloud.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
}

const CREATES: &str = r#"crosspoint_exchanges_total{backend="cloud",verb="create",result="ok",sent="yes"}"#;
const LOGINS: &str = r#"crosspoint_logins_total{backend="cloud",result="granted"}"#;

#[tokio::test]
async fn many_calls_share_one_login_that_is_counted_apart() {
    let cloud = cloud(Arc::default()).await;
    let host = host(&cloud).await;
    let acme = host.client(Who::Acme);
    acme.put(NETWORK).json(&json!({"spec": {"name": "blue"}})).await.expect(201);
    acme.get(NETWORK).await.expect(200);
    assert_eq!(targets(&cloud), ["POST /v3/auth/tokens", "POST /v2.0/networks", "GET /v2.0/networks/n-1"]);
    assert_eq!((host.metric(CREATES).await, host.metric(LOGINS).await), (Some(1.0), Some(1.0)));
}

#[tokio::test]
async fn a_dry_run_does_not_log_in() {
    let cloud = cloud(Arc::default()).await;
    let host = host(&cloud).await;
    let path = format!("{NETWORK}?dry_run=true");
    host.client(Who::Acme).put(&path).json(&json!({"spec": {"name": "blue"}})).await.expect(200);
    assert_eq!(targets(&cloud), [""; 0]);
}

/// The one case of a second exchange: the first one's 401 proves that it did nothing.
#[tokio::test]
async fn an_exchange_is_made_again_only_after_a_refused_session_was_renewed() {
    let forget = Arc::<AtomicBool>::default();
    let cloud = cloud(Arc::clone(&forget)).await;
    let host = host(&cloud).await;
    let acme = host.client(Who::Acme);
    acme.put(NETWORK).json(&json!({"spec": {"name": "blue"}})).await.expect(201);
    forget.store(true, Ordering::Relaxed);
    acme.patch(NETWORK).json(&json!({"spec": {"name": "red"}})).await.expect(200);
    let change = "PUT /v2.0/networks/n-1";
    assert_eq!(targets(&cloud)[2..], [change, "POST /v3/auth/tokens", change]);
    assert_eq!(host.metric(LOGINS).await, Some(2.0));
}
