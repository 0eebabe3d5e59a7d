//! Tokens that are guessed, bent or shown twice.

use crosspoint_tests::host::{Client, Scene, Who};
use serde_json::Value;

fn with(scene: &Scene, authorization: &[&str]) -> crosspoint_tests::host::Call {
    let nobody: Client = scene.host.client(Who::Nobody);
    authorization.iter().fold(nobody.get("/v1/mappings"), |call, value| call.header("authorization", value))
}

#[tokio::test]
async fn who_guesses_is_slowed_down_while_a_good_caller_at_the_same_address_is_served() {
    let scene = Scene::start().await;
    let (mut told, mut slowed) = (0, 0);
    for guess in 0..300 {
        let refused = with(&scene, &[&format!("Bearer xp_guess-{guess}")]).await;
        match refused.status {
            401 => told += 1,
            _ => {
                let refused = refused.problem(429, "too_many_attempts");
                assert!(refused["/retry_after"].as_u64().is_some_and(|seconds| seconds >= 1), "{refused:#?}");
                slowed += 1;
            }
        }
        if guess % 10 == 0 {
            scene.acme().get("/v1/mappings").await.expect(200);
        }
    }
    // Ten at once and one every two seconds: no more is learned by guessing.
    assert!((10..60).contains(&told) && slowed > 200, "{told} told, {slowed} slowed down");
    assert!(!scene.host.log().contains("guess-"), "a guess may be somebody's token with a slip in it");
}

#[tokio::test]
async fn a_token_that_is_nearly_right_is_wrong() {
    let scene = Scene::start().await;
    let token = Who::Acme.token().unwrap();
    let shapes = [
        token.clone(),
        format!("Bearer{token}"),
        format!("Bearer  {token}x"),
        format!("Basic {token}"),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {token}a"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {token},{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer \"{token}\""),
        format!("Token {token}"),
        "Bearer".to_owned(),
        format!("Bearer {}", "x".repeat(8000)),
        format!("Bearer é{token}"),
    ];
    for shape in &shapes {
        let refused = with(&scene, &[shape]).await;
        assert!([401, 429].contains(&refused.status), "{shape}: {refused:#?}");
        assert!(!refused.body.to_string().contains(&token), "{refused:#?}");
    }
    // Which of the two would a proxy have looked at?
    for two in [[format!("Bearer {token}"), "Bearer x".to_owned()], ["Bearer x".to_owned(), format!("Bearer {token}")]]
    {
        let refused = with(&scene, &[&two[0], &two[1]]).await;
        assert!([401, 429].contains(&refused.status), "{refused:#?}");
    }
    with(&scene, &[&format!("bearer {token}")]).await.expect(200);
    // A token has one place.
    for path in ["access_token", "token", "authorization"] {
        let refused = scene.host.client(Who::Nobody).get(&format!("/v1/mappings?{path}={token}")).await;
        assert_eq!(refused.status, 401, "{refused:#?}");
    }
    assert_eq!(
        scene.host.client(Who::Nobody).get("/v1/mappings").header("cookie", &token).await["/code"],
        "unauthenticated"
    );
    assert!(!scene.host.log().contains(&token));
}

#[tokio::test]
async fn without_a_token_nothing_is_read_of_a_body() {
    let scene = Scene::start().await;
    let mut raw = super::raw::Raw::connect(&scene).await;
    raw.send("PUT /v1/backends/fw/objects/rule/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(raw.answer().await.unwrap().status, 401);
    assert_eq!(scene.mapping("a").await, Value::Null);
}
