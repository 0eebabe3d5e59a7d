//! SIGTERM: calls under way end, new ones are not taken, nothing is left in doubt.

use crosspoint_tests::host::{Events, Scene, create, rule};
use firewall_appliance::Moment;

#[tokio::test]
async fn a_call_under_way_ends_and_new_connections_are_refused() {
    let mut scene = Scene::start().await;
    scene.appliance.hold(Moment::AfterEffect);
    let held = tokio::spawn(scene.acme().put(&rule("a")).json(&create("a")).attempt());
    scene.appliance.took_effect(1).await;
    scene.host.terminate();
    scene.host.logs(&["draining", "calls=1"]).await;
    let late = crosspoint_tests::host::until("the door to be closed", async || {
        scene.acme().get("/livez").attempt().await.err()
    });
    let late = late.await;
    assert!(late.contains("Connect"), "{late}");
    scene.appliance.release();
    held.await.unwrap().unwrap().expect(201);
    assert_eq!(scene.host.ended().await, Some(0));
    scene.host.logs(&["stopped"]).await;

    scene.host.restart().await;
    assert_eq!(scene.operations("unknown").await.len(), 0);
    assert_eq!(scene.mapping("a").await["state"], "active");
}

#[tokio::test]
async fn followers_of_events_do_not_keep_the_process_from_ending() {
    let mut scene = Scene::start().await;
    let mut events = Events::after(&scene.acme(), 0).await;
    let started = std::time::Instant::now();
    assert_eq!(scene.host.stop().await, Some(0));
    // The grace is twenty seconds; nobody was waited for.
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    assert_eq!(events.take_to_end().await.len(), 0);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_leaves_the_truth_behind() {
    let mut scene = Scene::start().await;
    scene.appliance.hold(Moment::AfterEffect);
    let held = tokio::spawn(scene.acme().put(&rule("a")).json(&create("a")).attempt());
    scene.appliance.took_effect(1).await;
    scene.host.terminate();
    scene.host.logs(&["draining"]).await;
    scene.host.terminate();
    assert_eq!(scene.host.ended().await, Some(1));
    assert!(held.await.unwrap().is_err());
    scene.appliance.release();
    scene.host.restart().await;
    assert_eq!(scene.operation("unknown").await["cmp_id"], "a");
}
