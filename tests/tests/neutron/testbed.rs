//! The testbed of Neutron and Keystone keeps its own promises: without them, the driver's tests prove nothing.

use anyhow::Result;
use crosspoint_tests::openstack::{self, OpenStack, Project};
use crosspoint_tests::proxy::Proxy;
use http::Method;
use serde_json::json;

/// A project of the test's own and a token for it.
async fn project(openstack: &OpenStack, name: &str) -> Result<(Project, String)> {
    let project = openstack.keystone().project(name).await?;
    let token = openstack.keystone().token(&project).await?;
    Ok((project, token))
}

#[tokio::test]
async fn a_user_makes_a_network_that_another_project_does_not_see() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let (_, token) = project(openstack, "seen").await?;
    let body = json!({"network": {"name": "mine"}});
    let made = openstack.neutron().ask(&token, Method::POST, "/v2.0/networks", Some(&body)).await?.success()?;
    let path = format!("/v2.0/networks/{}", made.text("/network/id")?);
    assert_eq!(openstack.neutron().ask(&token, Method::GET, &path, None).await?.status, 200);

    let (_, stranger) = project(openstack, "unseen").await?;
    assert_eq!(openstack.neutron().ask(&stranger, Method::GET, &path, None).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_the_next_one_is_not() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let (project, token) = project(openstack, "revoked").await?;
    assert_eq!(openstack.neutron().ask(&token, Method::GET, "/v2.0/networks", None).await?.status, 200);
    openstack.keystone().revoke(&token).await?;
    assert_eq!(openstack.neutron().ask(&token, Method::GET, "/v2.0/networks", None).await?.status, 401);

    let next = openstack.keystone().token(&project).await?;
    assert_eq!(openstack.neutron().ask(&next, Method::GET, "/v2.0/networks", None).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_quota_of_one_refuses_the_second_network() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let (project, token) = project(openstack, "quota").await?;
    let admin = openstack.keystone().admin_token().await?;
    openstack.neutron().set_quota(&admin, &project.id, "network", 1).await?;
    let body = json!({"network": {}});
    openstack.neutron().ask(&token, Method::POST, "/v2.0/networks", Some(&body)).await?.success()?;
    let second = openstack.neutron().ask(&token, Method::POST, "/v2.0/networks", Some(&body)).await?;
    assert_eq!((second.status.as_u16(), second.text("/NeutronError/type")?), (409, "OverQuota"));
    Ok(())
}

#[tokio::test]
async fn a_create_dies_with_neutron_while_the_table_is_locked_and_leaves_nothing_behind() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let (project, token) = project(openstack, "killed").await?;
    let mut neutron = openstack.another_neutron().await?;
    let url = format!("{}/v2.0/networks", neutron.url());
    openstack.neutron().ask(&token, Method::GET, "/v2.0/networks", None).await?.success()?;

    let locked = openstack.database().lock_table("neutron.networks").await?;
    let body = json!({"network": {"name": "never"}});
    let headers = [("X-Auth-Token", token.as_str())];
    let create = openstack::send(Method::POST, &url, &headers, Some(&body));
    let kill = async {
        openstack.database().statement_waits(&project.id).await?;
        neutron.kill();
        anyhow::Ok(())
    };
    let (answer, killed) = tokio::join!(create, kill);
    killed?;
    assert!(answer.is_err(), "a killed server cannot answer");
    drop(locked);

    let left = openstack.neutron().ask(&token, Method::GET, "/v2.0/networks?name=never", None).await?.success()?;
    assert_eq!(left.body, json!({"networks": []}));
    neutron.restart(openstack.keystone()).await?;
    assert_eq!(neutron.ask(&token, Method::GET, "/v2.0/networks", None).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn the_proxy_and_neutrons_own_log_count_the_same_exchanges() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let (_, token) = project(openstack, "counted").await?;
    let proxy = Proxy::start(openstack.neutron().url()).await?;
    let headers = [("X-Auth-Token", token.as_str())];
    let target = "/v2.0/networks?name=counted";
    for _ in 0..3 {
        openstack::send(Method::GET, &format!("{}{target}", proxy.url()), &headers, None).await?.success()?;
    }
    let seen = proxy.exchanges();
    assert!(seen.iter().all(|e| e.method == Method::GET && e.target == target && e.status() == Some(200)), "{seen:?}");
    let logged = openstack.neutron().access_log(|method, logged| method == "GET" && logged == target).await?;
    assert_eq!((seen.len(), logged.len()), (3, 3));
    Ok(())
}

#[tokio::test]
async fn a_network_whose_reply_was_lost_is_there() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let (_, token) = project(openstack, "lost").await?;
    let proxy = Proxy::start(openstack.neutron().url()).await?;
    proxy.lose_reply(Method::POST, "/v2.0/networks");
    let body = json!({"network": {"name": "lost"}});
    let url = format!("{}/v2.0/networks", proxy.url());
    assert!(openstack::send(Method::POST, &url, &[("X-Auth-Token", &token)], Some(&body)).await.is_err());
    assert_eq!(proxy.exchanges()[0].status(), Some(201));

    let found = openstack.neutron().ask(&token, Method::GET, "/v2.0/networks?name=lost", None).await?;
    assert_eq!(found.body["networks"].as_array().map(Vec::len), Some(1));
    Ok(())
}
