//! The windows of a change of a driver or of a backend.

use crosspoint::failpoint::FailPoint;
use crosspoint_tests::host::{Call, Scene, create, driver, rule, settings};
use serde_json::json;

use super::{Scope, arm, die, points};

fn load(scene: &Scene, name: &str) -> Call {
    scene.operator().post("/v1/drivers").bytes("application/wasm", driver(name))
}

async fn version(scene: &Scene) -> String {
    scene.operator().get("/v1/drivers/firewall").await.expect(200).string("/version")
}

#[tokio::test]
async fn a_change_of_drivers_and_backends_is_whole_or_absent_after_a_crash_in_every_window() {
    for point in points(Scope::Administration) {
        let mut scene = Scene::start().await;
        scene.created("a").await;
        arm(&mut scene, point, 1).await;
        match point {
            FailPoint::PackageKept => {
                die(load(&scene, "firewall-next"), &mut scene, point).await.unwrap_err();
                assert_eq!(version(&scene).await, "0.1.0");
                load(&scene, "firewall-next").await.expect(201);
                assert_eq!(version(&scene).await, "0.2.0");
            }
            FailPoint::DriverRecorded => {
                die(load(&scene, "firewall-next"), &mut scene, point).await.unwrap_err();
                assert_eq!(version(&scene).await, "0.2.0");
                load(&scene, "neutron").await.expect(201);
                arm(&mut scene, point, 1).await;
                die(scene.operator().delete("/v1/drivers/neutron"), &mut scene, point).await.unwrap_err();
                scene.operator().get("/v1/drivers/neutron").await.problem(404, "unknown_driver");
            }
            FailPoint::BackendRecorded => {
                let other = scene.operator().put("/v1/backends/other").json(&settings(&scene.appliance.url()));
                die(other, &mut scene, point).await.unwrap_err();
                let path = rule("b").replace("/fw/", "/other/");
                scene.acme().put(&path).json(&create("b")).await.expect(201);
                scene.acme().delete(&path).await.expect(200);
                arm(&mut scene, point, 1).await;
                die(scene.operator().delete("/v1/backends/other"), &mut scene, point).await.unwrap_err();
                scene.operator().get("/v1/backends/other").await.problem(404, "unknown_backend");
            }
            _ => panic!("{point:?} is to be added here"),
        }
        assert_eq!(scene.acme().get(&rule("a")).await.expect(200)["/result/name"], json!("a"), "{point:?}");
    }
}
