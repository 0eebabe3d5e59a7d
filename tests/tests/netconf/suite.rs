//! What every driver has to show.

use crosspoint_tests::suite::{Stage, Subject};
use serde_json::json;

use crate::far_side::NetconfFarSide;
use crate::possible;
use crate::testbed::Target;

async fn stage(target: Target) -> Stage<NetconfFarSide> {
    let far = NetconfFarSide::start(target).await.expect("a NETCONF server behind an SSH server");
    let mut settings = far.settings().await;
    if matches!(target, Target::Candidate) {
        settings["configuration"] = json!({"datastore": "candidate"});
    }
    Stage::set("netconf-switch", settings, far).await
}

fn interface() -> Subject {
    let address = |n: u32| json!({"ip": format!("192.0.2.{n}"), "prefix_length": 24});
    Subject::of("interface", move |n| {
        json!({"name": format!("eth{n}"), "description": format!("port <{n}> & more"), "addresses": [address(n)]})
    })
    .replacing(|n| {
        let six = json!({"ip": format!("2001:db8::{:x}", n + 1), "prefix_length": 64});
        json!({"name": format!("eth{n}"), "description": "moved", "enabled": false, "addresses": [six]})
    })
    .patching(json!({"description": "2nd floor", "enabled": true}))
    // The device answers `ok`: a change shows what it was about, and nothing of the rest.
    .confirming(|spec| json!({"name": spec["name"]}))
    .bad(json!({"type": "no type"}), "/type")
    .bad(json!({"addresses": [{"ip": "192.0.2.1", "prefix_length": 33}]}), "/addresses/0/prefix_length")
    .bad_patch(json!({"enabled": "perhaps"}), "/enabled")
    .refused(json!({"type": "noSuchType"}), 422, "invalid_spec")
}

#[tokio::test]
async fn an_interface_lives_in_the_running_datastore() {
    if possible("netconf life").await {
        stage(Target::Running).await.life(&interface()).await;
    }
}

#[tokio::test]
async fn what_is_refused_costs_no_exchange_or_one() {
    if possible("netconf refusals").await {
        stage(Target::Running).await.refusals(&interface()).await;
    }
}

#[tokio::test]
async fn the_truth_is_told_of_every_trouble() {
    if possible("netconf troubles").await {
        stage(Target::Running).await.troubles(&interface()).await;
    }
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    if possible("netconf doubt").await {
        stage(Target::Running).await.doubt(&interface()).await;
    }
}

#[tokio::test]
async fn the_candidate_datastore_takes_what_running_takes() {
    if possible("netconf candidate").await {
        let stage = stage(Target::Candidate).await;
        stage.life(&interface()).await;
        stage.refusals(&interface()).await;
    }
}

#[tokio::test]
async fn a_commit_puts_the_candidate_in_force_and_a_discard_throws_it_away() {
    if !possible("netconf commit").await {
        return;
    }
    let stage = stage(Target::Candidate).await;
    let mut running = stage.far.settings().await;
    running["driver"] = "netconf-switch".into();
    stage.host.put_backend("in-force", &running).await;
    let in_force = async || {
        let list = stage.operator().get("/v1/backends/in-force/objects/interface?tenant=acme");
        format!("{:?}", stage.one("a look at what is in force", list).await.expect(200))
    };
    let act = async |name: &str| {
        let act = stage
            .operator()
            .post(&format!("/v1/backends/far/actions/{name}?tenant=acme"))
            .key(&stage.key())
            .json(&json!({}));
        stage.one(name, act).await.expect(200)
    };
    let port = interface();
    stage.create(&port, 1).await;
    assert!(!in_force().await.contains("eth1"), "before the commit");
    act("commit").await;
    assert!(in_force().await.contains("eth1"), "after the commit");
    stage.create(&port, 2).await;
    act("discard").await;
    let gone = stage.one("a read of what was discarded", stage.acme().get(&stage.object(&port, 2))).await;
    gone.problem(404, "backend_not_found");
    act("commit").await;
    assert!(!in_force().await.contains("eth2"), "nothing was left to commit");
}
