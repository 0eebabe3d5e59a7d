//! Replacing a driver under load fails no call. A bad driver never replaces a good one.

mod bad_packages;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crosspoint_tests::host::{Client, Host, Options, Scene, Who, create, driver, rule, until};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

/// The version that is active.
async fn active(host: &Host) -> String {
    host.client(Who::Operator).get("/v1/drivers/firewall").await.expect(200).string("/version")
}

async fn until_active(host: &Host, version: &str) {
    until(&format!("version {version}"), async || (active(host).await == version).then_some(())).await;
}

/// How one version comes in place of the other.
#[derive(Clone, Copy, Debug)]
enum Way {
    Upload,
    Folder,
    RollBack,
    Activate,
}

impl Way {
    async fn swap(self, host: &Host, name: &str, version: &str) {
        let operator = host.client(Who::Operator);
        match self {
            Self::Upload => drop(host.load_driver(driver(name)).await),
            Self::Folder => {
                let (half, whole) = (host.drivers_folder().join("half"), host.drivers_folder().join("firewall.wasm"));
                fs::write(&half, driver(name)).unwrap();
                fs::rename(half, whole).unwrap();
            }
            Self::RollBack => drop(operator.post("/v1/drivers/firewall:rollback").await.expect(200)),
            Self::Activate => {
                let which = json!({"version": version});
                drop(operator.post("/v1/drivers/firewall:activate").json(&which).await.expect(200));
            }
        }
        until_active(host, version).await;
    }
}

/// Calls until it is over; gives how often each version answered. Any failure fails the test, and so does an answer that
/// was made by two versions.
async fn call_until_over(client: Client, name: String, over: Arc<AtomicBool>) -> [usize; 2] {
    let mut answered = [0; 2];
    client.put(&rule(&name)).json(&create(&name)).await.expect(201);
    while !over.load(Ordering::Relaxed) {
        client.get(&rule(&name)).await.expect(200);
        for call in [
            client.put(&rule(&name)).json(&create(&name)),
            client.patch(&rule(&name)).json(&json!({"spec": {"port": 80}})),
        ] {
            let reply = call.await.expect(200);
            let by_next = reply["/operation/driver"] == "firewall@0.2.0";
            // The next version alone tells what shadows a rule.
            assert_eq!(reply["/result/shadowed"] != Value::Null, by_next, "{reply:#?}");
            answered[usize::from(by_next)] += 1;
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_swaps_under_load_fail_no_call() {
    let options = Options { watch: true, ..Options::default() };
    let scene = Scene::with(options, json!({"mutation_concurrency": 8})).await;
    let over = Arc::<AtomicBool>::default();
    let callers: Vec<_> = (0..4)
        .map(|number| tokio::spawn(call_until_over(scene.acme(), format!("r-{number}"), Arc::clone(&over))))
        .collect();
    let ways = [Way::Folder, Way::RollBack, Way::Upload, Way::Folder, Way::Activate, Way::Upload];
    for (number, way) in ways.into_iter().cycle().take(20).enumerate() {
        let (name, version) = [("firewall-next", "0.2.0"), ("firewall", "0.1.0")][number % 2];
        way.swap(&scene.host, name, version).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut answered = [0; 2];
    for caller in callers {
        let [before, after] = caller.await.unwrap();
        answered = [answered[0] + before, answered[1] + after];
    }
    assert!(answered.iter().all(|count| *count > 0), "both versions served: {answered:?}");
}

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
    assert_eq!(active(&scene.host).await, "0.2.0");
    Way::RollBack.swap(&scene.host, "firewall", "0.1.0").await;
    scene.created("a").await;
    scene.host.restart().await;
    assert_eq!(active(&scene.host).await, "0.1.0");
    scene.acme().get(&rule("a")).await.expect(200);
}

/// The folder still holds the version that was rolled back from.
#[tokio::test]
async fn a_restart_does_not_undo_a_roll_back() {
    let mut scene = Scene::with(Options { watch: true, ..Options::default() }, json!({})).await;
    Way::Folder.swap(&scene.host, "firewall-next", "0.2.0").await;
    Way::RollBack.swap(&scene.host, "firewall", "0.1.0").await;
    scene.host.restart().await;
    scene.host.logs(&["firewall.wasm", "was active and was replaced"]).await;
    assert_eq!(active(&scene.host).await, "0.1.0");
}

#[tokio::test]
async fn a_package_can_be_loaded_first_and_activated_later() {
    let scene = Scene::start().await;
    let upload = scene.operator().post("/v1/drivers?activate=false").bytes("application/wasm", driver("firewall-next"));
    let kept = upload.await.expect(201);
    assert_eq!((&kept["/activated"], &kept["/version"]), (&json!(false), &json!("0.1.0")));
    let digest = json!({"digest": kept["/package/digest"]});
    scene.operator().post("/v1/drivers/firewall:activate").json(&digest).await.expect(200);
    assert_eq!(active(&scene.host).await, "0.2.0");
}
