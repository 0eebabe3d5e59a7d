//! Keystone's tokens: obtained once, shared, renewed when they end.

use super::*;

#[tokio::test]
async fn a_token_that_ends_between_two_calls_is_renewed_once_and_no_call_fails() -> Result<()> {
    let Some(stage) = Stage::set("expiry").await? else { return Ok(()) };
    stage.create("network", "n1", &json!({"name": "before"})).await;
    assert_eq!(stage.keystone.exchanges().len(), 1, "one login");
    let token = stage.neutron.exchanges()[0].headers["x-auth-token"].to_str()?.to_owned();
    stage.openstack.keystone().revoke(&token).await?;

    let put = stage.acme().put(&object("network", "n2")).json(&json!({"spec": {"name": "after"}}));
    let (made, seen) = stage.exchanges(put).await;
    made.expect(201);
    let statuses: Vec<_> = seen.iter().map(|exchange| (exchange.method.as_str(), exchange.status())).collect();
    // The first proves by its 401 that it did nothing.
    assert_eq!(statuses, [("POST", Some(401)), ("POST", Some(201))]);
    assert_eq!(stage.keystone.exchanges().len(), 2, "one more login");
    let truth = stage.truth("/v2.0/networks?name=after").await?;
    assert_eq!(truth["networks"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn many_callers_share_one_login() -> Result<()> {
    let Some(stage) = Stage::set("one-login").await? else { return Ok(()) };
    let calls = (0..12).map(|_| stage.acme().get("/v1/backends/net/objects/network").into_future());
    let mut running = tokio::task::JoinSet::new();
    calls.for_each(|call| {
        running.spawn(call);
    });
    while let Some(reply) = running.join_next().await {
        reply?.expect(200);
    }
    assert_eq!((stage.keystone.exchanges().len(), stage.neutron.exchanges().len()), (1, 12));
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_reaches_keystone_alone_and_is_not_shown() -> Result<()> {
    let Some(mut stage) = Stage::set("password").await? else { return Ok(()) };
    stage.project.password = "not-the-password".to_owned();
    stage.configure(5000).await;
    let put = stage.acme().put(&object("network", "n")).json(&json!({"spec": {}}));
    let refused = put.await.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no", "of the caller's own call, nothing was sent");
    assert!(!refused.body.to_string().contains("not-the-password"));
    assert!(stage.neutron.exchanges().is_empty());
    assert!(!stage.host.log().contains("not-the-password"));
    Ok(())
}
