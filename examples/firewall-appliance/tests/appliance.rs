//! The appliance as its clients see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::time::Duration;

use bytes::Bytes;
use firewall_appliance::{API_KEY, Appliance, Fault, Moment};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

type Answer = Result<(StatusCode, HeaderMap, Bytes), Box<dyn std::error::Error + Send + Sync>>;

async fn call(url: String, method: &str, if_match: Option<&str>, body: Value) -> Answer {
    let mut request = Request::builder().method(method).uri(url).header("x-api-key", API_KEY);
    if let Some(tag) = if_match {
        request = request.header("if-match", tag);
    }
    if !body.is_null() {
        request = request.header("content-type", "application/json");
    }
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let reply = Client::builder(TokioExecutor::new()).build_http().request(request.body(Full::new(body))?).await?;
    let (head, body) = reply.into_parts();
    Ok((head.status, head.headers, body.collect().await?.to_bytes()))
}

async fn ask(appliance: &Appliance, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, _, body) = call(appliance.url() + path, method, None, body).await.unwrap();
    (status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}

async fn start() -> Appliance {
    Appliance::start("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

fn rule(name: &str) -> Value {
    json!({"name": name, "source": "10.0.0.0/8", "destination": "0.0.0.0/0", "port": 443, "protocol": "tcp",
           "action": "permit", "comment": format!("for {name} [xp-{name}]")})
}

#[tokio::test]
async fn a_rule_lives_from_creation_to_deletion_and_every_request_is_recorded() {
    let appliance = start().await;
    let (status, made) = ask(&appliance, "POST", "/api/v1/rules", rule("a")).await;
    assert_eq!((status, &made["id"], &made["revision"]), (201, &json!("rule-1"), &json!(1)));
    let (_, patched) = ask(&appliance, "PATCH", "/api/v1/rules/rule-1", json!({"port": 80, "comment": null})).await;
    assert_eq!((&patched["port"], &patched["comment"], &patched["revision"]), (&json!(80), &json!(""), &json!(2)));
    let (_, reset) = ask(&appliance, "POST", "/api/v1/rules/rule-1/hit-count:reset", Value::Null).await;
    assert_eq!((&made["hits"], &reset["hits"]), (&json!(100), &json!(0)));
    assert_eq!(ask(&appliance, "PUT", "/api/v1/rules/rule-1", rule("b")).await.1["name"], json!("b"));
    assert_eq!(ask(&appliance, "POST", "/api/v1/commit", Value::Null).await.1, json!({"commit": 1}));
    assert_eq!(ask(&appliance, "GET", "/api/v1/status", Value::Null).await.1["rules"], json!(1));
    assert_eq!(ask(&appliance, "DELETE", "/api/v1/rules/rule-1", Value::Null).await.0, 204);
    assert_eq!(ask(&appliance, "GET", "/api/v1/rules/rule-1", Value::Null).await.0, 404);

    assert!(appliance.rules().is_empty());
    assert_eq!((appliance.requests().len(), appliance.effects()), (8, 6));
    assert_eq!(appliance.count("POST", "/api/v1/rules"), 2);
    assert_eq!(appliance.requests()[0].created.as_deref(), Some("rule-1"));
    assert_eq!(appliance.requests()[7].status, Some(404));
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_field() {
    let appliance = start().await;
    for (change, field) in [
        (json!({"source": "10.0.0.0/33"}), "source"),
        (json!({"destination": "everywhere"}), "destination"),
        (json!({"port": 0}), "port"),
        (json!({"protocol": "icmp"}), "port"),
        (json!({"action": "drop"}), "action"),
        (json!({"comment": "x".repeat(256)}), "comment"),
        (json!({"colour": "red"}), "colour"),
        (json!({"name": ""}), "name"),
    ] {
        let mut spec = rule("a");
        spec.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, body) = ask(&appliance, "POST", "/api/v1/rules", spec).await;
        assert_eq!((status, &body["error"]["field"]), (400, &json!(field)), "{body}");
    }
    ask(&appliance, "POST", "/api/v1/rules", rule("a")).await;
    let (status, body) = ask(&appliance, "POST", "/api/v1/rules", rule("a")).await;
    assert_eq!((status, &body["error"]["id"]), (409, &json!("rule-1")));
    assert_eq!(appliance.effects(), 1);
}

#[tokio::test]
async fn a_stale_revision_changes_nothing() {
    let appliance = start().await;
    let (_, headers, _) = call(appliance.url() + "/api/v1/rules", "POST", None, rule("a")).await.unwrap();
    assert_eq!(headers["location"], "/api/v1/rules/rule-1");
    assert_eq!(headers["etag"], "\"1\"");
    let url = appliance.url() + "/api/v1/rules/rule-1";
    let (status, ..) = call(url.clone(), "PATCH", Some("\"7\""), json!({"port": 80})).await.unwrap();
    assert_eq!(status, 412);
    let (status, headers, _) = call(url, "PATCH", Some("\"1\""), json!({"port": 80})).await.unwrap();
    assert_eq!((status.as_u16(), headers["etag"].to_str().unwrap()), (200, "\"2\""));
}

#[tokio::test]
async fn the_wrong_key_opens_nothing_and_no_key_is_wanted_where_none_is_set() {
    let locked = Appliance::start_with_key("127.0.0.1:0".parse().unwrap(), Some("other".to_owned())).await.unwrap();
    assert_eq!(ask(&locked, "POST", "/api/v1/commit", Value::Null).await.0, 401);
    assert_eq!(locked.effects(), 0);
    let open = Appliance::start_with_key("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    assert_eq!(ask(&open, "POST", "/api/v1/commit", Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_list_is_paged_and_filtered_by_comment() {
    let appliance = start().await;
    for name in ["a", "b", "c"] {
        ask(&appliance, "POST", "/api/v1/rules", rule(name)).await;
    }
    let (_, page) = ask(&appliance, "GET", "/api/v1/rules?limit=2", Value::Null).await;
    assert_eq!((page["rules"].as_array().unwrap().len(), &page["next"]), (2, &json!("rule-2")));
    let (_, page) = ask(&appliance, "GET", "/api/v1/rules?limit=2&after=rule-2", Value::Null).await;
    assert_eq!((&page["rules"][0]["name"], &page["next"]), (&json!("c"), &Value::Null));
    assert_eq!(page["rules"][0]["shadowed"], json!(true));
    let (_, page) = ask(&appliance, "GET", "/api/v1/rules?comment=xp-b", Value::Null).await;
    assert_eq!((page["rules"].as_array().unwrap().len(), &page["rules"][0]["id"]), (1, &json!("rule-2")));
}

#[tokio::test]
async fn a_connection_can_end_before_the_effect_after_it_and_within_the_reply() {
    let appliance = start().await;
    for (moment, effects) in [(Moment::BeforeEffect, 0), (Moment::AfterEffect, 1), (Moment::MidReply, 2)] {
        appliance.arm(Fault { drop: Some(moment), method: Some("POST".to_owned()), ..Fault::default() });
        let name = format!("{moment:?}");
        assert!(call(appliance.url() + "/api/v1/rules", "POST", None, rule(&name)).await.is_err(), "{name}");
        assert_eq!(appliance.effects(), effects, "{name}");
    }
    assert_eq!(ask(&appliance, "POST", "/api/v1/rules", rule("whole")).await.0, 201);
}

#[tokio::test]
async fn a_held_reply_comes_when_it_is_released() {
    let appliance = start().await;
    appliance.hold(Moment::AfterEffect);
    let held = tokio::spawn(call(appliance.url() + "/api/v1/rules", "POST", None, rule("a")));
    appliance.took_effect(1).await;
    assert_eq!(appliance.rules().len(), 1);
    assert!(!held.is_finished());
    appliance.release();
    assert_eq!(held.await.unwrap().unwrap().0, 201);

    appliance.arm(Fault { hold: Some(Moment::BeforeEffect), ..Fault::default() });
    let held = tokio::spawn(call(appliance.url() + "/api/v1/rules", "POST", None, rule("b")));
    appliance.arrived("POST", "/api/v1/rules", 2).await;
    // Others pass a request that its own fault holds.
    assert_eq!(ask(&appliance, "POST", "/api/v1/commit", Value::Null).await.0, 200);
    assert_eq!(appliance.rules().len(), 1);
    appliance.release();
    assert_eq!(held.await.unwrap().unwrap().0, 201);
}

#[tokio::test]
async fn a_status_a_delay_and_half_a_reply_can_be_had_on_demand() {
    let appliance = start().await;
    let fault = json!({"status": 429, "retry_after": 7, "times": 2});
    ask(&appliance, "POST", "/_sim/next", fault).await;
    for _ in 0..2 {
        let (status, headers, _) = call(appliance.url() + "/api/v1/commit", "POST", None, Value::Null).await.unwrap();
        assert_eq!((status.as_u16(), headers["retry-after"].to_str().unwrap()), (429, "7"));
    }
    assert_eq!(appliance.effects(), 0);

    appliance.arm(Fault { truncate: true, delay_ms: 20, ..Fault::default() });
    let before = std::time::Instant::now();
    let (status, _, body) = call(appliance.url() + "/api/v1/rules", "POST", None, rule("a")).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(20));
    assert_eq!(status, 201);
    assert!(serde_json::from_slice::<Value>(&body).is_err());

    assert_eq!(ask(&appliance, "GET", "/_sim/requests", Value::Null).await.1.as_array().unwrap().len(), 3);
    ask(&appliance, "POST", "/_sim/reset", Value::Null).await;
    assert!(appliance.requests().is_empty() && appliance.rules().is_empty());
}

#[tokio::test]
async fn a_stopped_appliance_cuts_its_connections_and_remembers_its_rules() {
    let mut appliance = start().await;
    appliance.hold(Moment::AfterEffect);
    let cut = tokio::spawn(call(appliance.url() + "/api/v1/rules", "POST", None, rule("a")));
    appliance.took_effect(1).await;
    appliance.stop().await;
    assert!(cut.await.unwrap().is_err());
    assert!(call(appliance.url() + "/api/v1/status", "GET", None, Value::Null).await.is_err());
    appliance.release();
    appliance.start_again().await.unwrap();
    assert_eq!(ask(&appliance, "GET", "/api/v1/rules/rule-1", Value::Null).await.1["name"], json!("a"));
}
