//! What nobody can read at the backend, somebody decides.

use crosspoint_tests::host::{Call, Client, Reply, Scene, Who, create, rule};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

async fn scene_in_doubt(method: &str, call: impl FnOnce(&Client) -> Call) -> (Scene, Value) {
    let scene = Scene::start().await;
    scene.created("a").await;
    let fault = Fault { drop: Some(Moment::AfterEffect), method: Some(method.to_owned()), ..Fault::default() };
    scene.appliance.arm(fault);
    call(&scene.acme()).await.problem(502, "backend_connection_lost");
    let unknown = scene.operation("unknown").await;
    (scene, unknown)
}

async fn decide(client: &Client, operation: &Value, decision: Value) -> Reply {
    let id = operation["id"].as_str().unwrap();
    client.post(&format!("/v1/operations/{id}:resolve")).json(&decision).await
}

#[tokio::test]
async fn a_creation_that_was_applied_is_bound_to_the_id_that_is_given() {
    let (scene, unknown) = scene_in_doubt("POST", |client| client.put(&rule("b")).key("k").json(&create("b"))).await;
    let count = scene.appliance.requests().len();
    decide(&scene.acme(), &unknown, json!({"decision": "applied"})).await.problem(400, "invalid_request");
    decide(&scene.acme(), &unknown, json!({"backend_id": "rule-2"})).await.problem(400, "invalid_request");
    let decided =
        decide(&scene.acme(), &unknown, json!({"decision": "applied", "backend_id": "rule-2"})).await.success();
    assert_eq!((&decided["/mapping/state"], &decided["/mapping/backend_id"]), (&json!("active"), &json!("rule-2")));
    let resolution = &decided["/operation/resolution"];
    assert_eq!((&resolution["by"], &resolution["caller"]), (&json!("decision"), &json!("acme")));
    assert_eq!(scene.appliance.requests().len(), count, "a decision asks nobody");
    let replayed = scene.acme().put(&rule("b")).key("k").json(&create("b")).await.success();
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    scene.acme().get(&rule("b")).await.expect(200);
}

#[tokio::test]
async fn a_creation_cannot_be_bound_to_another_objects_id() {
    let (scene, unknown) = scene_in_doubt("POST", |client| client.put(&rule("b")).json(&create("b"))).await;
    let decided =
        decide(&scene.acme(), &unknown, json!({"decision": "applied", "backend_id": "rule-1"})).await.success();
    let ended = (&decided["/operation/state"], &decided["/operation/problem/code"], &decided["/mapping"]);
    assert_eq!(ended, (&json!("failed"), &json!("backend_id_taken"), &Value::Null));
    assert_eq!(scene.mapping("a").await["backend_id"], "rule-1");
}

#[tokio::test]
async fn a_creation_that_was_not_applied_may_be_made_again_with_its_key() {
    let (scene, unknown) = scene_in_doubt("POST", |client| client.put(&rule("b")).key("k").json(&create("b"))).await;
    let decided = decide(&scene.acme(), &unknown, json!({"decision": "not_applied"})).await.success();
    assert_eq!((&decided["/operation/state"], &decided["/mapping"]), (&json!("failed"), &Value::Null));
    // It was applied after all: the backend says so itself.
    scene.acme().put(&rule("b")).key("k").json(&create("b")).await.problem(409, "backend_already_exists");
}

#[tokio::test]
async fn a_change_that_was_or_was_not_applied_leaves_the_object_active() {
    for decision in ["applied", "not_applied"] {
        let change = json!({"spec": {"port": 80}});
        let (scene, unknown) = scene_in_doubt("PATCH", |client| client.patch(&rule("a")).json(&change)).await;
        let decided = decide(&scene.acme(), &unknown, json!({"decision": decision})).await.expect(200);
        assert_eq!((&decided["/mapping/state"], &decided["/mapping/backend_id"]), (&json!("active"), &json!("rule-1")));
        let state = if decision == "applied" { "succeeded" } else { "failed" };
        assert_eq!(decided["/operation/state"], state);
    }
}

#[tokio::test]
async fn what_is_decided_is_decided_once_and_by_those_who_may() {
    let (scene, unknown) = scene_in_doubt("DELETE", |client| client.delete(&rule("a"))).await;
    let applied = json!({"decision": "applied"});
    decide(&scene.host.client(Who::Viewer), &unknown, applied.clone()).await.problem(403, "forbidden");
    decide(&scene.host.client(Who::Globex), &unknown, applied.clone()).await.problem(404, "unknown_operation");
    decide(&scene.acme(), &unknown, json!({"decision": "perhaps"})).await.problem(400, "invalid_request");
    let decided = decide(&scene.operator(), &unknown, applied.clone()).await.expect(200);
    assert_eq!((&decided["/mapping"], scene.mapping("a").await), (&Value::Null, Value::Null));
    decide(&scene.acme(), &unknown, applied).await.problem(409, "already_decided");
    scene.resolve(&unknown).await.problem(409, "already_decided");
}
