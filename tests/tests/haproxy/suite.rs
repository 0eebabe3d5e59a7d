//! What every driver has to show.

use anyhow::Result;
use crosspoint_tests::suite::Subject;
use serde_json::json;

use super::Scene;

fn acl_entries() -> Subject {
    Subject::of("acl-entry", |n| json!({"acl": "deny.acl", "pattern": format!("198.51.100.{n}")}))
        .bad(json!({"pattern": ""}), "/pattern")
        .bad(json!({"pattern": "1.2.3.4\nclear acl deny.acl"}), "/pattern")
        .bad(json!({"pattern": "#1"}), "/pattern")
        .bad(json!({"acl": "unused.acl"}), "/acl")
        .refused(json!({"pattern": "nonsense"}), 422, "invalid_spec")
}

fn map_entries() -> Subject {
    Subject::of("map-entry", |n| json!({"map": "paths.map", "key": format!("/suite/{n}"), "value": "block"}))
        .replacing(|n| json!({"map": "paths.map", "key": format!("/suite/{n}"), "value": "let pass"}))
        .patching(json!({"value": "think; about it"}))
        .bad(json!({"key": "/a b"}), "/key")
        .bad(json!({"value": "a\nb"}), "/value")
        .bad(json!({"map": "deny.acl"}), "/map")
        .bad_patch(json!({"value": ""}), "/value")
        .bad_patch(json!({"value": "a", "key": "/x"}), "")
}

#[tokio::test]
async fn an_entry_of_an_acl_lives_its_life_with_one_exchange_a_call() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.life(&acl_entries()).await;
    Ok(())
}

#[tokio::test]
async fn an_entry_of_a_map_lives_its_life_with_one_exchange_a_call() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.life(&map_entries()).await;
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.refusals(&acl_entries()).await;
    scene.stage.refusals(&map_entries()).await;
    Ok(())
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.troubles(&acl_entries()).await;
    scene.stage.troubles(&map_entries()).await;
    Ok(())
}

#[tokio::test]
async fn doubt_ends_with_one_exchange_that_is_made_again() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.doubt(&acl_entries()).await;
    scene.stage.doubt(&map_entries()).await;
    Ok(())
}
