//! Tokens: few, shared, and renewed when they end.

use serde_json::{Value, json};

use super::simulator::POLICY;
use super::{Scene, object};

#[tokio::test]
async fn all_calls_share_one_token_and_one_that_has_ended_is_renewed() {
    let scene = Scene::set().await;
    scene.policy("a").await;
    scene.policy("b").await;
    assert_eq!(scene.appliance.logins(), 1);
    scene.appliance.end_tokens();
    // The first exchange was refused before anything happened.
    let spec = json!({"name": "c"});
    scene.stage.making(2, "a creation with a token that has ended", scene.put("policy", "c", &spec)).await.expect(201);
    assert_eq!((scene.appliance.logins(), scene.appliance.policies("c").len()), (2, 1));
}

/// A user has few, and they live for twenty minutes.
#[tokio::test]
async fn the_token_is_given_back_when_the_process_ends() {
    let mut scene = Scene::set().await;
    scene.policy("a").await;
    assert_eq!(scene.appliance.tokens(), 1);
    assert_eq!(scene.stage.host.stop().await, Some(0));
    assert_eq!((scene.appliance.tokens(), scene.appliance.logins()), (0, 1));
    assert!(!scene.stage.host.log().contains("TOKEN0"));
}

#[tokio::test]
async fn a_wrong_password_costs_no_exchange_and_shows_nowhere() {
    let scene = Scene::with_password("not-the-password").await;
    let refused = scene.stage.none("a creation", scene.put("policy", "a", &json!({"name": "a"}))).await;
    let refused = refused.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no");
    let logged = scene.stage.host.log();
    assert!(!Value::to_string(&refused.body).contains("not-the-password") && !logged.contains("not-the-password"));
}

#[tokio::test]
async fn a_user_with_too_many_tokens_is_told_to_come_back() {
    let scene = Scene::set().await;
    scene.appliance.give_no_more_tokens();
    let refused = scene.stage.none("a creation", scene.put("policy", "a", &json!({"name": "a"}))).await;
    let refused = refused.problem(503, "backend_throttled");
    assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("no"), &json!(true)));
}

#[tokio::test]
async fn a_token_shows_neither_in_the_log_nor_in_what_is_listed() {
    let scene = Scene::set().await;
    scene.policy("a").await;
    scene.stage.one("a read", scene.stage.acme().get(&object("policy", "a"))).await.expect(200);
    let adopt = scene.stage.operator().post(&(object("policy", "by-hand") + ":adopt?tenant=acme"));
    scene.stage.one("an adoption", adopt.json(&json!({"backend_id": POLICY}))).await.expect(200);
    let operations = scene.stage.acme().get("/v1/operations").await.expect(200);
    let backend = scene.stage.operator().get("/v1/backends/far").await.expect(200);
    for text in [scene.stage.host.log(), operations.body.to_string(), backend.body.to_string()] {
        assert!(!text.contains("TOKEN0"), "{text}");
    }
}
