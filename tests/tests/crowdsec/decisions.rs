//! What is particular to decisions and alerts.

use anyhow::Result;
use crosspoint_tests::host::until;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_bouncer_is_told_of_a_decision_until_it_is_deleted() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, crowdsec } = &scene;
    scene.decide("d", &ban("198.51.100.7")).await;
    let range = json!({"scope": "Range", "value": "203.0.113.0/24", "type": "captcha", "duration": "1h30m"});
    scene.decide("r", &range).await;
    assert_eq!(crowdsec.enforced("198.51.100.7").await?, ["ban"]);
    assert_eq!(crowdsec.enforced("203.0.113.77").await?, ["captcha"]);
    assert!(crowdsec.enforced("198.51.100.8").await?.is_empty());

    stage.one("a deletion", stage.acme().delete(&decision("d"))).await.expect(200);
    assert!(crowdsec.enforced("198.51.100.7").await?.is_empty());
    assert_eq!(crowdsec.enforced("203.0.113.77").await?, ["captcha"], "the other one stays");
    Ok(())
}

#[tokio::test]
async fn two_decisions_with_the_same_reason_end_apart() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, crowdsec } = &scene;
    scene.decide("a", &ban("198.51.100.1")).await;
    scene.decide("b", &ban("198.51.100.2")).await;
    stage.one("a deletion", stage.acme().delete(&decision("a"))).await.expect(200);
    assert!(crowdsec.enforced("198.51.100.1").await?.is_empty());
    assert_eq!(crowdsec.enforced("198.51.100.2").await?, ["ban"]);
    Ok(())
}

#[tokio::test]
async fn a_decision_starts_when_crowdsec_hears_of_it_and_is_not_found_once_it_is_over() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let stage = &scene.stage;
    let mut brief = ban("198.51.100.7");
    brief["duration"] = json!("2s");
    scene.decide("d", &brief).await;
    assert_eq!(scene.crowdsec.enforced("198.51.100.7").await?, ["ban"]);
    let over = until("the decision to be over", async || {
        let read = stage.one("a read", stage.acme().get(&decision("d"))).await;
        (read.status != 200).then_some(read)
    });
    over.await.problem(404, "backend_not_found");
    assert!(scene.crowdsec.enforced("198.51.100.7").await?.is_empty());
    // What the caller wants gone is gone.
    stage.one("a deletion", stage.acme().delete(&decision("d"))).await.expect(200);
    Ok(())
}

#[tokio::test]
async fn a_ban_by_hand_is_listed_adopted_and_ended() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, crowdsec } = &scene;
    scene.decide("ours", &ban("198.51.100.1")).await;
    crowdsec.ban_by_hand("198.51.100.2").await?;
    crowdsec.ban_by_hand("198.51.100.3").await?;
    let list = stage.acme().get("/v1/backends/far/objects/decision");
    let listed = stage.one("a list", list).await.expect(200);
    assert_eq!(listed.items().len(), 1, "a tenant sees its own: {listed:#?}");
    let listed =
        stage.one("a list", stage.operator().get("/v1/backends/far/objects/decision?tenant=acme")).await.expect(200);
    let theirs = listed.items().iter().find(|item| item["result"]["value"] == "198.51.100.2");
    let theirs = theirs.unwrap_or_else(|| panic!("it is not listed: {listed:#?}"));
    assert_eq!((&theirs["result"]["reason"], &theirs["result"]["origin"]), (&json!("by hand"), &json!("cscli")));
    let (alert, own) = (&theirs["result"]["alert"], &theirs["result"]["decision"]);
    assert_eq!(theirs["backend_id"], format!("{alert}/{own}"));

    let adopt = stage.operator().post(&(decision("theirs") + ":adopt?tenant=acme"));
    let adopt = adopt.json(&json!({"backend_id": theirs["backend_id"]}));
    stage.one("an adoption", adopt).await.expect(200);
    stage.one("a read", stage.acme().get(&decision("theirs"))).await.expect(200);
    stage.one("a deletion", stage.acme().delete(&decision("theirs"))).await.expect(200);
    assert!(crowdsec.enforced("198.51.100.2").await?.is_empty());
    assert_eq!(crowdsec.enforced("198.51.100.3").await?, ["ban"], "it had the same reason");
    Ok(())
}

#[tokio::test]
async fn all_decisions_about_an_address_end_with_one_action() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Scene { stage, crowdsec } = &scene;
    scene.decide("ban", &ban("198.51.100.1")).await;
    let mut captcha = ban("198.51.100.1");
    captcha["type"] = json!("captcha");
    scene.decide("captcha", &captcha).await;
    scene.decide("other", &ban("198.51.100.2")).await;
    crowdsec.ban_by_hand("198.51.100.1").await?;

    let act = |key: &str, spec: Value| {
        stage
            .operator()
            .post("/v1/backends/far/actions/delete-decisions?tenant=acme")
            .key(key)
            .json(&json!({"spec": spec}))
    };
    let captchas = act("1", json!({"value": "198.51.100.1", "type": "captcha"}));
    let ended = stage.one("an action", captchas).await.expect(200);
    assert_eq!(ended["/result"], json!({"deleted": 1}));
    assert_eq!(crowdsec.enforced("198.51.100.1").await?.len(), 2);
    let ended = stage.one("an action", act("2", json!({"value": "198.51.100.1"}))).await.expect(200);
    assert_eq!(ended["/result"], json!({"deleted": 2}));
    assert!(crowdsec.enforced("198.51.100.1").await?.is_empty());
    assert_eq!(crowdsec.enforced("198.51.100.2").await?, ["ban"]);
    let wrong = stage.none("an action", act("3", json!({"value": "everything"}))).await;
    wrong.problem(422, "invalid_spec");
    Ok(())
}

#[tokio::test]
async fn the_alert_of_a_decision_is_adopted_read_listed_and_deleted() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let stage = &scene.stage;
    let made = scene.decide("d", &ban("198.51.100.7")).await;
    let id = made.string("/mapping/backend_id");
    let listed =
        stage.one("a list", stage.operator().get("/v1/backends/far/objects/alert?tenant=acme")).await.expect(200);
    assert_eq!(listed.items().iter().map(|item| &item["backend_id"]).collect::<Vec<_>>(), [&json!(id)]);

    let adopt = stage.operator().post(&(alert("a") + ":adopt?tenant=acme")).json(&json!({"backend_id": id}));
    stage.one("an adoption", adopt).await.expect(200);
    let read = stage.one("a read", stage.acme().get(&alert("a"))).await.expect(200);
    assert_eq!((&read["/result/machine_id"], &read["/result/source/value"]), (&json!(MACHINE), &json!("198.51.100.7")));
    let create = stage.acme().put(&alert("b")).json(&json!({"spec": {}}));
    stage.none("a creation", create).await.problem(405, "unsupported_verb");

    stage.one("a deletion", stage.acme().delete(&decision("d"))).await.expect(200);
    stage.one("a deletion", stage.acme().delete(&alert("a"))).await.expect(200);
    let adopt = stage.operator().post(&(alert("a") + ":adopt?tenant=acme")).json(&json!({"backend_id": id}));
    stage.one("an adoption", adopt).await.problem(404, "backend_not_found");
    Ok(())
}
