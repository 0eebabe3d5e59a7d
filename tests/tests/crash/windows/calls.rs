//! The windows of a call that changes something.

use crosspoint::failpoint::FailPoint;
use crosspoint_tests::host::{Reply, Scene, until};
use firewall_appliance::Moment;
use serde_json::{Value, json};

use super::{Scope, arm, die, died, points};
use crate::campaign::book::{Asked, What};
use crate::campaign::doubt::decided;
use crate::campaign::truth::Truth;

/// What a crash leaves of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing: it was not recorded, and nothing was sent.
    NoTrace,
    /// Its intent, and nothing was sent.
    Intent,
    /// Its intent; the backend has done it.
    IntentAndEffect,
    /// Its outcome; nobody was told, or everybody.
    Outcome,
}

/// At which passages of a point a call dies, and what is left then. A call commits twice: its intent and its outcome.
fn windows(point: FailPoint) -> Vec<(usize, Left)> {
    match point {
        FailPoint::IntentReady => vec![(1, Left::NoTrace)],
        FailPoint::IntentRecorded => vec![(1, Left::Intent)],
        FailPoint::OutcomeRecorded => vec![(1, Left::Outcome)],
        FailPoint::EntriesLogged | FailPoint::EntriesApplied => vec![(1, Left::Intent), (2, Left::Outcome)],
        // For the checkpoint, the appliance holds the reply back until it has come.
        FailPoint::ExchangeOver | FailPoint::CheckpointWritten => vec![(1, Left::IntentAndEffect)],
        _ => panic!("{point:?} is passed by no call, or is to be added here"),
    }
}

#[tokio::test]
async fn a_creation_survives_a_crash_in_every_window() {
    every_window(What::Create, 0).await;
}

