//! The OpenAPI document tells what this Crosspoint, with its drivers and backends, can do right now.

use std::collections::HashSet;

use crosspoint_tests::host::{Reply, Scene, Who, driver, settings};
use serde_json::{Value, json};

const RULE: &str = "/v1/backends/fw/objects/rule/{cmp_id}";

async fn document(scene: &Scene) -> Reply {
    scene.acme().get("/openapi.json").await.expect(200)
}

fn spec_of(document: &Reply) -> Value {
    let schema = &document.body["paths"][RULE]["put"]["requestBody"]["content"]["application/json"]["schema"];
    schema["properties"]["spec"].clone()
}

#[tokio::test]
async fn a_swap_of_drivers_changes_the_document() {
    let scene = Scene::start().await;
    let before = spec_of(&document(&scene).await);
    assert_eq!(
        (&before["properties"]["log"], before["properties"]["port"].is_object()),
        (&Value::Null, true),
        "{before:#}"
    );
    scene.host.load_driver(driver("firewall-next")).await;
    let after = spec_of(&document(&scene).await);
    assert!(after["properties"]["log"].is_object(), "{after:#}");
    scene.operator().post("/v1/drivers/firewall:rollback").await.expect(200);
    assert_eq!(spec_of(&document(&scene).await), before);
}

#[tokio::test]
async fn the_document_follows_the_backends() {
    let scene = Scene::start().await;
    let other = "/v1/backends/other/objects/rule/{cmp_id}";
    assert_eq!(document(&scene).await.body["paths"][other], Value::Null);
    scene.host.put_backend("other", &settings(&scene.appliance.url())).await;
    assert!(document(&scene).await.body["paths"][other].is_object());
    scene.operator().delete("/v1/backends/other").await.expect(204);
    assert_eq!(document(&scene).await.body["paths"][other], Value::Null);
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
    let scene = Scene::start().await;
    let document = document(&scene).await;
    assert_eq!(
        (&document["/openapi"], document.header("content-type").is_some_and(|kind| kind.contains("json"))),
        (&json!("3.1.0"), true)
    );
    let mut names = HashSet::new();
    for (path, methods) in document.body["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
            assert!(names.insert(name.to_owned()), "{name} stands there twice");
            let exchanges = operation["x-crosspoint-exchanges"].as_u64().unwrap();
            assert!(exchanges <= 1 && (exchanges == 0 || path.starts_with("/v1/")), "{method} {path}");
        }
    }
    let mut references = Vec::new();
    collect(&document.body, &mut references);
    assert!(!references.is_empty());
    for reference in references.iter().filter_map(|reference| reference.strip_prefix("#/components")) {
        assert!(document.body["components"].pointer(reference).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn what_the_document_offers_for_a_rule_is_what_works() {
    let scene = Scene::start().await;
    let document = document(&scene).await;
    let methods: Vec<_> = document.body["paths"][RULE].as_object().unwrap().keys().cloned().collect();
    assert_eq!(methods, ["delete", "get", "patch", "put"]);
    let reset = document.body["paths"][format!("{RULE}/actions/reset-hits")]["post"].clone();
    assert_eq!(reset["x-crosspoint-exchanges"], 1);
    assert!(document.body["paths"]["/v1/backends/fw/actions/commit"]["post"].is_object());
}

#[tokio::test]
async fn strangers_do_not_learn_which_systems_there_are() {
    let scene = Scene::start().await;
    scene.host.client(Who::Nobody).get("/openapi.json").await.problem(401, "unauthenticated");
    let bound = scene.host.client(Who::Bound);
    scene.host.put_backend("other", &settings(&scene.appliance.url())).await;
    let seen = bound.get("/openapi.json").await.expect(200);
    assert!(seen.body["paths"][RULE].is_object());
    assert_eq!(
        seen.body["paths"]["/v1/backends/other/objects/rule/{cmp_id}"],
        Value::Null,
        "a token sees what it reaches"
    );
}
