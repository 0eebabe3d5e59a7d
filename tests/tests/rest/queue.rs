//! A backend gets no more at once than it bears; who waits has left no trace yet.

use crosspoint_tests::host::{Options, Reply, Scene, create, rule, settings, until};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

fn creation(scene: &Scene, name: &str) -> JoinHandle<Result<Reply, String>> {
    tokio::spawn(scene.acme().put(&rule(name)).json(&create(name)).attempt())
}

async fn until_waiting(scene: &Scene, count: u64) {
    until(&format!("{count} calls to wait"), async || {
        let backend = scene.operator().get("/v1/backends/fw").await.expect(200);
        (backend["/lanes/1/waiting"] == count).then_some(())
    })
    .await;
}

/// Holds every creation that comes until it is released.
fn hold_creations(scene: &Scene) {
    let hold =
        Fault { hold: Some(Moment::BeforeEffect), method: Some("POST".to_owned()), times: 100, ..Fault::default() };
    scene.appliance.arm(hold);
}

#[tokio::test]
async fn mutations_go_one_at_a_time_unless_the_backend_bears_more() {
    for (limits, at_once) in [(json!({}), 1), (json!({"mutation_concurrency": 3}), 3)] {
        let scene = Scene::with(Options::default(), limits).await;
        scene.appliance.hold(Moment::BeforeEffect);
        let calls: Vec<_> = (0..5).map(|number| creation(&scene, &format!("r-{number}"))).collect();
        scene.appliance.arrived("POST", "/api/v1/rules", at_once).await;
        until_waiting(&scene, 5 - at_once as u64).await;
        assert_eq!(scene.appliance.requests().len(), at_once);
        assert_eq!(scene.operations("open").await.len(), at_once, "who waits has left no trace");
        scene.appliance.release();
        for call in calls {
            call.await.unwrap().unwrap().expect(201);
        }
        assert_eq!(scene.appliance.requests().len(), 5);
    }
}

#[tokio::test]
async fn reads_do_not_wait_behind_mutations_and_other_backends_do_not_wait_at_all() {
    let scene = Scene::start().await;
    scene.created("a").await;
    scene.host.put_backend("other", &settings(&scene.appliance.url())).await;
    hold_creations(&scene);
    let held = creation(&scene, "b");
    scene.appliance.arrived("POST", "/api/v1/rules", 2).await;
    scene.acme().get(&rule("a")).await.expect(200);
    let elsewhere = tokio::spawn(scene.acme().put("/v1/backends/other/objects/rule/c").json(&create("c")).attempt());
    scene.appliance.arrived("POST", "/api/v1/rules", 3).await;
    scene.appliance.release();
    held.await.unwrap().unwrap().expect(201);
    elsewhere.await.unwrap().unwrap().expect(201);
}

#[tokio::test]
async fn when_too_many_wait_the_next_is_refused_at_once() {
    let scene = Scene::with(Options::default(), json!({"queue": 2})).await;
    scene.appliance.hold(Moment::BeforeEffect);
    let calls: Vec<_> = (0..3).map(|number| creation(&scene, &format!("r-{number}"))).collect();
    until_waiting(&scene, 2).await;
    let refused = scene.acme().put(&rule("x")).key("k").json(&create("x")).await.problem(429, "queue_full");
    assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("no"), &json!(true)));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused["/operation_id"], Value::Null);
    scene.appliance.release();
    for call in calls {
        call.await.unwrap().unwrap().expect(201);
    }
    scene.acme().put(&rule("x")).key("k").json(&create("x")).await.expect(201);
}

#[tokio::test]
async fn who_waits_for_too_long_is_told_that_nothing_was_sent() {
    let scene = Scene::with(Options::default(), json!({"queue_timeout_ms": 200})).await;
    scene.appliance.hold(Moment::BeforeEffect);
    let held = creation(&scene, "a");
    scene.appliance.arrived("POST", "/api/v1/rules", 1).await;
    let refused = scene.acme().put(&rule("b")).json(&create("b")).await.problem(503, "queue_timeout");
    assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("no"), &json!(true)));
    scene.appliance.release();
    held.await.unwrap().unwrap().expect(201);
    assert_eq!(scene.appliance.requests().len(), 1);
}

#[tokio::test]
async fn one_call_at_a_time_changes_an_object_and_the_next_learns_which_one() {
    let scene = Scene::with(Options::default(), json!({"mutation_concurrency": 4})).await;
    scene.created("a").await;
    scene.appliance.hold(Moment::BeforeEffect);
    let held = tokio::spawn(scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 80}})).attempt());
    scene.appliance.arrived("PATCH", "/api/v1/rules/rule-1", 1).await;
    let refused = scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 81}})).await.problem(409, "object_busy");
    let open = scene.acme().get(&format!("/v1/operations/{}", refused.string("/operation_id"))).await.expect(200);
    assert_eq!((&open["/state"], &open["/cmp_id"]), (&json!("open"), &json!("a")));
    scene.appliance.release();
    held.await.unwrap().unwrap().expect(200);
    scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 81}})).await.expect(200);
}

/// Two creations of one object, both on their way before either is recorded.
#[tokio::test]
async fn of_two_creations_that_raced_for_an_object_one_is_made() {
    let scene = Scene::start().await;
    scene.appliance.hold(Moment::BeforeEffect);
    let first = creation(&scene, "other");
    scene.appliance.arrived("POST", "/api/v1/rules", 1).await;
    let racers = [creation(&scene, "a"), creation(&scene, "a")];
    until_waiting(&scene, 2).await;
    scene.appliance.release();
    first.await.unwrap().unwrap().expect(201);
    let mut statuses = Vec::new();
    for racer in racers {
        statuses.push(racer.await.unwrap().unwrap().status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(matches!(statuses[1], 409 | 412), "{statuses:?}");
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 2);
}
