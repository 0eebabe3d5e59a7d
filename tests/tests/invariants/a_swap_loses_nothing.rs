//! Replacing a driver under load fails no call (a hundred times over: `tests/swaps`). A bad driver never replaces a good
//! one.

mod bad_packages;

use crosspoint_tests::host::{Options, Scene, VERSIONS, Way, create, driver, rule, until};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

#[tokio::test]
async fn a_call_ends_on_the_version_that_it_began_on() {
    let scene = Scene::start().await;
    scene.appliance.hold(Moment::AfterEffect);
    let held = tokio::spawn(scene.acme().put(&rule("a")).json(&create("a")).attempt());
    scene.appliance.took_effect(1).await;
    scene.host.load_driver(driver("firewall-next")).await;
    let shown = scene.operator().get("/v1/drivers/firewall").await.expect(200);
    assert_eq!((&shown["/version"], &shown["/draining/0/version"]), (&json!("0.2.0"), &json!("0.1.0")));
    assert_eq!(shown["/draining/0/calls_in_flight"], 1);
    scene.appliance.release();
    let made = held.await.unwrap().unwrap().expect(201);
    assert_eq!((&made["/operation/driver"], &made["/result/shadowed"]), (&json!("firewall@0.1.0"), &Value::Null));
    until("the old version to go", async || {
        let shown = scene.operator().get("/v1/drivers/firewall").await.expect(200);
        shown["/draining"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
    let read = scene.acme().get(&rule("a")).await.expect(200);
    assert_eq!(read["/result/shadowed"], false);
}

#[tokio::test]
async fn doubt_that_one_version_left_is_ended_by_the_next() {
    let scene = Scene::start().await;
    scene.appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    scene.acme().put(&rule("a")).json(&create("a")).await.expect(502);
    scene.host.load_driver(driver("firewall-next")).await;
    let unknown = scene.operation("unknown").await;
    let resolved = scene.resolve(&unknown).await.success();
    assert_eq!((&resolved["/mapping/state"], &resolved["/result/shadowed"]), (&json!("active"), &json!(false)));
}

#[tokio::test]
async fn the_version_that_was_active_is_active_after_a_crash_and_can_be_rolled_back() {
    let mut scene = Scene::start().await;
    scene.host.load_driver(driver("firewall-next")).await;
    scene.host.restart().await;
    assert_eq!(scene.host.active().await, "0.2.0");
    Way::RollBack.swap(&scene.host, VERSIONS[0]).await;
    scene.created("a").await;
    scene.host.restart().await;
    assert_eq!(scene.host.active().await, "0.1.0");
    scene.acme().get(&rule("a")).await.expect(200);
}

/// The folder still holds the version that was rolled back from.
#[tokio::test]
async fn a_restart_does_not_undo_a_roll_back() {
    let mut scene = Scene::with(Options { watch: true, ..Options::default() }, json!({})).await;
    Way::Folder.swap(&scene.host, VERSIONS[1]).await;
    Way::RollBack.swap(&scene.host, VERSIONS[0]).await;
    scene.host.restart().await;
    scene.host.logs(&["firewall.wasm", "was active and was replaced"]).await;
    assert_eq!(scene.host.active().await, "0.1.0");
}

#[tokio::test]
async fn a_package_can_be_loaded_first_and_activated_later() {
    let scene = Scene::start().await;
    let upload = scene.operator().post("/v1/drivers?activate=false").bytes("application/wasm", driver("firewall-next"));
    let kept = upload.await.expect(201);
    assert_eq!((&kept["/activated"], &kept["/version"]), (&json!(false), &json!("0.1.0")));
    let digest = json!({"digest": kept["/package/digest"]});
    scene.operator().post("/v1/drivers/firewall:activate").json(&digest).await.expect(200);
    assert_eq!(scene.host.active().await, "0.2.0");
}
