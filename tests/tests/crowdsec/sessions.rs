//! Tokens: obtained once, shared, renewed when they are worth nothing any more.

use anyhow::Result;

use super::*;

#[tokio::test]
async fn a_token_of_before_a_restart_is_renewed_and_no_call_fails() -> Result<()> {
    let Some(mut scene) = Scene::set().await? else { return Ok(()) };
    scene.decide("a", &ban("198.51.100.1")).await;
    scene.decide("b", &ban("198.51.100.2")).await;
    assert_eq!(scene.logins(), 1, "one login for both");
    scene.crowdsec.restart().await?;

    let put = scene.stage.acme().put(&decision("c")).json(&json!({"spec": ban("198.51.100.3")}));
    // The first proves by its 401 that it did nothing.
    scene.stage.making(2, "a creation", put).await.expect(201);
    assert_eq!(scene.logins(), 2);
    assert_eq!(scene.crowdsec.enforced("198.51.100.3").await?, ["ban"]);
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_reaches_the_login_alone_and_is_not_shown() -> Result<()> {
    let Some(crowdsec) = CrowdSec::start().await? else { return Ok(()) };
    let scene = Scene::before(crowdsec, "not-the-password").await?;
    let put = scene.stage.acme().put(&decision("d")).json(&json!({"spec": ban("198.51.100.1")}));
    let refused = scene.stage.none("a creation", put).await.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no", "of the caller's own call, nothing was sent");
    assert!(!refused.body.to_string().contains("not-the-password"), "{refused:#?}");
    assert!(!scene.stage.host.log().contains("not-the-password"));
    Ok(())
}

#[tokio::test]
async fn neither_password_nor_token_is_in_the_log_or_in_what_callers_see() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let made = scene.decide("d", &ban("198.51.100.1")).await;
    let exchanges = scene.stage.far.proxy().exchanges();
    let authorization = exchanges.iter().find_map(|exchange| exchange.headers.get("authorization"));
    let token = authorization.unwrap().to_str()?.strip_prefix("Bearer ").unwrap().to_owned();
    let settings = scene.stage.operator().get("/v1/backends/far").await.expect(200);
    for text in [scene.stage.host.log(), made.body.to_string(), settings.body.to_string()] {
        assert!(!text.contains(PASSWORD) && !text.contains(&token), "{text}");
    }
    Ok(())
}
