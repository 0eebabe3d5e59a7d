//! Secrets stay outside the sandbox, out of logs, errors, traces and listings, and are encrypted at rest.

mod at_rest;
mod logins;

use crosspoint_tests::host::{Events, Host, Options, Scene, Who, create, driver, rule, settings};
use firewall_appliance::Appliance;
use serde_json::{Value, json};

/// A value that stands nowhere by chance.
const SECRET: &str = "sentinel-7f1c9b52e0";

/// Everything that is written down, and everything that may be asked for, tells nothing.
async fn assert_untold(host: &Host, secrets: &[&str]) {
    let operator = host.client(Who::Operator);
    let mut told = vec![("the log".to_owned(), host.log())];
    for path in [
        "/v1/backends",
        "/v1/drivers",
        "/v1/mappings",
        "/v1/operations",
        "/metrics",
        "/openapi.json",
        "/livez",
        "/readyz",
        "/leaderz",
    ] {
        told.push((path.to_owned(), operator.get(path).await.expect(200).body.to_string()));
    }
    for backend in operator.get("/v1/backends").await.expect(200).items() {
        let path = format!("/v1/backends/{}", backend["name"].as_str().unwrap());
        told.push((path.clone(), operator.get(&path).await.expect(200).body.to_string()));
    }
    let newest =
        operator.get("/v1/backends").await.expect(200).items().iter().filter_map(|b| b["revision"].as_u64()).max();
    let mut events = Events::after(&operator, 0).await;
    loop {
        let event = events.next().await.unwrap();
        told.push((format!("event {}", event.id), event.data.to_string()));
        if Some(event.id) >= newest {
            break;
        }
    }
    for (where_told, text) in told {
        for secret in secrets {
            assert!(!text.contains(secret), "{where_told} tells `{secret}`:\n{text}");
        }
    }
    for (path, bytes) in at_rest::files(&host.data()) {
        for secret in secrets {
            assert!(!at_rest::holds(&bytes, secret.as_bytes()), "{} holds `{secret}`", path.display());
        }
    }
}

/// An appliance that wants the secret, and a Crosspoint that logs all it can.
async fn scene() -> Scene {
    let appliance = Appliance::start_with_key(([127, 0, 0, 1], 0).into(), Some(SECRET.to_owned())).await.unwrap();
    let host = Host::start(Options { log: "filter = \"trace\"", ..Options::default() }).await;
    host.load_driver(driver("firewall")).await;
    let mut settings = settings(&appliance.url());
    settings["authentication"]["secrets"]["key"] = json!(SECRET);
    let configured = host.put_backend("fw", &settings).await;
    assert!(!configured.body.to_string().contains(SECRET), "{configured:#?}");
    Scene { host, appliance }
}

#[tokio::test]
async fn an_api_key_reaches_the_backend_and_is_told_nobody_else() {
    let scene = scene().await;
    let acme = scene.acme();
    let mut answers = vec![
        acme.put(&(rule("a") + "?dry_run=true")).json(&create("a")).await.expect(200),
        scene.created("a").await,
        acme.get(&rule("a")).await.expect(200),
        acme.get("/v1/backends/fw/objects/rule").await.expect(200),
        scene.operator().post("/v1/backends/fw:probe").await.expect(200),
    ];
    let shown = answers[0]["/exchange/headers"].as_array().unwrap();
    let redacted = |header: &Value| header[0] == "x-api-key" && header[1] == "***";
    assert!(shown.iter().any(redacted), "{shown:#?}");

    // Another key, as secret as the first, and wrong.
    let mut wrong = settings(&scene.appliance.url());
    wrong["authentication"]["secrets"]["key"] = json!("sentinel-wrong-key");
    scene.host.put_backend("fw", &wrong).await;
    answers.push(acme.get(&rule("a")).await.problem(502, "backend_unauthenticated"));
    answers.push(acme.put(&rule("b")).json(&create("b")).await.problem(502, "backend_unauthenticated"));
    for answer in answers {
        assert!(!answer.body.to_string().contains("sentinel-"), "{answer:#?}");
    }
    assert_untold(&scene.host, &[SECRET, "sentinel-wrong-key"]).await;
}

#[tokio::test]
async fn a_configured_secret_is_shown_as_set_and_can_be_kept() {
    let scene = scene().await;
    let mut shown = scene.operator().get("/v1/backends/fw").await.expect(200).body;
    assert_eq!(shown["authentication"]["secrets"], json!({"key": {"set": true}}));
    for made in ["name", "revision", "lanes"] {
        shown.as_object_mut().unwrap().remove(made);
    }
    scene.operator().put("/v1/backends/fw").json(&shown).await.expect(200);
    scene.created("a").await;
    shown["authentication"]["secrets"] = json!({"key": {"set": true}, "other": {"set": true}});
    let refused = scene.operator().put("/v1/backends/fw").json(&shown).await.problem(422, "invalid_spec");
    assert_eq!(refused["/errors/0/pointer"], "/authentication/secrets/other");
}

#[tokio::test]
async fn a_settings_error_does_not_repeat_the_secret() {
    let scene = scene().await;
    let secret = "sentinel-in-an-error";
    let odd: [Value; 3] = [
        json!({"driver": "firewall", "endpoints": {}, "authentication": {"scheme": secret, "secrets": {"key": [secret]}}}),
        json!({"driver": "firewall", "endpoints": {"default": "http://x"}, "authentication": {"scheme": "api-key", "secrets": {"key": {"plain": secret}}}}),
        json!({"driver": "firewall", "endpoints": {"default": "http://x"}, "authentication": {"scheme": "api-key", "secrets": {"key": "sentinel-in-an-error\n"}}}),
    ];
    for settings in odd {
        let refused = scene.operator().put("/v1/backends/fw2").json(&settings).await;
        assert!(refused.status >= 400, "{refused:#?}");
        let told = refused.body.to_string().replace(&format!("scheme `{secret}`"), "");
        assert!(!told.contains(secret), "{refused:#?}");
    }
    assert_untold(&scene.host, &[secret]).await;
}

#[tokio::test]
async fn callers_tokens_are_written_down_nowhere() {
    let scene = scene().await;
    scene.created("a").await;
    scene.host.client(Who::Stranger).get("/v1/mappings").await.problem(401, "unauthenticated");
    let tokens = [Who::Acme, Who::Operator, Who::Stranger].map(|who| who.token().unwrap());
    assert_untold(&scene.host, &tokens.each_ref().map(String::as_str)).await;
}