#[tokio::test]
async fn a_replacement_survives_a_crash_in_every_window() {
    every_window(What::Replace, 1).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_in_every_window() {
    every_window(What::Update, 0).await;
}

#[tokio::test]
async fn a_deletion_survives_a_crash_in_every_window() {
    every_window(What::Delete, 1).await;
}

#[tokio::test]
async fn an_action_on_an_object_survives_a_crash_in_every_window() {
    every_window(What::ResetHits, 0).await;
}

#[tokio::test]
async fn an_action_on_a_backend_survives_a_crash_in_every_window() {
    every_window(What::Commit, 1).await;
}

/// One crash in each window, each on an object of its own; then the doubts are ended, in turn by repeating the call and
/// by resolving it.
async fn every_window(what: What, turn: usize) {
    let mut scene = Scene::impatient().await;
    let windows = points(Scope::Call).flat_map(|point| windows(point).into_iter().map(move |at| (point, at.0, at.1)));
    let windows: Vec<_> = windows.enumerate().map(|(nth, window)| (asked(what, nth), window)).collect();
    for (asked, _) in windows.iter().filter(|(asked, _)| asked.before.is_some()) {
        let made = Asked { what: What::Create, key: None, after: asked.before, ..asked.clone() };
        made.request(&scene.acme()).await.expect(201);
    }
    for (asked, (point, passage, left)) in &windows {
        let effects = scene.appliance.effects();
        arm(&mut scene, *point, *passage).await;
        let reply = if *point == FailPoint::CheckpointWritten {
            die_while_held(&mut scene, *point, asked).await
        } else {
            die(asked.request(&scene.acme()), &mut scene, *point).await
        };
        assert!(reply.is_err(), "{point:?}: nobody was there to answer: {reply:#?}");
        let effect = usize::from(matches!(left, Left::IntentAndEffect | Left::Outcome));
        assert_eq!(scene.appliance.effects() - effects, effect, "{point:?}:{passage}");
        is_left(&scene, asked, *left).await;
    }
    for (nth, (asked, (point, passage, left))) in windows.iter().enumerate() {
        println!("{point:?}:{passage}, {asked:?}, {left:?}");
        match (left, (nth + turn) % 2) {
            (Left::Intent | Left::IntentAndEffect, 0) => resolved(&scene, asked, *left).await,
            _ => repeated(&scene, asked, *left).await,
        }
    }
    assert_eq!(scene.operations("unknown").await, Vec::<Value>::new());
    Truth::of(&scene).await.agrees_both_ways(&scene).await;
}

fn asked(what: What, nth: usize) -> Asked {
    let port = Some(u16::try_from(1000 + nth).unwrap());
    let (before, after) = match what {
        What::Create => (None, port),
        What::Delete => (port, None),
        What::Commit => (None, None),
        What::ResetHits | What::Read => (port, port),
        What::Replace | What::Update => (port, port.map(|port| port + 1000)),
    };
    let cmp_id = if what == What::Commit { String::new() } else { format!("r-{nth}") };
    Asked { what, cmp_id, key: Some(format!("k-{nth}")), before, after }
}

async fn die_while_held(scene: &mut Scene, point: FailPoint, asked: &Asked) -> Result<Reply, String> {
    let effects = scene.appliance.effects();
    scene.appliance.hold(Moment::AfterEffect);
    let pending = tokio::spawn(asked.request(&scene.acme()).attempt());
    scene.appliance.took_effect(effects + 1).await;
    died(scene, point).await;
    scene.appliance.release();
    pending.await.unwrap()
}

/// The operation with the call's key, if there is one.
async fn operation(scene: &Scene, asked: &Asked) -> Option<Value> {
    let operations = scene.acme().get("/v1/operations?limit=1000").await.expect(200);
    operations.items().iter().find(|operation| operation["idempotency_key"] == json!(asked.key)).cloned()
}

async fn is_left(scene: &Scene, asked: &Asked, left: Left) {
    let operation = operation(scene, asked).await;
    let mapping = scene.mapping(&asked.cmp_id).await;
    let told = format!("{asked:?}: {operation:#?}, {mapping:#}");
    let member = |member: &str| operation.as_ref().map_or(Value::Null, |operation| operation[member].clone());
    match left {
        Left::NoTrace => assert!(operation.is_none() && mapping["operation"].is_null(), "{told}"),
        Left::Intent | Left::IntentAndEffect => {
            assert_eq!((member("state"), member("sent")), (json!("unknown"), json!("maybe")), "{told}");
            assert_eq!(member("problem")["code"], "interrupted", "{told}");
            assert!(asked.what == What::Commit || mapping["state"] == "unknown", "{told}");
        }
        Left::Outcome => {
            assert_eq!((member("state"), member("sent")), (json!("succeeded"), json!("yes")), "{told}");
            assert_eq!(mapping["state"] == "active", asked.after.is_some(), "{told}");
        }
    }
}

/// The same call with the same key.
async fn repeated(scene: &Scene, asked: &Asked, left: Left) {
    let again = async || asked.request(&scene.acme()).await;
    let effects = scene.appliance.effects();
    let expected = match (left, asked.what) {
        (Left::Outcome, _) => {
            assert_eq!(again().await.success().header("idempotency-replayed"), Some("true"));
            0
        }
        (Left::NoTrace, _) => {
            assert_eq!(again().await.success()["/operation/resolution"], Value::Null);
            1
        }
        (_, What::Commit) => {
            again().await.problem(409, "not_resolvable");
            decide(scene, asked).await;
            0
        }
        (Left::Intent, What::Create) => {
            let over = async || Some(again().await).filter(|reply| reply["/code"] != "in_doubt");
            until("the deadline to pass", over).await.problem(409, "not_executed");
            assert_eq!(again().await.expect(201)["/operation/resolution"], Value::Null);
            1
        }
        (_, What::Create) => {
            assert_eq!(again().await.success()["/operation/resolution/by"], "find");
            0
        }
        (_, What::Delete) => {
            assert_eq!(again().await.success()["/operation/resolution/by"], "reissue");
            usize::from(left == Left::Intent)
        }
        _ => {
            assert_eq!(again().await.success()["/operation/resolution/by"], "reissue");
            1
        }
    };
    assert_eq!(scene.appliance.effects() - effects, expected, "{asked:?}");
    let replayed = again().await.success();
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"), "{asked:?}: {replayed:#?}");
    assert_eq!(scene.appliance.effects() - effects, expected, "{asked:?}");
}

async fn resolved(scene: &Scene, asked: &Asked, left: Left) {
    if asked.what == What::Commit {
        return decide(scene, asked).await;
    }
    let effects = scene.appliance.effects();
    let operation = operation(scene, asked).await.unwrap();
    let reply = scene.resolve_after_deadline(&operation).await.expect(200);
    let (state, by) = match (asked.what, left) {
        (What::Create, Left::Intent) => ("failed", "find"),
        (What::Create, _) => ("succeeded", "find"),
        (What::Delete, Left::Intent) => ("failed", "read"),
        (What::Delete, _) => ("succeeded", "read"),
        _ => ("observed", "read"),
    };
    assert_eq!((&reply["/operation/state"], &reply["/operation/resolution/by"]), (&json!(state), &json!(by)));
    let mapped = if left == Left::Intent { asked.before } else { asked.after };
    assert_eq!(reply["/mapping/state"] == "active", mapped.is_some(), "{reply:#?}");
    assert_eq!(scene.appliance.effects(), effects, "to look changes nothing");
}

async fn decide(scene: &Scene, asked: &Asked) {
    let operation = operation(scene, asked).await.unwrap();
    scene.resolve(&operation).await.problem(409, "not_resolvable");
    decided(scene, &operation).await;
}
