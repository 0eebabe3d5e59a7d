//! Doubt: what Neutron did is not known, and becomes known with one read.

use super::*;

async fn unknown(stage: &Stage) -> String {
    let list = stage.acme().get("/v1/operations?state=unknown").await.expect(200);
    assert_eq!(list.items().len(), 1, "{list:#?}");
    list.string("/items/0/id")
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_unknown_and_one_find_adopts_it() -> Result<()> {
    let Some(stage) = Stage::set("lost-reply").await? else { return Ok(()) };
    stage.neutron.lose_reply(Method::POST, "/v2.0/networks");
    let put = stage.acme().put(&object("network", "n")).json(&json!({"spec": {"name": "x", "description": "mine"}}));
    let lost = stage.one(Method::POST, put).await.problem(502, "backend_connection_lost");
    assert_eq!((&lost["/sent"], &lost["/retryable"]), (&json!("maybe"), &json!(false)));
    let operation = unknown(&stage).await;
    assert_eq!(lost["/operation_id"], operation.as_str());
    assert_eq!(stage.acme().get("/v1/mappings?state=unknown").await.expect(200).items().len(), 1);

    let resolve = stage.acme().post(&format!("/v1/operations/{operation}:resolve")).json(&json!({}));
    let resolved = stage.one(Method::GET, resolve).await.expect(200);
    assert_eq!(
        (&resolved["/operation/state"], &resolved["/operation/resolution/by"]),
        (&json!("succeeded"), &json!("find"))
    );
    assert_eq!(resolved["/mapping/state"], "active");
    let truth = stage.truth("/v2.0/networks?name=x").await?;
    assert_eq!(truth["networks"].as_array().map(Vec::len), Some(1), "created once");
    assert_eq!(truth["networks"][0]["id"], resolved["/mapping/backend_id"]);
    Ok(())
}

#[tokio::test]
async fn neutron_killed_under_a_create_leaves_doubt_that_one_find_resolves_through_the_command_line() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let mut neutron = openstack.another_neutron().await?;
    let stage = Stage::before(openstack, "killed-relay", neutron.url()).await?;
    stage.configure(1000).await;
    // A read first: the login shall not be what dies.
    stage.acme().get("/v1/backends/net/objects/network").await.expect(200);

    let locked = openstack.database().lock_table("neutron.networks").await?;
    let spec = r#"{"name":"never"}"#;
    let arguments = ["-o", "json", "object", "put", "net", "network", "n", "--spec", spec];
    let create = stage.host.cli(Who::Acme, &arguments);
    let kill = async {
        openstack.database().statement_waits(&stage.project.id).await?;
        neutron.kill();
        anyhow::Ok(())
    };
    let ((ran, killed), seen) = stage.exchanges(async { tokio::join!(create, kill) }).await;
    killed?;
    drop(locked);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    let problem = ran.expect(3).json();
    assert_eq!(problem["sent"], "maybe", "{problem:#}");
    let operation = unknown(&stage).await;

    // Neutron is down: the find cannot be made, and nothing is guessed.
    let down = stage.host.cli(Who::Acme, &["operation", "resolve", &operation]).await;
    assert_ne!(down.code, Some(0), "{down:?}");
    assert_eq!(unknown(&stage).await, operation);

    neutron.restart(openstack.keystone()).await?;
    let before = stage.neutron.exchanges().len();
    // Until the deadline "not there" is not believed; each answer says how long to wait.
    let resolved = crosspoint_tests::host::until("the deadline to pass", async || {
        let ran = stage.host.cli(Who::Acme, &["-o", "json", "operation", "resolve", &operation]).await;
        (ran.code == Some(0)).then(|| ran.json())
    })
    .await;
    assert_eq!(resolved["operation"]["state"], "failed", "{resolved:#}");
    assert_eq!(resolved["operation"]["problem"]["code"], "not_executed");
    let finds = stage.neutron.exchanges_after(before);
    assert!(finds.iter().all(|exchange| exchange.method == Method::GET), "{finds:#?}");

    stage.create("network", "n", &json!({"name": "now"})).await;
    assert_eq!(stage.truth("/v2.0/networks?name=never").await?["networks"], json!([]));
    Ok(())
}

#[tokio::test]
async fn crosspoint_killed_under_a_create_finds_its_network_again() -> Result<()> {
    let Some(mut stage) = Stage::set("relay-killed").await? else { return Ok(()) };
    let mut held = stage.neutron.hold_reply(Method::POST, "/v2.0/networks");
    let put = stage.acme().put(&object("network", "n")).key("once").json(&json!({"spec": {"name": "y"}}));
    let call = tokio::spawn(put.attempt());
    held.caught().await?;
    stage.host.kill().await;
    assert!(call.await?.is_err(), "nobody answered");
    drop(held);
    stage.host.restart().await;

    unknown(&stage).await;
    let again = stage.acme().put(&object("network", "n")).key("once").json(&json!({"spec": {"name": "y"}}));
    let adopted = stage.one(Method::GET, again).await.success();
    assert_eq!((&adopted["/operation/state"], &adopted["/mapping/state"]), (&json!("succeeded"), &json!("active")));
    let truth = stage.truth("/v2.0/networks?name=y").await?;
    assert_eq!(truth["networks"].as_array().map(Vec::len), Some(1), "created once");
    Ok(())
}
