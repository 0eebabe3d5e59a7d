//! An etcd with users: logging in, what they may do, and tokens that end.

use anyhow::Result;
use crosspoint_tests::suite::{FarSide as _, GrpcFarSide, Stage, Subject};
use serde_json::json;

use super::testbed::Etcd;
use super::{AUTHENTICATE, object};

const PASSWORD: &str = "s3cret-of-cmp";

async fn as_user(etcd: &Etcd, password: &str) -> Result<Stage<GrpcFarSide>> {
    let far = GrpcFarSide::before(etcd.address(), Some(AUTHENTICATE)).await?;
    let settings = json!({
        "endpoints": {"default": far.url()},
        "authentication": {"scheme": "login", "secrets": {"username": "cmp", "password": password}},
    });
    Ok(Stage::set("etcd", settings, far).await)
}

fn spec(key: &str) -> serde_json::Value {
    json!({"spec": {"key": key, "value": "v"}})
}

#[tokio::test]
async fn calls_share_one_login_and_a_user_may_do_what_the_role_says() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    etcd.secure().await?;
    let stage = as_user(&etcd, PASSWORD).await?;
    stage.one("a creation", stage.acme().put(&object("key", "a")).json(&spec("fw/a"))).await.expect(201);
    stage.one("a read", stage.acme().get(&object("key", "a"))).await.expect(200);
    let denied = stage.one("a creation", stage.acme().put(&object("key", "b")).json(&spec("other"))).await;
    assert_eq!(denied.problem(502, "backend_denied")["/sent"], "yes");
    assert_eq!(stage.far.logins(), 1);
    Ok(())
}

/// etcd forgets a user's tokens when the password is changed: the call after that is made twice, and takes effect once.
#[tokio::test]
async fn a_token_that_etcd_forgot_is_renewed_and_the_call_made_once_more() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    etcd.secure().await?;
    let stage = as_user(&etcd, PASSWORD).await?;
    stage.one("a creation", stage.acme().put(&object("key", "a")).json(&spec("fw/a"))).await.expect(201);
    etcd.change_password().await?;
    let put = stage.acme().put(&object("key", "b")).json(&spec("fw/b"));
    let made = stage.making(2, "a creation with a token that is none", put).await.expect(201);
    assert_eq!(made["/result/version"], 1, "{made:#?}");
    assert_eq!(stage.far.logins(), 2);
    Ok(())
}

#[tokio::test]
async fn troubles_in_a_session_are_told_as_they_are() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    etcd.secure().await?;
    let stage = as_user(&etcd, PASSWORD).await?;
    let key = Subject::of("key", |n| json!({"key": format!("fw/{n}"), "value": "v"}))
        .replacing(|n| json!({"key": format!("fw/{n}"), "value": "w"}));
    stage.troubles(&key).await;
    Ok(())
}

#[tokio::test]
async fn wrong_credentials_are_told_and_nothing_else_is_sent() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    etcd.secure().await?;
    let stage = as_user(&etcd, "another-s3cret").await?;
    let put = stage.acme().put(&object("key", "a")).json(&spec("fw/a"));
    let refused = stage.none("a creation", put).await.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no");
    assert!(!refused.body.to_string().contains("another-s3cret") && !stage.host.log().contains("another-s3cret"));
    assert_eq!((stage.far.exchanges(), stage.far.logins()), (0, 1));
    // Without a user there is no way in either.
    let far = GrpcFarSide::before(etcd.address(), None).await?;
    let nobody = Stage::set("etcd", json!({"endpoints": {"default": far.url()}}), far).await;
    let put = nobody.acme().put(&object("key", "a")).json(&spec("fw/a"));
    nobody.one("a creation without a user", put).await.problem(502, "backend_unauthenticated");
    Ok(())
}
