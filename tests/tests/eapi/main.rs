//! The driver for Arista EOS, through REST, before a simulated switch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod simulator;

use crosspoint_tests::host::{Call, Who};
use crosspoint_tests::suite::{BACKEND, FarSide as _, HttpFarSide, Stage, Subject};
use serde_json::{Value, json};

use simulator::{PASSWORD, Simulator, USER};

/// A switch, and a Crosspoint before it.
async fn switch() -> (Simulator, Stage<HttpFarSide>) {
    with_password(PASSWORD).await
}

async fn with_password(password: &str) -> (Simulator, Stage<HttpFarSide>) {
    let simulator = Simulator::start().await;
    let far = HttpFarSide::before(&simulator.url()).await.unwrap();
    let settings = json!({
        "endpoints": {"default": far.url()},
        "authentication": {"scheme": "basic", "secrets": {"username": USER, "password": password}},
    });
    let stage = Stage::set("eapi-switch", settings, far).await;
    (simulator, stage)
}

fn vlan() -> Subject {
    Subject::of("vlan", |n| json!({"id": 100 + n, "name": format!("office-{n}")}))
        .replacing(|n| json!({"id": 100 + n, "name": format!("lab-{n}"), "state": "suspended"}))
        .patching(json!({"state": "active"}))
        .bad(json!({"id": 1}), "/id")
        .bad(json!({"name": "two words"}), "/name")
        .bad(json!({"name": "x\nno vlan 1"}), "/name")
        .bad_patch(json!({"name": "x".repeat(33)}), "/name")
        .refused(json!({"id": 4094}), 409, "backend_conflict")
}

fn interface() -> Subject {
    Subject::of("interface", |n| {
        json!({"name": format!("Ethernet{}", n + 1), "description": format!("rack {n} (left)"), "access_vlan": 100})
    })
    .replacing(|n| {
        json!({
            "name": format!("Ethernet{}", n + 1), "mode": "trunk", "trunk_vlans": "10,20-29", "native_vlan": 10,
            "enabled": false,
        })
    })
    .patching(json!({"description": "moved", "enabled": true}))
    .bad(json!({"name": "Management1"}), "/name")
    .bad(json!({"description": "a | b"}), "/description")
    .bad(json!({"description": "a\nshutdown"}), "/description")
    .bad(json!({"access_vlan": 4095}), "/access_vlan")
    .bad_patch(json!({"trunk_vlans": "1 2"}), "/trunk_vlans")
    .refused(json!({"name": "Ethernet999"}), 422, "invalid_spec")
    .refused(json!({"trunk_vlans": "9-1"}), 422, "invalid_spec")
}

fn put(stage: &Stage<HttpFarSide>, subject: &Subject, n: u32, spec: &Value) -> Call {
    stage.acme().put(&stage.object(subject, n)).key(&stage.key()).json(&json!({"spec": spec}))
}

#[tokio::test]
async fn each_kind_lives_its_life_with_one_exchange_a_call() {
    let (simulator, stage) = switch().await;
    for subject in [vlan(), interface()] {
        stage.life(&subject).await;
    }
    assert_eq!(simulator.running(), Vec::<String>::new(), "nothing is left");
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let (_simulator, stage) = switch().await;
    for subject in [vlan(), interface()] {
        stage.refusals(&subject).await;
    }
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    let (_simulator, stage) = switch().await;
    for subject in [vlan(), interface()] {
        stage.troubles(&subject).await;
    }
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    let (_simulator, stage) = switch().await;
    for subject in [vlan(), interface()] {
        stage.doubt(&subject).await;
    }
}

#[tokio::test]
async fn a_change_that_fails_half_way_changes_nothing_and_leaves_nothing_for_the_next() {
    let (simulator, stage) = switch().await;
    for n in 0..8 {
        let spec = json!({"name": "Ethernet1", "description": "half", "mode": "trunk", "trunk_vlans": "9-1"});
        let refused = stage.one("a change that fails", put(&stage, &interface(), n, &spec)).await;
        let refused = refused.problem(422, "invalid_spec");
        assert_eq!(refused["/errors/0/pointer"], "/trunk_vlans", "{refused:#?}");
        assert_eq!((simulator.running(), simulator.sessions()), (vec![], vec!["crosspoint".to_owned()]));
    }
    stage.create(&vlan(), 0).await;
    assert_eq!(simulator.running(), ["vlan 100", "   name office-0"]);
    assert_eq!(simulator.sessions(), Vec::<String>::new());
}

