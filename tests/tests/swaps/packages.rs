//! Packages on disk: those that can be activated stay, and what nobody wants any more goes.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crosspoint_tests::host::{Options, Scene, VERSIONS, Way, driver, rule, until};
use serde_json::json;

/// Makes every package on disk ten days old.
fn age(scene: &Scene) {
    for entry in fs::read_dir(scene.host.data().join("packages")).unwrap() {
        let then = SystemTime::now() - Duration::from_hours(240);
        File::open(entry.unwrap().path()).unwrap().set_modified(then).unwrap();
    }
}

fn kept(scene: &Scene) -> usize {
    fs::read_dir(scene.host.data().join("packages")).unwrap().count()
}

#[tokio::test]
async fn a_package_that_no_driver_has_is_removed_after_a_week_and_no_other() {
    let mut scene = Scene::start().await;
    scene.created("a").await;
    Way::Upload.swap(&scene.host, VERSIONS[1]).await;
    let later = scene.operator().post("/v1/drivers?activate=false").bytes("application/wasm", driver("hostile"));
    let later = later.await.expect(201);
    scene.host.restart().await;
    assert_eq!(kept(&scene), 3, "what was loaded for later is there");
    let digest = json!({"digest": later["/package/digest"]});
    scene.operator().post("/v1/drivers/hostile:activate").json(&digest).await.expect(200);
    age(&scene);
    scene.host.restart().await;
    assert_eq!(kept(&scene), 3, "what is or was active stays, however old");

    scene.operator().delete("/v1/drivers/hostile").await.expect(204);
    assert_eq!(kept(&scene), 2, "what was removed goes");
    Way::RollBack.swap(&scene.host, VERSIONS[0]).await;
    scene.acme().get(&rule("a")).await.expect(200);
    scene.operator().post("/v1/drivers?activate=false").bytes("application/wasm", driver("neutron")).await.expect(201);
    assert_eq!(kept(&scene), 3);
    age(&scene);
    scene.host.restart().await;
    assert_eq!(kept(&scene), 2, "what nobody activated goes");
    scene.acme().get(&rule("a")).await.expect(200);
}

#[tokio::test]
async fn a_package_that_was_lost_is_taken_from_the_folder_again() {
    let mut scene = Scene::with(Options { watch: true, ..Options::default() }, json!({})).await;
    scene.created("a").await;
    Way::Folder.swap(&scene.host, VERSIONS[1]).await;
    scene.host.stop().await;
    fs::remove_dir_all(scene.host.data().join("packages")).unwrap();
    scene.host.restart().await;
    until("the driver to be back", async || (scene.acme().get(&rule("a")).await.status == 200).then_some(())).await;
    assert_eq!(scene.host.active().await, "0.2.0");
}
