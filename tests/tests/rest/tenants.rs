//! A tenant's objects are its own: others do not learn that they exist.

use crosspoint_tests::host::{Events, Scene, Who, create, rule};
use serde_json::{Value, json};

#[tokio::test]
async fn two_tenants_may_use_the_same_id_and_never_meet() {
    let scene = Scene::start().await;
    let (acme, globex) = (scene.acme(), scene.host.client(Who::Globex));
    let mine = acme.put(&rule("a")).json(&create("mine")).await.expect(201);
    let theirs = globex.put(&rule("a")).json(&create("theirs")).await.expect(201);
    assert_ne!(mine["/mapping/marker"], theirs["/mapping/marker"]);
    globex.delete(&rule("a")).await.expect(200);
    assert_eq!(acme.get(&rule("a")).await.expect(200)["/result/name"], "mine");
    assert_eq!(scene.appliance.rules().len(), 1);
}

#[tokio::test]
async fn nothing_of_one_tenant_is_shown_to_another() {
    let scene = Scene::start().await;
    let globex = scene.host.client(Who::Globex);
    let mut events = Events::of(globex.get("/v1/events?after=0")).await;
    let made = scene.created("a").await;
    let operation = made.string("/operation/id");

    globex.get(&rule("a")).await.problem(404, "not_mapped");
    globex.patch(&rule("a")).json(&json!({"spec": {}})).await.problem(404, "not_mapped");
    globex.delete(&rule("a")).await.problem(404, "not_mapped");
    globex.post(&(rule("a") + ":release")).await.problem(404, "not_mapped");
    globex.get(&format!("/v1/operations/{operation}")).await.problem(404, "unknown_operation");
    globex.post(&format!("/v1/operations/{operation}:resolve")).await.problem(404, "unknown_operation");
    for path in ["/v1/mappings", "/v1/operations", "/v1/mappings?backend=fw&kind=rule&backend_id=rule-1"] {
        assert_eq!(globex.get(path).await.expect(200).items().len(), 0, "{path}");
    }
    assert_eq!(globex.get("/v1/backends/fw/objects/rule").await.expect(200).items().len(), 0);
    for id in [json!({"cmp_id": "a"}), json!({"backend_id": "rule-1"})] {
        let mut item = json!({"backend": "fw", "kind": "rule"});
        item.as_object_mut().unwrap().extend(id.as_object().unwrap().clone());
        let found = globex.post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
        assert_eq!(found["/items/0/mapping"], Value::Null);
    }
    for path in ["/v1/mappings?tenant=acme", "/v1/operations?tenant=acme", "/v1/events?tenant=acme"] {
        globex.get(path).await.problem(403, "forbidden");
    }
    // The first event that it sees is its own.
    globex.put(&rule("b")).json(&create("b")).await.expect(201);
    assert_eq!(events.next().await.unwrap().told(), "mapping.creating b");
}

#[tokio::test]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let scene = Scene::start().await;
    let operation = scene.created("a").await.string("/operation/id");
    let viewer = scene.host.client(Who::Viewer);
    for path in ["/v1/mappings", "/v1/operations", "/v1/backends", "/v1/drivers"] {
        assert_ne!(viewer.get(path).await.expect(200).items().len(), 0, "{path}");
    }
    viewer.get(&(rule("a") + "?tenant=acme")).await.expect(200);
    let count = scene.appliance.requests().len();
    for call in [
        viewer.put(&(rule("a") + "?tenant=acme")).json(&create("a")),
        viewer.patch(&(rule("a") + "?tenant=acme")).json(&json!({"spec": {}})),
        viewer.delete(&(rule("a") + "?tenant=acme")),
        viewer.post(&(rule("a") + "/actions/reset-hits?tenant=acme")).key("k"),
        viewer.post(&(rule("a") + ":release?tenant=acme")),
        viewer.post("/v1/backends/fw/actions/commit?tenant=acme").key("k"),
        viewer.post("/v1/backends/fw:probe"),
        viewer.put("/v1/backends/fw").json(&json!({"driver": "firewall", "endpoints": {}})),
        viewer.delete("/v1/backends/fw"),
        viewer.post("/v1/drivers").bytes("application/wasm", vec![0]),
        viewer.post("/v1/drivers/firewall:rollback"),
        viewer.delete("/v1/drivers/firewall"),
        viewer.post(&format!("/v1/operations/{operation}:resolve")),
    ] {
        call.await.problem(403, "forbidden");
    }
    assert_eq!(scene.appliance.requests().len(), count);
}

#[tokio::test]
async fn a_caller_does_not_see_the_system_and_an_operator_sees_the_whole_backend() {
    let scene = Scene::start().await;
    scene.created("a").await;
    scene.created("b").await;
    scene.acme().post(&(rule("b") + ":release")).await.expect(200);
    for path in ["/v1/backends", "/v1/backends/fw", "/v1/drivers", "/v1/drivers/firewall", "/metrics"] {
        scene.acme().get(path).await.problem(403, "forbidden");
    }
    let own = scene.acme().get("/v1/backends/fw/objects/rule").await.expect(200);
    assert_eq!((own.items().len(), &own["/items/0/cmp_id"]), (1, &json!("a")));
    let whole = scene.operator().get("/v1/backends/fw/objects/rule?tenant=acme").await.expect(200);
    assert_eq!((whole.items().len(), &whole["/items/1/cmp_id"]), (2, &Value::Null));
}

#[tokio::test]
async fn a_token_that_is_bound_to_backends_and_kinds_reaches_no_others() {
    let scene = Scene::start().await;
    let other = crosspoint_tests::host::settings(&scene.appliance.url());
    scene.host.put_backend("other", &other).await;
    let elsewhere = "/v1/backends/other/objects/rule/x";
    scene.acme().put(elsewhere).json(&create("x")).await.expect(201);
    let bound = scene.host.client(Who::Bound);
    bound.put(&rule("a")).json(&create("a")).await.expect(201);
    bound.get(elsewhere).await.problem(404, "unknown_backend");
    bound.get("/v1/backends/nowhere/objects/rule/x").await.problem(404, "unknown_backend");
    bound.get("/v1/backends/fw/objects/vlan/x").await.problem(403, "forbidden");
    bound.post("/v1/backends/fw/actions/commit").key("k").await.problem(403, "forbidden");
    for path in ["/v1/mappings", "/v1/operations"] {
        let seen = bound.get(path).await.expect(200);
        assert!(seen.items().iter().all(|item| item["backend"] == "fw") && seen.items().len() == 1, "{seen:#?}");
    }
    let item = json!({"backend": "other", "kind": "rule", "cmp_id": "x"});
    let found = bound.post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
    assert_eq!(found["/items/0/mapping"], Value::Null);
}
