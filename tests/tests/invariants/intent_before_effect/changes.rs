use crosspoint_tests::host::{Call, Client, Scene, create, rule};
use firewall_appliance::Moment;
use serde_json::{Value, json};

use super::killed_while_held;

fn update(client: &Client) -> Call {
    client.patch(&rule("a")).key("k").json(&json!({"spec": {"port": 80}, "labels": {"tier": "web"}}))
}

fn replace(client: &Client) -> Call {
    let mut body = create("a");
    body["spec"]["port"] = json!(80);
    client.put(&rule("a")).key("k").json(&body)
}

fn delete(client: &Client) -> Call {
    client.delete(&rule("a")).key("k")
}

/// Kills Crosspoint in the middle of this call on rule `a`.
async fn in_doubt(moment: Moment, method: &str, call: fn(&Client) -> Call) -> Scene {
    let mut scene = Scene::impatient().await;
    scene.created("a").await;
    let call = call(&scene.acme());
    killed_while_held(&mut scene, moment, method, call).await;
    assert_eq!(scene.operation("unknown").await["sent"], "maybe");
    assert_eq!(scene.mapping("a").await["state"], "unknown");
    scene
}

fn port(scene: &Scene) -> Option<u16> {
    scene.appliance.rules()[0].spec.port
}

/// Whether a change took place cannot be read off the object, so what is read is recorded as what it is.
#[tokio::test]
async fn a_change_in_doubt_is_observed_after_its_deadline() {
    for (moment, port) in [(Moment::AfterEffect, 80), (Moment::BeforeEffect, 443)] {
        let scene = in_doubt(moment, "PATCH", update).await;
        let unknown = scene.operation("unknown").await;
        let early = scene.resolve(&unknown).await.problem(409, "in_doubt");
        assert!(early.header("retry-after").is_some());
        let resolved = scene.resolve_after_deadline(&unknown).await.success();
        assert_eq!(
            (&resolved["/operation/state"], &resolved["/operation/resolution/by"]),
            (&json!("observed"), &json!("read"))
        );
        assert_eq!((&resolved["/mapping/state"], &resolved["/result/port"]), (&json!("active"), &json!(port)));
        assert_eq!(scene.appliance.count("PATCH", "/api/v1/rules"), 1);
    }
}

#[tokio::test]
async fn a_change_in_doubt_is_made_again_by_the_same_call_where_that_is_harmless() {
    for (method, call) in [("PATCH", update as fn(&Client) -> Call), ("PUT", replace)] {
        for moment in [Moment::AfterEffect, Moment::BeforeEffect] {
            let scene = in_doubt(moment, method, call).await;
            let count = scene.appliance.requests().len();
            let again = call(&scene.acme()).await.expect(200);
            let ended = (&again["/operation/state"], &again["/operation/resolution/by"], &again["/mapping/state"]);
            assert_eq!(ended, (&json!("succeeded"), &json!("reissue"), &json!("active")), "{again:#?}");
            assert_eq!(scene.appliance.requests().len(), count + 1, "one call, one exchange");
            assert_eq!(port(&scene), Some(80));
            assert_eq!(call(&scene.acme()).await.success().header("idempotency-replayed"), Some("true"));
        }
    }
}

#[tokio::test]
async fn labels_that_came_with_a_change_in_doubt_are_set_when_it_is_made_again() {
    let scene = in_doubt(Moment::AfterEffect, "PATCH", update).await;
    let again = update(&scene.acme()).await.expect(200);
    assert_eq!(again["/mapping/labels"], json!({"tier": "web"}));
}

#[tokio::test]
async fn a_deletion_that_took_place_is_seen_at_once_because_nothing_comes_back_to_life() {
    let scene = in_doubt(Moment::AfterEffect, "DELETE", delete).await;
    let unknown = scene.operation("unknown").await;
    let resolved = scene.resolve(&unknown).await.expect(200);
    assert_eq!((&resolved["/operation/state"], &resolved["/mapping"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(scene.mapping("a").await, Value::Null);
    assert_eq!(delete(&scene.acme()).await.expect(200).header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn a_deletion_that_did_not_take_place_is_not_executed_after_its_deadline() {
    let scene = in_doubt(Moment::BeforeEffect, "DELETE", delete).await;
    let unknown = scene.operation("unknown").await;
    scene.resolve(&unknown).await.problem(409, "in_doubt");
    let resolved = scene.resolve_after_deadline(&unknown).await.expect(200);
    let problem = (&resolved["/operation/state"], &resolved["/operation/problem/code"]);
    assert_eq!(problem, (&json!("failed"), &json!("not_executed")));
    assert_eq!((&resolved["/mapping/state"], &resolved["/mapping/backend_id"]), (&json!("active"), &json!("rule-1")));
    scene.acme().get(&rule("a")).await.expect(200);
}

#[tokio::test]
async fn a_deletion_in_doubt_is_made_again_by_the_same_call() {
    for moment in [Moment::AfterEffect, Moment::BeforeEffect] {
        let scene = in_doubt(moment, "DELETE", delete).await;
        let again = delete(&scene.acme()).await.expect(200);
        assert_eq!(
            (&again["/operation/state"], &again["/operation/resolution/by"]),
            (&json!("succeeded"), &json!("reissue"))
        );
        assert_eq!((scene.mapping("a").await, scene.appliance.rules().len()), (Value::Null, 0));
        assert_eq!(scene.appliance.count("DELETE", "/api/v1/rules"), 2);
    }
}

#[tokio::test]
async fn an_action_on_the_backend_in_doubt_is_left_to_be_decided() {
    let mut scene = Scene::impatient().await;
    let commit = |client: &Client| client.post("/v1/backends/fw/actions/commit").key("k");
    let call = commit(&scene.acme());
    killed_while_held(&mut scene, Moment::AfterEffect, "POST", call).await;
    let unknown = scene.operation("unknown").await;
    assert_eq!((&unknown["verb"], &unknown["cmp_id"]), (&json!("action:commit"), &Value::Null));
    scene.resolve(&unknown).await.problem(409, "not_resolvable");
    commit(&scene.acme()).await.problem(409, "not_resolvable");
    let id = unknown["id"].as_str().unwrap();
    let decision = scene.acme().post(&format!("/v1/operations/{id}:resolve")).json(&json!({"decision": "applied"}));
    assert_eq!(decision.await.expect(200)["/operation/state"], "succeeded");
    assert_eq!(commit(&scene.acme()).await.expect(200).header("idempotency-replayed"), Some("true"));
    assert_eq!(scene.appliance.count("POST", "/api/v1/commit"), 1);
}

#[tokio::test]
async fn nothing_else_happens_to_an_object_in_doubt() {
    let scene = in_doubt(Moment::AfterEffect, "PATCH", update).await;
    let unknown = scene.operation("unknown").await;
    let count = scene.appliance.requests().len();
    let acme = scene.acme();
    for call in [
        acme.patch(&rule("a")).json(&json!({"spec": {"port": 81}})),
        acme.put(&rule("a")).json(&create("a")),
        acme.delete(&rule("a")),
        acme.post(&(rule("a") + "/actions/reset-hits")).key("other"),
        acme.post(&(rule("a") + ":release")),
    ] {
        let refused = call.await.problem(409, "in_doubt");
        assert_eq!(refused["/operation_id"], unknown["id"]);
    }
    assert_eq!(scene.appliance.requests().len(), count);
}
