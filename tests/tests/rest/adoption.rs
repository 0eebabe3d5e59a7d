//! Objects that exist at a backend are bound, and unbound, without being touched.

use crosspoint_tests::host::{Scene, Who, create, rule};
use serde_json::{Value, json};

#[tokio::test]
async fn an_object_that_was_released_can_be_adopted_under_another_id() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let released = scene.acme().post(&(rule("a") + ":release")).await.expect(200);
    assert_eq!(released["/mapping/backend_id"], "rule-1");
    assert_eq!(scene.mapping("a").await, Value::Null);
    assert_eq!(scene.appliance.rules().len(), 1, "the backend is left alone");
    let body = json!({"backend_id": "rule-1", "labels": {"origin": "brownfield"}});
    let adopted = scene.operator().post(&(rule("b") + ":adopt?tenant=acme")).json(&body).await.expect(200);
    assert_eq!((&adopted["/mapping/state"], &adopted["/result/name"]), (&json!("active"), &json!("a")));
    assert_eq!(adopted["/mapping/labels"], json!({"origin": "brownfield"}));
    scene.acme().patch(&rule("b")).json(&json!({"spec": {"port": 80}})).await.expect(200);
    scene.acme().delete(&rule("b")).await.expect(200);
    assert_eq!(scene.appliance.rules().len(), 0);
}

#[tokio::test]
async fn one_backend_object_is_one_cmp_object() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let body = json!({"backend_id": "rule-1"});
    let adopt = async |id: &str, tenant: &str| {
        scene.operator().post(&format!("{}:adopt?tenant={tenant}", rule(id))).json(&body).await
    };
    adopt("b", "acme").await.problem(409, "backend_id_taken");
    adopt("b", "globex").await.problem(409, "backend_id_taken");
    adopt("a", "acme").await.problem(412, "already_mapped");
    assert_eq!(scene.mapping("a").await["backend_id"], "rule-1");
    assert_eq!(scene.mapping("b").await, Value::Null);
}

#[tokio::test]
async fn what_the_backend_does_not_have_is_not_adopted() {
    let scene = Scene::start().await;
    let body = json!({"backend_id": "rule-9"});
    let path = rule("a") + ":adopt?tenant=acme";
    let refused = scene.operator().post(&path).json(&body).await.problem(404, "backend_not_found");
    assert_eq!((&refused["/sent"], &refused["/backend_status"]), (&json!("yes"), &json!(404)));
    assert_eq!(scene.mapping("a").await, Value::Null);
    scene.operator().post(&path).json(&json!({})).await.problem(400, "invalid_request");
    scene.operator().post(&path).json(&json!({"backend_id": ""})).await.problem(400, "invalid_request");
}

/// Whoever adopts may bind any object of the backend, other tenants' too, so it takes an operator.
#[tokio::test]
async fn a_caller_may_release_its_own_and_adopt_nothing() {
    let scene = Scene::start().await;
    scene.created("a").await;
    scene.host.client(Who::Globex).post(&(rule("a") + ":release")).await.problem(404, "not_mapped");
    scene.acme().post(&(rule("a") + ":release")).await.expect(200);
    scene.acme().post(&(rule("a") + ":adopt")).json(&json!({"backend_id": "rule-1"})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_object_that_is_gone_at_the_backend_can_still_be_deleted() {
    let scene = Scene::start().await;
    scene.created("a").await;
    scene.host.put_backend("side-door", &crosspoint_tests::host::settings(&scene.appliance.url())).await;
    let side = "/v1/backends/side-door/objects/rule/a";
    scene
        .operator()
        .post(&format!("{side}:adopt?tenant=acme"))
        .json(&json!({"backend_id": "rule-1"}))
        .await
        .expect(200);
    scene.acme().delete(side).await.expect(200);
    scene.acme().get(&rule("a")).await.problem(404, "backend_not_found");
    scene.acme().delete(&rule("a")).await.expect(200);
    assert_eq!(scene.mapping("a").await, Value::Null);
    scene.acme().put(&rule("a")).json(&create("a")).await.expect(201);
}
