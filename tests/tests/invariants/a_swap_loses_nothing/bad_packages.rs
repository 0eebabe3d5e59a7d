use std::fs;

use crosspoint_tests::host::{Options, Scene, Who, driver, rule, settings, until};
use serde_json::{Value, json};

use crate::packages;

#[tokio::test]
async fn a_bad_package_is_refused_with_the_reason_and_the_good_one_stays() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let before = scene.operator().get("/v1/drivers/firewall").await.expect(200)["/generation"].clone();
    for (what, package, reason) in packages::bad() {
        let refused = scene.operator().post("/v1/drivers").bytes("application/wasm", package).await;
        assert_eq!(refused.status, 422, "{what}: {refused:#?}");
        let refused = refused.problem(422, "driver_rejected");
        assert!(refused.string("/detail").contains(reason), "{what}: {refused:#?}");
        let shown = scene.operator().get("/v1/drivers").await.expect(200);
        assert_eq!((shown.items().len(), &shown["/items/0/generation"]), (1, &before), "{what}");
        let rejected = shown["/rejected"].as_array().unwrap().iter().any(|rejected| {
            rejected["source"] == "upload" && rejected["reason"].as_str().is_some_and(|text| text.contains(reason))
        });
        assert!(rejected, "{what}: {shown:#?}");
        scene.host.logs(&["driver rejected", reason]).await;
        let listed = scene.host.cli(Who::Operator, &["driver", "list"]).await.expect(0);
        assert!(flat(&listed.stdout).contains(reason), "{what}: {listed:#?}");
        scene.acme().get(&rule("a")).await.expect(200);
    }
}

/// A text without the breaks that fit it into a column.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_bad_package_in_the_folder_changes_nothing_and_a_good_one_after_it_takes_over() {
    let scene = Scene::with(Options { watch: true, ..Options::default() }, json!({})).await;
    let path = scene.host.drivers_folder().join("firewall.wasm");
    let reason = async |wanted: &str| {
        until(&format!("the reason `{wanted}`"), async || {
            let shown = scene.operator().get("/v1/drivers").await.expect(200);
            let rejected = shown["/rejected"].as_array().unwrap().clone();
            rejected.into_iter().find(|rejected| rejected["reason"].as_str().is_some_and(|text| text.contains(wanted)))
        })
        .await
    };
    for (what, package, wanted) in
        packages::bad().into_iter().filter(|(what, ..)| matches!(*what, "text" | "a failing fixture"))
    {
        fs::write(&path, package).unwrap();
        let rejected = reason(wanted).await;
        assert_eq!(rejected["source"], path.to_str().unwrap(), "{what}");
        assert_eq!(scene.host.active().await, "0.1.0");
    }
    fs::write(&path, driver("firewall-next")).unwrap();
    scene.host.until_active("0.2.0").await;
    let shown = scene.operator().get("/v1/drivers").await.expect(200);
    assert_eq!(shown["/rejected"], json!([]), "success makes the failures history");
}

#[tokio::test]
async fn half_a_file_in_the_folder_is_not_mistaken_for_a_driver() {
    let scene = Scene::with(Options { watch: true, ..Options::default() }, json!({})).await;
    let path = scene.host.drivers_folder().join("firewall.wasm");
    let (half, whole) = (packages::half_of("firewall-next"), driver("firewall-next"));
    fs::write(&path, &half).unwrap();
    // A good file beside it is taken, so the folder was looked at; the half one has not even been complained about.
    fs::write(scene.host.drivers_folder().join("hostile.wasm"), driver("hostile")).unwrap();
    until("the file beside it", async || {
        let shown = scene.operator().get("/v1/drivers/hostile").await;
        (shown.status == 200).then_some(())
    })
    .await;
    let shown = scene.operator().get("/v1/drivers").await.expect(200);
    assert_eq!(shown["/rejected"], json!([]));
    fs::write(&path, whole).unwrap();
    scene.host.until_active("0.2.0").await;
}

#[tokio::test]
async fn a_version_that_does_not_fit_the_backends_does_not_replace_one_that_does() {
    let scene = Scene::start().await;
    let mut unfit = settings(&scene.appliance.url());
    unfit["configuration"] = json!({"colour": "red"});
    let refused = scene.operator().put("/v1/backends/fw").json(&unfit).await.problem(422, "invalid_spec");
    assert!(refused.string("/errors/0/pointer").starts_with("/configuration"), "{refused:#?}");
    unfit["configuration"] = json!({});
    unfit["authentication"] = json!({"scheme": "kerberos"});
    let refused = scene.operator().put("/v1/backends/fw").json(&unfit).await.problem(422, "invalid_spec");
    assert_eq!(refused["/errors/0/pointer"], "/authentication/scheme");
    let shown = scene.operator().get("/v1/backends/fw").await.expect(200);
    assert_eq!((&shown["/authentication/scheme"], &shown["/problem"]), (&json!("api-key"), &Value::Null));
    scene.created("a").await;
}

#[tokio::test]
async fn a_driver_that_is_in_use_is_not_removed() {
    let scene = Scene::start().await;
    scene.operator().delete("/v1/drivers/firewall").await.problem(409, "in_use");
    scene.operator().delete("/v1/backends/fw").await.expect(204);
    scene.operator().delete("/v1/drivers/firewall").await.expect(204);
    scene.operator().get("/v1/drivers/firewall").await.problem(404, "unknown_driver");
}