#[tokio::test]
async fn sessions_of_others_are_left_alone_and_too_many_of_them_are_told_as_what_passes() {
    let (simulator, stage) = switch().await;
    for session in ["a", "b", "c", "d", "e"] {
        simulator.by_hand(&["enable", &format!("configure session {session}"), "vlan 7"]);
    }
    let refused =
        stage.one("a creation", put(&stage, &vlan(), 0, &vlan().spec(0))).await.problem(422, "backend_rejected");
    assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("yes"), &json!(true)), "{refused:#?}");
    simulator.by_hand(&["enable", "configure session e", "abort"]);
    stage.create(&vlan(), 0).await;
    assert_eq!(simulator.sessions(), ["a", "b", "c", "d"]);
    assert_eq!(simulator.running(), ["vlan 100", "   name office-0"]);
}

#[tokio::test]
async fn a_port_is_set_as_a_whole_and_patched_in_part() {
    let (simulator, stage) = switch().await;
    let hand = ["enable", "configure session hand", "interface Ethernet1", "switchport trunk native vlan 9", "commit"];
    simulator.by_hand(&hand);
    let made = stage.create(&interface(), 0).await;
    let marker = made.string("/mapping/marker");
    let described = format!("   description rack 0 (left) [{marker}]");
    let vlan = "   switchport access vlan 100";
    assert_eq!(
        simulator.running(),
        ["interface Ethernet1", &described, vlan],
        "nothing is left of what was there before"
    );
    assert_eq!(made["/result/trunk_vlans"], "1-4094");

    let patch = stage.acme().patch(&stage.object(&interface(), 0)).json(&json!({"spec": {"enabled": false}}));
    let patched = stage.one("a patch", patch).await.expect(200);
    assert_eq!((&patched["/result/enabled"], &patched["/result/link"]), (&json!(false), &json!("disabled")));
    assert_eq!(simulator.running(), ["interface Ethernet1", &described, "   shutdown", vlan]);
}

/// The switch has no way to say "only if it is not there yet" in one request.
#[tokio::test]
async fn a_vlan_that_is_there_already_is_taken_over_by_its_creation() {
    let (simulator, stage) = switch().await;
    simulator.by_hand(&["enable", "configure session hand", "vlan 100", "name by-hand", "state suspend", "commit"]);
    let made = stage.create(&vlan(), 0).await;
    assert_eq!((&made["/result/name"], &made["/result/state"]), (&json!("office-0"), &json!("active")));
    assert_eq!(simulator.running(), ["vlan 100", "   name office-0"]);
}

#[tokio::test]
async fn a_replacement_does_not_bring_back_what_somebody_took_away() {
    let (simulator, stage) = switch().await;
    stage.create(&vlan(), 0).await;
    simulator.by_hand(&["enable", "configure session hand", "no vlan 100", "commit"]);
    let replaced = stage.one("a replacement", put(&stage, &vlan(), 0, &json!({"id": 100, "name": "lab"}))).await;
    assert_eq!(replaced.problem(404, "backend_not_found")["/sent"], "yes");
    assert_eq!(simulator.running(), Vec::<String>::new());
}

#[tokio::test]
async fn saving_is_an_action_of_its_own() {
    let (simulator, stage) = switch().await;
    stage.create(&vlan(), 0).await;
    assert_eq!(simulator.startup(), Vec::<String>::new());
    let save = stage.operator().post(&format!("/v1/backends/{BACKEND}/actions/save?tenant=acme")).key(&stage.key());
    stage.one("an action", save.json(&json!({"spec": {}}))).await.expect(200);
    assert_eq!(simulator.startup(), simulator.running());
}

#[tokio::test]
async fn a_wrong_password_is_told_and_shown_nowhere() {
    let (simulator, stage) = with_password("not the password").await;
    let refused = stage.one("a creation", put(&stage, &vlan(), 0, &vlan().spec(0))).await;
    let refused = refused.problem(502, "backend_unauthenticated");
    assert_eq!((&refused["/sent"], simulator.running().len()), (&json!("yes"), 0));
    assert_eq!(stage.far.exchanges(), 1);
    assert!(!refused.body.to_string().contains("not the password") && !stage.host.log().contains("not the password"));
    let shown = stage.host.client(Who::Viewer).get(&format!("/v1/backends/{BACKEND}")).await.expect(200);
    assert!(!shown.body.to_string().contains("not the password"), "{shown:#?}");
}
