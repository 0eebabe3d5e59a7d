//! What every driver has to show, once with a NEO that does at once what it is asked, and once with one that makes
//! jobs.

use crosspoint_tests::suite::{Subject, merged};
use serde_json::json;

use super::Scene;
use super::simulator::Changes;

const WAYS: [Changes; 2] = [Changes::AtOnce, Changes::ByJob];

fn vlan_service() -> Subject {
    let spec = |n: u32| json!({"name": format!("net-{n}"), "vlan": 100 + n, "ports": ["10.0.0.1.port.1"]});
    let both = json!(["10.0.0.1.port.1", "10.0.0.2.port.2"]);
    Subject::of("vlan-service", spec)
        .replacing(move |n| merged(&spec(n), &json!({"description": "a net", "vlan": 200 + n, "ports": both})))
        .bad(json!({"vlan": 4095}), "/vlan")
        .bad(json!({"name": ""}), "/name")
        .bad(json!({"description": "x".repeat(221)}), "/description")
        .bad(json!({"ports": [""]}), "/ports/0")
        .refused(json!({"ports": ["10.0.0.9.port.1"]}), 422, "invalid_spec")
}

#[tokio::test]
async fn a_service_lives_its_life_with_one_exchange_a_call() {
    for changes in WAYS {
        Scene::set(changes).await.stage.life(&vlan_service()).await;
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    for changes in WAYS {
        Scene::set(changes).await.stage.refusals(&vlan_service()).await;
    }
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    Scene::set(Changes::AtOnce).await.stage.troubles(&vlan_service()).await;
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    Scene::set(Changes::AtOnce).await.stage.doubt(&vlan_service()).await;
}
