//! What lies beside the store: packages, compiled drivers, the key. Each can be lost without the records being harmed.

use std::fs;
use std::path::PathBuf;

use crosspoint_tests::host::{Options, Scene, driver, rule, settings};
use serde_json::{Value, json};

async fn scene() -> Scene {
    let scene = Scene::on(
        crosspoint_tests::host::Host::start(Options { own_cache: true, ..Options::default() }).await,
        json!({}),
    );
    let scene = scene.await;
    scene.created("a").await;
    scene
}

fn only_file(folder: PathBuf) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// The record is there, calls are refused before anything is sent, and it is said why and what helps.
async fn lacks_its_driver(scene: &Scene, reason: &str) {
    assert_eq!(scene.mapping("a").await["state"], "active");
    let refused = scene.acme().get(&rule("a")).await.problem(503, "driver_unavailable");
    assert_eq!(refused["/sent"], "no");
    let shown = scene.operator().get("/v1/drivers/firewall").await.expect(200);
    assert!(shown["/last_failure"].to_string().contains(reason), "{shown:#?}");
    scene.acme().get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_lost_or_damaged_package_takes_its_driver_alone_and_loading_it_again_mends_it() {
    let mut scene = scene().await;
    for (damage, reason) in
        [("lost", "no package"), ("cut", "damaged"), ("emptied", "damaged"), ("folder", "no package")]
    {
        scene.host.stop().await;
        let package = only_file(scene.host.data().join("packages"));
        match damage {
            "lost" => fs::remove_file(&package).unwrap(),
            "cut" => fs::write(&package, &fs::read(&package).unwrap()[..1000]).unwrap(),
            "emptied" => fs::write(&package, b"").unwrap(),
            _ => fs::remove_dir_all(package.parent().unwrap()).unwrap(),
        }
        scene.host.restart().await;
        lacks_its_driver(&scene, reason).await;
        scene.host.load_driver(driver("firewall")).await;
        scene.acme().get(&rule("a")).await.expect(200);
        scene.host.restart().await;
        scene.acme().get(&rule("a")).await.expect(200);
    }
}

#[tokio::test]
async fn damaged_compiled_drivers_are_compiled_again() {
    let mut scene = scene().await;
    for damage in ["cut", "flipped", "emptied", "folder"] {
        scene.host.stop().await;
        let compiled = only_file(scene.host.data().join("cache"));
        let mut bytes = fs::read(&compiled).unwrap();
        match damage {
            "cut" => bytes.truncate(bytes.len() / 2),
            "flipped" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
            }
            _ => bytes.clear(),
        }
        fs::write(&compiled, &bytes).unwrap();
        if damage == "folder" {
            fs::remove_dir_all(compiled.parent().unwrap()).unwrap();
        }
        scene.host.restart().await;
        scene.acme().get(&rule("a")).await.expect(200);
        assert_ne!(fs::read(only_file(scene.host.data().join("cache"))).unwrap(), bytes, "{damage}");
    }
}

#[tokio::test]
async fn a_lost_key_costs_the_secrets_and_nothing_else() {
    let mut scene = scene().await;
    scene.host.stop().await;
    let key = scene.host.data().join("secret.key");
    let kept = fs::read(&key).unwrap();
    for damaged in [&b""[..], b"crosspoint-key-1:AAAA\n", b"hello"] {
        fs::write(&key, damaged).unwrap();
        let log = scene.host.try_restart().await.expect_err("the key is damaged");
        assert!(log.contains("secret.key is damaged: restore it from a backup"), "{log}");
        assert_eq!(fs::read(&key).unwrap(), damaged, "it is left as it is");
    }
    fs::remove_file(&key).unwrap();
    scene.host.restart().await;
    assert_eq!(scene.mapping("a").await["state"], "active");
    let refused = scene.acme().get(&rule("a")).await;
    assert_eq!((refused.status, &refused["/sent"]), (503, &json!("no")), "{refused:#?}");
    let shown = scene.operator().get("/v1/backends/fw").await.expect(200);
    assert!(shown.body.to_string().contains("restore that key file, or enter the secret anew"), "{shown:#?}");

    // Either remedy helps.
    let made = fs::read(&key).unwrap();
    scene.host.stop().await;
    fs::write(&key, kept).unwrap();
    scene.host.restart().await;
    scene.acme().get(&rule("a")).await.expect(200);
    scene.host.stop().await;
    fs::write(&key, made).unwrap();
    scene.host.restart().await;
    scene.host.put_backend("fw", &settings(&scene.appliance.url())).await;
    assert_ne!(scene.acme().get(&rule("a")).await.expect(200)["/result"], Value::Null);
}
