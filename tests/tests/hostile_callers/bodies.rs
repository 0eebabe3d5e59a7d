//! Bodies that are too long, lie about their length, or say one thing twice.

use crosspoint_tests::host::{Call, Options, Reply, Scene, create, rule, settings};
use serde_json::{Value, json};

use super::raw::{Raw, exchange, head, put};

const JSON: &str = "application/json";

fn text(call: Call, body: &str) -> Call {
    call.bytes(JSON, body.as_bytes().to_vec())
}

fn pointer(reply: &Reply) -> &Value {
    &reply["/errors/0/pointer"]
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_refused_before_it_is_sent() {
    let scene = Scene::start().await;
    let mut raw = Raw::connect(&scene).await;
    let length = format!("Content-Length: {}", 10_u64.pow(12));
    raw.send(head(&format!("PUT {}", rule("a")), &["Content-Type: application/json", &length])).await.unwrap();
    assert_eq!(raw.answer().await.unwrap().status, 413);
}

#[tokio::test]
async fn a_body_without_a_length_is_refused_once_it_is_too_long() {
    let scene = Scene::with(Options { limits: "body_bytes = 2048", ..Options::default() }, json!({})).await;
    let mut raw = Raw::connect(&scene).await;
    raw.send(head(&format!("PUT {}", rule("a")), &["Transfer-Encoding: chunked"])).await.unwrap();
    // It never ends by itself.
    for _ in 0..3 {
        raw.send(format!("400\r\n{}\r\n", " ".repeat(1024))).await.unwrap();
    }
    assert_eq!(raw.answer().await.unwrap().status, 413);
    assert_eq!(scene.appliance.requests().len(), 0);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_it_says_changes_nothing() {
    let scene = Scene::start().await;
    let body = create("a").to_string();
    let length = format!("Content-Length: {}", body.len() + 1);
    let answers = exchange(&scene, head(&format!("PUT {}", rule("a")), &[&length]) + &body).await;
    assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
    let half =
        head(&format!("PUT {}", rule("a")), &["Transfer-Encoding: chunked"]) + &format!("{:x}\r\n{body}", body.len());
    let answers = exchange(&scene, half).await;
    assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
    assert_eq!((scene.appliance.requests().len(), scene.mapping("a").await), (0, Value::Null));
}

#[tokio::test]
async fn what_follows_a_body_that_is_longer_than_it_says_is_no_request() {
    let scene = Scene::start().await;
    let answers = exchange(&scene, put(&rule("a"), &create("a").to_string()) + "and more").await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses == [201] || statuses == [201, 400], "{answers:?}");
    assert_eq!(scene.appliance.requests().len(), 1);
}

#[tokio::test]
async fn a_name_that_stands_twice_is_refused_wherever_it_stands() {
    let scene = Scene::start().await;
    let (acme, operator) = (scene.acme(), scene.operator());
    let operation = scene.created("mapped").await.string("/operation/id");
    let count = scene.appliance.requests().len();
    let spec = |more: &str| {
        let spec = crosspoint_tests::host::spec("a").to_string();
        format!("{},{more}}}", spec.strip_suffix('}').unwrap())
    };
    let resolve = format!("/v1/operations/{operation}:resolve");
    let adopt = rule("x") + ":adopt";
    let backend = "/v1/backends/other";
    let given = settings(&scene.appliance.url()).to_string();
    let given = given.strip_suffix('}').unwrap();
    for (call, body, place) in [
        (acme.put(&rule("a")), format!(r#"{{"spec":{},"spec":{{}}}}"#, spec(r#""log":true"#)), "/spec"),
        (acme.put(&rule("a")), format!(r#"{{"spec":{}}}"#, spec(r#""port":22"#)), "/spec/port"),
        (acme.put(&rule("a")), format!(r#"{{"spec":{}}}"#, spec(r#""\u0070ort":22"#)), "/spec/port"),
        (acme.put(&rule("a")), format!(r#"{{"spec":{}}}"#, spec(r#""x":[0,{"y":1,"y":2}]"#)), "/spec/x/1/y"),
        (acme.put(&rule("a")), r#"{"spec":{},"labels":{"env":"prod","env":"test"}}"#.to_owned(), "/labels/env"),
        (acme.patch(&rule("mapped")), r#"{"spec":{"port":1,"port":2}}"#.to_owned(), "/spec/port"),
        (
            acme.post(&(rule("mapped") + "/actions/reset-hits")).key("k"),
            r#"{"spec":{"a":1,"a":1}}"#.to_owned(),
            "/spec/a",
        ),
        (acme.post("/v1/mappings:lookup"), r#"{"items":[],"items":[]}"#.to_owned(), "/items"),
        (
            acme.post("/v1/mappings:lookup"),
            r#"{"items":[{"backend":"fw","kind":"rule","cmp_id":"a","cmp_id":"b"}]}"#.to_owned(),
            "/items/0/cmp_id",
        ),
        (acme.post(&resolve), r#"{"decision":"applied","decision":"not_applied"}"#.to_owned(), "/decision"),
        (operator.post(&adopt), r#"{"backend_id":"rule-1","backend_id":"rule-2"}"#.to_owned(), "/backend_id"),
        (operator.put(backend), format!(r#"{given},"driver":"firewall"}}"#), "/driver"),
        (operator.put(backend), format!(r#"{given},"limits":{{"queue":1,"queue":2}}}}"#), "/limits/queue"),
        (
            operator.put(backend),
            r#"{"driver":"firewall","endpoints":{"default":"http://a","default":"http://b"}}"#.to_owned(),
            "/endpoints/default",
        ),
        (operator.put(backend), format!(r#"{given},"configuration":{{"a":{{"b":1,"b":1}}}}}}"#), "/configuration/a/b"),
        (operator.post("/v1/drivers/firewall:activate"), r#"{"version":"1","version":"2"}"#.to_owned(), "/version"),
    ] {
        let refused = text(call, &body).await.problem(400, "invalid_request");
        assert_eq!((pointer(&refused), &refused["/sent"]), (&json!(place), &json!("no")), "{body}: {refused:#?}");
    }
    assert_eq!(scene.appliance.requests().len(), count);
}

#[tokio::test]
async fn a_body_made_to_be_slow_to_check_is_not() {
    let scene = Scene::start().await;
    let names: Vec<_> = (0..100_000).map(|n| format!(r#""{n:x}":0"#)).collect();
    for body in [
        format!(r#"{{"spec":{{{}}}}}"#, names.join(",")),
        format!(r#"{{"spec":"{}"}}"#, "\\\\".repeat(500_000)),
        format!(r#"{{"spec":[{}]}}"#, vec!["0.1"; 250_000].join(",")),
        "[".repeat(1_000_000),
        format!(r#"{{"spec":{}}}"#, "1".repeat(1_000_000)),
    ] {
        let refused = text(scene.acme().put(&rule("a")), &body).await;
        assert!([400, 422].contains(&refused.status), "{}", refused.status);
    }
    assert_eq!(scene.appliance.requests().len(), 0);
}
