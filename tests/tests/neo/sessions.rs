//! Sessions: one for all calls, and another when it has ended, in whichever way NEO says so.

use serde_json::{Value, json};

use super::simulator::{Changes, PASSWORD, Unknown};
use super::{Scene, blue, service};

#[tokio::test]
async fn all_calls_share_one_session_and_one_that_has_ended_is_renewed() {
    let scene = Scene::set(Changes::AtOnce).await;
    scene.stage.one("a creation", scene.put("a", &blue())).await.expect(201);
    scene.stage.one("a read", scene.stage.acme().get(&service("a"))).await.expect(200);
    assert_eq!(scene.neo.logins(), 1);
    scene.neo.end_sessions();
    // The first exchange was refused before anything happened.
    scene.stage.making(2, "a creation in a session that has ended", scene.put("b", &blue())).await.expect(201);
    assert_eq!((scene.neo.logins(), scene.neo.services("blue").len()), (2, 2));
}

/// A redirect is no proof that nothing happened, so the exchange is not made again; but the session is not used again.
#[tokio::test]
async fn a_session_that_ends_at_the_login_page_costs_one_call_and_the_next_logs_in() {
    let scene = Scene::with(Changes::AtOnce, Unknown::LoginPage, PASSWORD).await;
    scene.stage.one("a creation", scene.put("a", &blue())).await.expect(201);
    scene.neo.end_sessions();
    let refused = scene.stage.one("a creation in a session that has ended", scene.put("b", &blue())).await;
    let refused = refused.problem(502, "backend_unauthenticated");
    assert_eq!((&refused["/sent"], &refused["/backend_status"]), (&json!("yes"), &json!(302)));
    assert_eq!((scene.neo.logins(), scene.neo.services("blue").len()), (1, 1));
    scene.stage.one("the same creation", scene.put("b", &blue())).await.expect(201);
    assert_eq!((scene.neo.logins(), scene.neo.services("blue").len()), (2, 2));
}

#[tokio::test]
async fn a_wrong_password_costs_no_exchange_and_shows_nowhere() {
    let scene = Scene::with(Changes::AtOnce, Unknown::LoginPage, "not-the-password").await;
    let refused = scene.stage.none("a creation", scene.put("a", &blue())).await;
    let refused = refused.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no");
    let logged = scene.stage.host.log();
    assert!(!Value::to_string(&refused.body).contains("not-the-password") && !logged.contains("not-the-password"));
}
