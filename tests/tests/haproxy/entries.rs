//! What is particular to entries.

use anyhow::Result;
use crosspoint_tests::suite::{FarSide as _, FramedFarSide, Trouble};

use super::*;

fn blocked(key: &str) -> Value {
    json!({"map": "paths.map", "key": key, "value": "block"})
}

#[tokio::test]
async fn a_key_that_gives_something_else_is_told_as_there_and_goes_on_giving_it() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, haproxy } = &scene;
    haproxy.truth("add map paths.map /shop pass").await?;
    let refused = scene.put(&map_entry("shop"), &blocked("/shop")).await.problem(409, "backend_already_exists");
    assert_eq!(refused["/sent"], "yes");
    assert_eq!(haproxy.request("/shop", "192.0.2.1", "a").await?, 200, "the first one counts");

    // Whoever wants it changed adopts it: from then on there is one value, however many copies.
    let adopt = stage.operator().post(&(map_entry("shop") + ":adopt?tenant=acme"));
    let adopt = adopt.json(&json!({"backend_id": "paths.map /shop"}));
    assert_eq!(stage.one("an adoption", adopt).await.expect(200)["/result/value"], "pass");
    let put = stage.acme().put(&map_entry("shop")).json(&json!({"spec": blocked("/shop")}));
    stage.one("a replacement", put).await.expect(200);
    assert_eq!(haproxy.request("/shop", "192.0.2.1", "a").await?, 429);
    stage.one("a deletion", stage.acme().delete(&map_entry("shop"))).await.expect(200);
    assert_eq!(haproxy.truth("show map paths.map").await?, "\n", "no copy is left");
    Ok(())
}

#[tokio::test]
async fn copies_of_a_pattern_are_one_entry() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, haproxy } = &scene;
    haproxy.truth("add acl deny.acl 192.0.2.9").await?;
    scene.put(&acl_entry("e"), &json!({"acl": "deny.acl", "pattern": "192.0.2.9"})).await.expect(201);
    assert_eq!(haproxy.truth("show acl deny.acl").await?.matches("192.0.2.9").count(), 2);
    let list = stage.operator().get("/v1/backends/far/objects/acl-entry?tenant=acme");
    let listed = stage.one("a list", list).await.expect(200);
    assert_eq!(listed.items().len(), 1, "{listed:#?}");
    assert_eq!(listed["/items/0/cmp_id"], "e");
    stage.one("a deletion", stage.acme().delete(&acl_entry("e"))).await.expect(200);
    assert_eq!(haproxy.request("/", "192.0.2.9", "a").await?, 200);
    Ok(())
}

#[tokio::test]
async fn what_stands_in_no_file_is_gone_after_a_restart_and_its_number_means_nothing() -> Result<()> {
    let Some(mut scene) = Scene::set().await? else { return Ok(()) };
    let spec = json!({"acl": "deny.acl", "pattern": "192.0.2.9"});
    scene.put(&acl_entry("e"), &spec).await.expect(201);
    scene.haproxy.restart().await?;
    let stage = &scene.stage;
    let read = stage.one("a read", stage.acme().get(&acl_entry("e"))).await;
    read.problem(404, "backend_not_found");
    assert_eq!(scene.haproxy.request("/", "192.0.2.9", "a").await?, 200);
    stage.one("a deletion", stage.acme().delete(&acl_entry("e"))).await.expect(200);
    scene.put(&acl_entry("e"), &spec).await.expect(201);
    assert_eq!(scene.haproxy.request("/", "192.0.2.9", "a").await?, 403);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_cut_leaves_doubt_that_ends_when_the_creation_is_made_again() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let stage = &scene.stage;
    let put = |key: &str| stage.acme().put(&map_entry("cut")).key(key).json(&json!({"spec": blocked("/cut")}));
    stage.far.trouble(Trouble::Truncated);
    let cut = stage.one("a creation", put("once")).await.problem(502, "backend_malformed_reply");
    assert_eq!((&cut["/sent"], &cut["/retryable"]), (&json!("yes"), &json!(false)));
    let operations = stage.acme().get("/v1/operations?state=unknown").await.expect(200);
    assert_eq!(operations.items().len(), 1, "{operations:#?}");
    let again = stage.one("the creation, made again", put("once")).await.success();
    assert_eq!(again["/operation/resolution/by"], "reissue", "{again:#?}");
    assert_eq!(scene.haproxy.request("/cut", "192.0.2.1", "a").await?, 429);

    stage.far.trouble(Trouble::Truncated);
    let read = stage.one("a read", stage.acme().get(&map_entry("cut"))).await;
    read.problem(502, "backend_malformed_reply");
    Ok(())
}

#[tokio::test]
async fn a_probe_names_what_haproxy_itself_does_not_use() -> Result<()> {
    let Some(haproxy) = HaProxy::start().await? else { return Ok(()) };
    let far = FramedFarSide::before(haproxy.runtime_api(), Lines).await?;
    let scene = Scene::with(haproxy, far, json!({"acls": ["deny.acl", "unused.acl"]})).await?;
    let stage = &scene.stage;
    let probe = stage.operator().post("/v1/backends/far:probe");
    let probed = stage.one("a probe", probe).await;
    assert!(probed.body.to_string().contains("unused.acl"), "{probed:#?}");
    let refused = scene.put(&acl_entry("e"), &json!({"acl": "unused.acl", "pattern": "x"})).await;
    assert_eq!(refused.problem(422, "backend_rejected")["/sent"], "yes");
    Ok(())
}
