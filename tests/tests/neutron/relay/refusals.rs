//! What Neutron refuses, and what the caller is told.

use super::*;

#[tokio::test]
async fn a_duplicate_rule_is_told_with_the_id_that_neutron_named() -> Result<()> {
    let Some(stage) = Stage::set("duplicate").await? else { return Ok(()) };
    let group = stage.create("security-group", "g", &json!({"name": "web"})).await;
    let rule = json!({"spec": {
        "security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
        "port_range_min": 80, "port_range_max": 80,
    }});
    let put = |cmp_id: &str| stage.acme().put(&object("security-group-rule", cmp_id)).json(&rule);
    let first = stage.one(Method::POST, put("r1")).await.expect(201).string("/mapping/backend_id");
    let second = stage.one(Method::POST, put("r2")).await.problem(409, "backend_already_exists");
    assert_eq!((&second["/sent"], &second["/backend_status"]), (&json!("yes"), &json!(409)));
    assert!(second.string("/detail").contains(&first), "{second:#?}");
    stage.acme().get(&object("security-group-rule", "r2")).await.problem(404, "not_mapped");
    Ok(())
}

#[tokio::test]
async fn a_network_in_use_is_a_conflict_and_stays_mapped() -> Result<()> {
    let Some(stage) = Stage::set("conflict").await? else { return Ok(()) };
    let network = stage.create("network", "n", &json!({})).await;
    stage.create("port", "p", &json!({"network_id": network})).await;
    let refused = stage.one(Method::DELETE, stage.acme().delete(&object("network", "n"))).await;
    let refused = refused.problem(409, "backend_conflict");
    assert_eq!(refused["/sent"], "yes");
    assert_eq!(stage.acme().get(&object("network", "n")).await.expect(200)["/mapping/state"], "active");
    Ok(())
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_a_refusal_with_neutrons_own_code() -> Result<()> {
    let Some(stage) = Stage::set("quota-relay").await? else { return Ok(()) };
    let admin = stage.openstack.keystone().admin_token().await?;
    stage.openstack.neutron().set_quota(&admin, &stage.project.id, "network", 1).await?;
    stage.create("network", "n1", &json!({})).await;
    let put = stage.acme().put(&object("network", "n2")).json(&json!({"spec": {}}));
    let refused = stage.one(Method::POST, put).await.problem(422, "backend_rejected");
    assert!(refused.string("/detail").contains("OverQuota"), "{refused:#?}");
    assert_eq!(refused["/sent"], "yes");
    Ok(())
}

#[tokio::test]
async fn a_revision_that_somebody_else_has_passed_is_stale() -> Result<()> {
    let Some(stage) = Stage::set("stale").await? else { return Ok(()) };
    let id = stage.create("network", "n", &json!({"name": "a"})).await;
    let tag = stage.acme().get(&object("network", "n")).await.expect(200).header("etag").unwrap().to_owned();
    let token = stage.openstack.keystone().token(&stage.project).await?;
    let body = json!({"network": {"name": "changed behind Crosspoint's back"}});
    stage
        .openstack
        .neutron()
        .ask(&token, Method::PUT, &format!("/v2.0/networks/{id}"), Some(&body))
        .await?
        .success()?;

    let patch = |tag: &str| {
        stage.acme().patch(&object("network", "n")).header("if-match", tag).json(&json!({"spec": {"name": "b"}}))
    };
    let refused = stage.one(Method::PUT, patch(&tag)).await.problem(412, "stale");
    assert_eq!((&refused["/sent"], &refused["/backend_status"]), (&json!("yes"), &json!(412)));
    let fresh = stage.acme().get(&object("network", "n")).await.expect(200).header("etag").unwrap().to_owned();
    stage.one(Method::PUT, patch(&fresh)).await.expect(200);
    Ok(())
}

#[tokio::test]
async fn a_bad_spec_is_refused_before_neutron_hears_of_it() -> Result<()> {
    let Some(stage) = Stage::set("bad-spec").await? else { return Ok(()) };
    let put = stage.acme().put(&object("network", "n")).json(&json!({"spec": {"mtu": "large"}}));
    let (refused, seen) = stage.exchanges(put).await;
    let refused = refused.problem(422, "invalid_spec");
    assert_eq!((&refused["/errors/0/pointer"], &refused["/sent"]), (&json!("/mtu"), &json!("no")));
    assert!(seen.is_empty() && stage.keystone.exchanges().is_empty());
    Ok(())
}
