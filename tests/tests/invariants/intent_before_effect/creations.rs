use crosspoint_tests::host::{Call, Client, Events, Scene, create, rule, until};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

use super::{held, killed_while_held};

fn creation(client: &Client) -> Call {
    client.put(&rule("a")).key("k").json(&create("a"))
}

#[tokio::test]
async fn while_the_appliance_works_the_intent_is_on_record() {
    let scene = Scene::start().await;
    let mut events = Events::of(scene.acme().get("/v1/events")).await;
    let pending = held(&scene, Moment::BeforeEffect, "POST", creation(&scene.acme())).await;

    let open = scene.operation("open").await;
    for (member, value) in [
        ("tenant", json!("acme")),
        ("backend", json!("fw")),
        ("kind", json!("rule")),
        ("cmp_id", json!("a")),
        ("verb", json!("create")),
        ("caller", json!("acme")),
        ("driver", json!("firewall@0.1.0")),
        ("idempotency_key", json!("k")),
        ("finished_at", Value::Null),
        ("problem", Value::Null),
    ] {
        assert_eq!(open[member], value, "{member}: {open:#}");
    }
    let mapping = scene.mapping("a").await;
    assert_eq!((&mapping["state"], &mapping["backend_id"]), (&json!("creating"), &Value::Null));
    assert_eq!(mapping["operation"], open["id"]);
    assert_eq!(events.next().await.unwrap().told(), "mapping.creating a");

    scene.appliance.release();
    let made = pending.await.unwrap().unwrap().expect(201);
    assert_eq!(made["/operation/id"], open["id"]);
    // Outcome and mapping are one event, because they are one entry.
    assert_eq!(events.next().await.unwrap().told(), "mapping.active a");
}

/// Row "sent, no reply".
#[tokio::test]
async fn a_creation_that_took_place_before_the_crash_is_found_and_adopted() {
    let mut scene = Scene::start().await;
    let call = creation(&scene.acme());
    killed_while_held(&mut scene, Moment::AfterEffect, "POST", call).await;

    let unknown = scene.operation("unknown").await;
    assert_eq!((&unknown["sent"], &unknown["problem"]["code"]), (&json!("maybe"), &json!("interrupted")));
    assert_eq!(scene.mapping("a").await["state"], "unknown");

    let resolved = scene.resolve(&unknown).await.success();
    assert_eq!(
        (&resolved["/operation/state"], &resolved["/operation/resolution/by"]),
        (&json!("succeeded"), &json!("find"))
    );
    assert_eq!((&resolved["/mapping/state"], &resolved["/mapping/backend_id"]), (&json!("active"), &json!("rule-1")));
    assert_eq!(scene.appliance.rules().len(), 1);
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 1);
    assert_eq!(scene.appliance.requests().len(), 2);
}

#[tokio::test]
async fn the_same_call_again_adopts_what_the_first_one_made() {
    let mut scene = Scene::start().await;
    let call = creation(&scene.acme());
    killed_while_held(&mut scene, Moment::AfterEffect, "POST", call).await;

    let again = creation(&scene.acme()).await.success();
    assert_eq!((&again["/mapping/backend_id"], &again["/operation/resolution/by"]), (&json!("rule-1"), &json!("find")));
    let third = creation(&scene.acme()).await.success();
    assert_eq!(third.header("idempotency-replayed"), Some("true"));
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 1);
    assert_eq!(scene.appliance.requests().len(), 2);
}

/// "Not found" is believed only after the first call's deadline: the dead process's request may still land.
#[tokio::test]
async fn a_creation_that_did_not_take_place_is_in_doubt_until_its_deadline_and_then_not_executed() {
    let mut scene = Scene::impatient().await;
    let call = creation(&scene.acme());
    killed_while_held(&mut scene, Moment::BeforeEffect, "POST", call).await;

    let doubted = creation(&scene.acme()).await.problem(409, "in_doubt");
    assert_eq!((&doubted["/retryable"], &doubted["/sent"]), (&json!(true), &json!("maybe")));
    assert!(doubted.header("retry-after").is_some(), "{doubted:#?}");
    assert_eq!(scene.mapping("a").await["state"], "unknown");

    let decided = until("the deadline to pass", async || {
        let reply = creation(&scene.acme()).await;
        (reply["/code"] != "in_doubt").then_some(reply)
    });
    let decided = decided.await.problem(409, "not_executed");
    assert_eq!((&decided["/sent"], &decided["/retryable"]), (&json!("no"), &json!(true)));
    assert_eq!(scene.mapping("a").await, Value::Null);

    creation(&scene.acme()).await.expect(201);
    assert_eq!(scene.appliance.rules().len(), 1);
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 2);
}

/// A request that the first process sent lands after the second one has looked in vain.
#[tokio::test]
async fn a_creation_that_lands_late_is_still_found() {
    let scene = Scene::impatient().await;
    scene.appliance.arm(Fault {
        hold: Some(Moment::BeforeEffect),
        path: Some("/api/v1/rules".into()),
        ..Fault::default()
    });
    let gateway = super::nowhere::Courier::to(&scene.appliance).await;
    scene.host.put_backend("fw", &gateway.settings()).await;
    creation(&scene.acme()).await.problem(504, "backend_timeout");

    creation(&scene.acme()).await.problem(409, "in_doubt");
    scene.appliance.release();
    scene.appliance.took_effect(1).await;
    let adopted = creation(&scene.acme()).await.success();
    assert_eq!(adopted["/mapping/backend_id"], "rule-1");
    assert_eq!(scene.appliance.rules().len(), 1);
}

/// Row "outcome committed, reply lost", and everything around it: wherever the kill falls, one rule comes of it.
#[tokio::test]
async fn whenever_the_kill_falls_the_same_call_again_makes_one_rule_in_all() {
    for polls in [0, 1, 2, 4, 8, 16] {
        let mut scene = Scene::start().await;
        let pending = held(&scene, Moment::AfterEffect, "POST", creation(&scene.acme())).await;
        scene.appliance.release();
        // Each look gives the outcome a little more time to be decoded, recorded and answered.
        for _ in 0..polls {
            scene.mapping("a").await;
        }
        scene.host.kill().await;
        let first = pending.await.unwrap();
        scene.host.restart().await;

        let again = creation(&scene.acme()).await.success();
        assert_eq!(again["/mapping/backend_id"], "rule-1");
        if first.is_ok() {
            assert_eq!(again.header("idempotency-replayed"), Some("true"), "what was acknowledged is remembered");
        }
        assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 1, "after {polls} looks");
    }
}

#[tokio::test]
async fn an_outcome_on_record_outlives_the_crash_before_its_answer() {
    let mut scene = Scene::start().await;
    creation(&scene.acme()).await.expect(201);
    scene.host.restart().await;
    let replayed = creation(&scene.acme()).await.success();
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(replayed["/mapping/backend_id"], "rule-1");
    assert_eq!(scene.appliance.requests().len(), 1);
}
