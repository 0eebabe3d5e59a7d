//! `If-Match`, `If-None-Match` and entity tags (RFC 9110, section 13).

use crosspoint_tests::host::{Scene, create, rule};
use serde_json::json;

#[tokio::test]
async fn an_entity_tag_lets_a_change_through_once() {
    let scene = Scene::start().await;
    let made = scene.created("a").await;
    let tag = made.header("etag").unwrap().to_owned();
    assert_eq!(scene.acme().get(&rule("a")).await.expect(200).header("etag"), Some(tag.as_str()));
    let change = json!({"spec": {"port": 80}});
    let changed = scene.acme().patch(&rule("a")).header("if-match", &tag).json(&change).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    scene.acme().patch(&rule("a")).header("if-match", &tag).json(&change).await.problem(412, "stale");
    scene.acme().put(&rule("a")).header("if-match", &tag).json(&create("a")).await.problem(412, "stale");
    scene.acme().delete(&rule("a")).header("if-match", &tag).await.problem(412, "stale");
    assert_eq!(scene.mapping("a").await["state"], "active");
    let tag = changed.header("etag").unwrap().to_owned();
    scene.acme().delete(&rule("a")).header("if-match", &tag).await.expect(200);
}

/// The backend judges, so a change that was made behind Crosspoint's back counts.
#[tokio::test]
async fn a_change_behind_crosspoints_back_makes_the_tag_stale() {
    let scene = Scene::start().await;
    let made = scene.created("a").await;
    let twin =
        scene.operator().post(&(rule("twin") + ":adopt?tenant=globex")).json(&json!({"backend_id": "rule-1"})).await;
    twin.problem(409, "backend_id_taken");
    scene.host.put_backend("side-door", &crosspoint_tests::host::settings(&scene.appliance.url())).await;
    let side = "/v1/backends/side-door/objects/rule/a";
    scene
        .operator()
        .post(&format!("{side}:adopt?tenant=acme"))
        .json(&json!({"backend_id": "rule-1"}))
        .await
        .expect(200);
    scene.acme().patch(side).json(&json!({"spec": {"port": 80}})).await.expect(200);
    let call = scene.acme().patch(&rule("a")).header("if-match", made.header("etag").unwrap());
    let stale = call.json(&json!({"spec": {"port": 81}})).await.problem(412, "stale");
    assert_eq!((&stale["/sent"], &stale["/backend_status"]), (&json!("yes"), &json!(412)));
    let seen = scene.acme().get(&rule("a")).await.expect(200);
    assert_eq!(seen["/result/port"], 80);
    let call = scene.acme().patch(&rule("a")).header("if-match", seen.header("etag").unwrap());
    call.json(&json!({"spec": {"port": 81}})).await.expect(200);
}

#[tokio::test]
async fn existence_can_be_demanded_both_ways() {
    let scene = Scene::start().await;
    scene.acme().put(&rule("a")).header("if-match", "*").json(&create("a")).await.problem(412, "stale");
    scene.acme().put(&rule("a")).header("if-none-match", "*").json(&create("a")).await.expect(201);
    scene.acme().put(&rule("a")).header("if-none-match", "*").json(&create("a")).await.problem(412, "already_mapped");
    scene.acme().put(&rule("a")).header("if-match", "*").json(&create("a")).await.expect(200);
}

#[tokio::test]
async fn conditions_that_are_not_understood_are_refused_rather_than_ignored() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let patch = || scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 80}}));
    for tag in ["1", "W/\"1\"", "\"1\", \"2\"", "\"", ""] {
        patch().header("if-match", tag).await.problem(400, "invalid_request");
    }
    patch().header("if-none-match", "\"1\"").await.problem(400, "invalid_request");
    patch().header("if-match", "*").header("if-none-match", "*").await.problem(400, "invalid_request");
    patch().header("if-match", "\"1\"").header("if-match", "\"1\"").await.problem(400, "invalid_request");
    patch().header("if-match", "\"%ff\"").await.problem(400, "invalid_request");
    assert_eq!(scene.appliance.count("PATCH", ""), 0);
}
