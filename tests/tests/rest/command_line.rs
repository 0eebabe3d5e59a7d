//! The command line says in its exit code what a script needs to know.

use crosspoint_tests::host::{Scene, Who, create, driver};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

#[tokio::test]
async fn exit_codes_tell_done_refused_in_doubt_and_unreachable_apart() {
    let mut scene = Scene::start().await;
    let spec = create("a")["spec"].to_string();
    let put = async |scene: &Scene, id: &str| {
        scene.host.cli(Who::Acme, &["object", "put", "fw", "rule", id, "--spec", &spec, "-o", "json"]).await
    };
    let made = put(&scene, "a").await.expect(0).json();
    assert_eq!(made["mapping"]["backend_id"], "rule-1");
    let refused = put(&scene, "b").await.expect(1).json();
    assert_eq!(refused["code"], "backend_already_exists");
    scene.appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    let doubted = put(&scene, "c").await.expect(3).json();
    assert_eq!(doubted["sent"], "maybe");
    scene.host.cli(Who::Acme, &["object", "put"]).await.expect(2);
    scene.host.kill().await;
    put(&scene, "d").await.expect(4);
}

#[tokio::test]
async fn an_operator_can_do_everything_from_the_command_line() {
    let scene = Scene::start().await;
    let file = scene.host.drivers_folder().join("next.wasm");
    std::fs::write(&file, driver("firewall-next")).unwrap();
    let file = file.to_str().unwrap();
    let cli = async |arguments: &[&str]| {
        scene.host.cli(Who::Operator, &[arguments, &["-o", "json"]].concat()).await.expect(0)
    };
    assert_eq!(cli(&["driver", "load", file]).await.json()["version"], "0.2.0");
    assert_eq!(cli(&["driver", "rollback", "firewall"]).await.json()["version"], "0.1.0");
    assert_eq!(cli(&["driver", "list"]).await.json()["items"][0]["name"], "firewall");
    assert_eq!(cli(&["backend", "probe", "fw"]).await.json()["result"]["model"], "FW-1");
    let secrets = cli(&["backend", "get", "fw"]).await.json()["authentication"]["secrets"].clone();
    assert_eq!(secrets, json!({"key": {"set": true}}));
    scene.created("a").await;
    assert_eq!(cli(&["mapping", "list"]).await.json()["items"][0]["cmp_id"], "a");
    assert_eq!(cli(&["operation", "list", "--state", "succeeded"]).await.json()["items"][0]["cmp_id"], "a");
    let events = cli(&["events"]).await;
    let types: Vec<Value> =
        events.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone()).collect();
    assert_eq!(types.last(), Some(&json!("mapping.active")), "{types:?}");
}

#[tokio::test]
async fn an_operation_in_doubt_is_found_and_ended_from_the_command_line() {
    let scene = Scene::start().await;
    scene.appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    let spec = create("a")["spec"].to_string();
    let put = ["object", "put", "fw", "rule", "a", "--spec", &spec];
    let doubted = scene.host.cli(Who::Acme, &put).await.expect(3);
    assert!(doubted.stderr.contains("operation"), "it says where to look: {}", doubted.stderr);
    let listed =
        scene.host.cli(Who::Acme, &["operation", "list", "--state", "unknown", "-o", "json"]).await.expect(0).json();
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let resolved = scene.host.cli(Who::Acme, &["operation", "resolve", &id, "-o", "json"]).await.expect(0).json();
    assert_eq!(resolved["mapping"]["state"], "active");
}
