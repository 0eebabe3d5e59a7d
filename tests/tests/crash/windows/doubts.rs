//! The windows while a doubt is being ended, and while it is found at the start.

use crosspoint::failpoint::FailPoint;
use crosspoint_tests::host::{Call, Client, Options, Scene, create, rule};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

use super::{Scope, arm, die, points};

fn creation(client: &Client) -> Call {
    client.put(&rule("a")).key("k").json(&create("a"))
}

fn update(client: &Client) -> Call {
    client.patch(&rule("b")).key("l").json(&json!({"spec": {"port": 80}}))
}

/// A creation and an update whose replies were lost at this moment.
async fn in_doubt(moment: Moment) -> Scene {
    let scene = Scene::impatient().await;
    scene.created("b").await;
    for call in [creation, update] {
        scene.appliance.arm(Fault { drop: Some(moment), ..Fault::default() });
        call(&scene.acme()).await.problem(502, "backend_connection_lost");
    }
    scene
}

async fn doubt_about(scene: &Scene, cmp_id: &str) -> Value {
    let unknown = scene.operations("unknown").await;
    unknown.into_iter().find(|operation| operation["cmp_id"] == cmp_id).expect("it is still in doubt")
}

#[tokio::test]
async fn a_doubt_survives_a_crash_in_every_window_of_its_end() {
    for point in points(Scope::Doubt) {
        match point {
            FailPoint::DoubtRead => asked_and_not_recorded(point).await,
            FailPoint::ReissueRecorded => sent_again(point, 0).await,
            FailPoint::ReissueOver => sent_again(point, 1).await,
            _ => panic!("{point:?} is to be added here"),
        }
    }
    sent_again(FailPoint::EntriesLogged, 0).await;
    sent_again(FailPoint::EntriesApplied, 0).await;
}

async fn asked_and_not_recorded(point: FailPoint) {
    let mut scene = in_doubt(Moment::AfterEffect).await;
    let effects = scene.appliance.effects();
    let before = doubt_about(&scene, "a").await;
    arm(&mut scene, point, 1).await;
    die(creation(&scene.acme()), &mut scene, point).await.unwrap_err();
    assert_eq!(doubt_about(&scene, "a").await, before);
    assert_eq!(scene.resolve(&before).await.expect(200)["/operation/state"], "succeeded");

    let before = doubt_about(&scene, "b").await;
    scene.resolve_after_deadline(&before).await.expect(200);
    assert_eq!((scene.appliance.effects(), scene.appliance.rules().len()), (effects, 2));
}

/// Sent once more or not: the doubt is what it was, and the same call ends it.
async fn sent_again(point: FailPoint, effects: usize) {
    let mut scene = in_doubt(Moment::BeforeEffect).await;
    let before = scene.appliance.effects();
    arm(&mut scene, point, 1).await;
    die(update(&scene.acme()), &mut scene, point).await.unwrap_err();
    assert_eq!(scene.appliance.effects() - before, effects, "{point:?}");
    let doubt = doubt_about(&scene, "b").await;
    assert_eq!(doubt["problem"]["code"], "backend_connection_lost", "{point:?}: {doubt:#}");

    let again = update(&scene.acme()).await.expect(200);
    assert_eq!(again["/operation/resolution/by"], "reissue", "{again:#?}");
    assert_eq!(scene.appliance.effects() - before, effects + 1, "{point:?}");
    assert_eq!(update(&scene.acme()).await.expect(200).header("idempotency-replayed"), Some("true"));
}

/// The start after a crash may itself crash, when some of the calls that were under way are marked and others are not.
#[tokio::test]
async fn a_crash_while_doubts_are_being_marked_leaves_none_unmarked() {
    let points: Vec<_> = points(Scope::Start).collect();
    assert_eq!(points, [FailPoint::DoubtMarked]);
    let limits = json!({"mutation_concurrency": 3, "connect_timeout_ms": 500, "reply_timeout_ms": 500});
    let mut scene = Scene::with(Options::default(), limits).await;
    scene.appliance.hold(Moment::AfterEffect);
    let callers: Vec<_> =
        ["a", "b", "c"].map(|name| tokio::spawn(scene.acme().put(&rule(name)).json(&create(name)).attempt())).into();
    scene.appliance.took_effect(3).await;
    scene.host.kill().await;
    scene.appliance.release();
    for caller in callers {
        caller.await.unwrap().unwrap_err();
    }
    for passage in ["1", "2"] {
        scene.host.set_environment(&[("CROSSPOINT_FAILPOINT", &format!("doubt-marked:{passage}"))]);
        let log = scene.host.try_restart().await.unwrap_err();
        assert!(log.contains("ends at its fail point"), "{log}");
    }
    scene.host.set_environment(&[]);
    scene.host.restart().await;
    let unknown = scene.operations("unknown").await;
    assert_eq!((unknown.len(), scene.operations("open").await.len()), (3, 0));
    for operation in unknown {
        assert_eq!(scene.resolve(&operation).await.expect(200)["/operation/state"], "succeeded");
    }
    assert_eq!(scene.appliance.rules().len(), 3);
}
