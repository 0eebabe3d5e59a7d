//! Requests that are really denied, and pass again.

use anyhow::Result;

use super::*;

#[tokio::test]
async fn an_address_is_denied_from_the_creation_of_its_entry_to_the_deletion() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, haproxy } = &scene;
    assert_eq!(haproxy.request("/", "198.51.100.7", "a").await?, 200);
    scene.put(&acl_entry("block"), &json!({"acl": "deny.acl", "pattern": "198.51.100.0/24"})).await.expect(201);
    assert_eq!(haproxy.request("/", "198.51.100.7", "a").await?, 403);
    assert_eq!(haproxy.request("/", "192.0.2.1", "a").await?, 200, "another address");

    let ask = stage.operator().post("/v1/backends/far/actions/get-acl?tenant=acme").key("ask");
    let asked = ask.json(&json!({"spec": {"acl": "deny.acl", "value": "198.51.100.7"}}));
    let asked = stage.one("an action", asked).await.expect(200);
    assert_eq!(asked["/result"], json!({"matches": true, "pattern": "198.51.100.0/24"}));

    stage.one("a deletion", stage.acme().delete(&acl_entry("block"))).await.expect(200);
    assert_eq!(haproxy.request("/", "198.51.100.7", "a").await?, 200);
    Ok(())
}

#[tokio::test]
async fn a_path_is_denied_while_its_entry_says_so() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, haproxy } = &scene;
    let spec = json!({"map": "paths.map", "key": "/admin", "value": "block"});
    assert_eq!(haproxy.request("/admin/x", "192.0.2.1", "a").await?, 200);
    scene.put(&map_entry("admin"), &spec).await.expect(201);
    assert_eq!(haproxy.request("/admin/x", "192.0.2.1", "a").await?, 429);
    let patch = stage.acme().patch(&map_entry("admin")).json(&json!({"spec": {"value": "pass"}}));
    stage.one("a patch", patch).await.expect(200);
    assert_eq!(haproxy.request("/admin/x", "192.0.2.1", "a").await?, 200);
    let replace = stage.acme().put(&map_entry("admin")).json(&json!({"spec": spec}));
    stage.one("a replacement", replace).await.expect(200);
    assert_eq!(haproxy.request("/admin/x", "192.0.2.1", "a").await?, 429);

    let ask = stage.operator().post("/v1/backends/far/actions/get-map?tenant=acme").key("ask");
    let asked = ask.json(&json!({"spec": {"map": "paths.map", "value": "/admin/x"}}));
    let asked = stage.one("an action", asked).await.expect(200);
    assert_eq!(asked["/result"], json!({"found": true, "key": "/admin", "value": "block"}));

    stage.one("a deletion", stage.acme().delete(&map_entry("admin"))).await.expect(200);
    assert_eq!(haproxy.request("/admin/x", "192.0.2.1", "a").await?, 200);
    Ok(())
}

#[tokio::test]
async fn a_user_agent_is_denied_whatever_stands_in_its_name() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, haproxy } = &scene;
    for (n, agent) in
        ["evil bot", "a;clear acl agents.acl", "back\\slash", "end <<", "\"quoted' bot", "@1 del acl", "$HOME|&>(x)"]
            .into_iter()
            .enumerate()
    {
        let path = acl_entry(&format!("agent-{n}"));
        assert_eq!(haproxy.request("/", "192.0.2.1", agent).await?, 200, "{agent}");
        scene.put(&path, &json!({"acl": "agents.acl", "pattern": agent})).await.expect(201);
        assert_eq!(haproxy.request("/", "192.0.2.1", agent).await?, 403, "{agent}");
        let read = stage.one("a read", stage.acme().get(&path)).await.expect(200);
        assert_eq!(read["/result/pattern"], agent);
        assert_eq!(haproxy.truth("show acl agents.acl").await?.lines().filter(|line| !line.is_empty()).count(), 1);
        stage.one("a deletion", stage.acme().delete(&path)).await.expect(200);
        assert_eq!(haproxy.request("/", "192.0.2.1", agent).await?, 200, "{agent}");
    }
    Ok(())
}
