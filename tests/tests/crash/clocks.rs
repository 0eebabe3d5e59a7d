//! Clocks that are set, forwards and backwards by hours, while calls are in doubt and between restarts.

use std::time::{Duration, Instant};

use crosspoint_tests::faketime::Faketime;
use crosspoint_tests::host::{Scene, create, rule};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

/// How long after its intent a call of [`Scene::impatient`] may take effect.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A scene that runs by this clock.
async fn by_the_clock(clock: &Faketime) -> Scene {
    let mut scene = Scene::impatient().await;
    let environment = clock.environment().unwrap();
    scene.host.set_environment(&environment.each_ref().map(|(name, value)| (*name, value.as_str())));
    scene.host.restart().await;
    scene
}

/// A creation that the appliance never does, in doubt; and the moment before it was asked for.
async fn lost(scene: &Scene, name: &str) -> (Value, Instant) {
    let asked = Instant::now();
    scene.appliance.arm(Fault { drop: Some(Moment::BeforeEffect), ..Fault::default() });
    scene.acme().put(&rule(name)).json(&create(name)).await.problem(502, "backend_connection_lost");
    (scene.operation("unknown").await, asked)
}

#[tokio::test]
async fn a_clock_that_jumps_does_not_end_a_doubt_too_early_nor_never() {
    let Some(clock) = Faketime::start().unwrap() else { return };
    let mut scene = by_the_clock(&clock).await;
    for (name, jump, restarts) in
        [("a", "+3h", false), ("b", "-3h", false), ("c", "+7h", true), ("d", "-5h", true), ("e", "+0", true)]
    {
        let (operation, asked) = lost(&scene, name).await;
        clock.set(jump).unwrap();
        let mut since = asked;
        if restarts {
            scene.host.kill().await;
            since = Instant::now();
            scene.host.restart().await;
            assert_eq!(scene.operation("unknown").await, operation);
        }
        let resolved = scene.resolve_after_deadline(&operation).await.expect(200);
        assert_eq!(resolved["/operation/problem/code"], "not_executed", "{name}");
        assert!(since.elapsed() >= PATIENCE, "{name}, {jump}: believed after {:?}", since.elapsed());
        scene.created(name).await;
    }
    assert_eq!(scene.appliance.rules().len(), 5);
}

/// Whatever the clock does, what happens later has the later time and the later id, so lists stay in order.
#[tokio::test]
async fn a_clock_that_jumps_does_not_turn_the_order_of_records_round() {
    let Some(clock) = Faketime::start().unwrap() else { return };
    let mut scene = by_the_clock(&clock).await;
    let mut names = Vec::new();
    for (nth, jump) in ["+0", "+4h", "-4h", "+1h", "-2h"].into_iter().enumerate() {
        clock.set(jump).unwrap();
        for restarts in [false, true] {
            if restarts {
                scene.host.restart().await;
            }
            names.push(format!("r-{nth}-{restarts}"));
            scene.created(names.last().unwrap()).await;
        }
    }
    let operations = scene.acme().get("/v1/operations?limit=1000").await.expect(200);
    let member = |member: &str| {
        let values = operations.items().iter().rev().map(|operation| operation[member].as_str().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    assert_eq!(member("cmp_id"), names, "the latest comes first");
    assert!(member("id").is_sorted() && member("started_at").is_sorted(), "{operations:#?}");
    let (started, finished) = (member("started_at"), member("finished_at"));
    assert!(started.iter().zip(&finished).all(|(started, finished)| started <= finished), "{operations:#?}");
    let ahead = scene.mapping(&names[9]).await;
    assert!(ahead["updated_at"].as_str() > Some(started[0].as_str()), "{ahead:#}");
}

/// A key is a promise for a day by the time that has really passed.
#[tokio::test]
async fn a_clock_that_jumps_does_not_forget_an_idempotency_key() {
    let Some(clock) = Faketime::start().unwrap() else { return };
    let mut scene = by_the_clock(&clock).await;
    let commit = || scene.acme().post("/v1/backends/fw/actions/commit").key("k");
    commit().await.expect(200);
    for jump in ["+20h", "-20h"] {
        clock.set(jump).unwrap();
        assert_eq!(commit().await.expect(200).header("idempotency-replayed"), Some("true"), "{jump}");
    }
    scene.host.restart().await;
    let again = scene.acme().post("/v1/backends/fw/actions/commit").key("k").await.expect(200);
    assert_eq!(again["/result"], json!({"commit": 1}));
    assert_eq!(scene.appliance.count("POST", "/api/v1/commit"), 1);
}
