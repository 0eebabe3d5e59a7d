//! What every driver has to show.

use anyhow::Result;
use crosspoint_tests::suite::Subject;
use serde_json::{Value, json};

use super::Scene;

/// Bans of addresses that are there for documents.
fn bans() -> Subject {
    let spec = |n: u32| json!({"scope": "Ip", "value": format!("198.51.100.{n}"), "type": "ban", "duration": "4h", "reason": format!("suite {n}")});
    // The rest of its time is what a decision shows.
    let timeless = |spec: &Value| {
        let mut shown = spec.clone();
        shown.as_object_mut().unwrap().remove("duration");
        shown
    };
    Subject::of("decision", spec)
        .showing(timeless)
        .bad(json!({"duration": "soon"}), "/duration")
        .bad(json!({"duration": "0h"}), "/duration")
        .bad(json!({"value": "198.51.100.0/24"}), "/value")
        .bad(json!({"scope": "Range"}), "/value")
        .bad(json!({"type": "tickle"}), "/type")
        .bad(json!({"reason": "x".repeat(221)}), "/reason")
}

#[tokio::test]
async fn a_decision_lives_its_life_with_one_exchange_a_call() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.life(&bans()).await;
    assert_eq!(scene.logins(), 2, "one of each backend that the suite has configured");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_decision_is_said_before_crowdsec_hears_of_it() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.refusals(&bans()).await;
    Ok(())
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.troubles(&bans()).await;
    Ok(())
}

#[tokio::test]
async fn doubt_about_a_decision_ends_with_one_exchange() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    scene.stage.doubt(&bans()).await;
    Ok(())
}
