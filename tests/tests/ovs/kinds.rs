//! Each kind through the suite.

use anyhow::Result;
use crosspoint_tests::suite::{FramedFarSide, Stage, Subject};
use serde_json::{Value, json};

use super::messages::stage;

/// The bridge that ports and mirrors of these tests are on.
const BASE: u32 = 90;
const NOWHERE: &str = "00000000-0000-4000-8000-00000000abcd";

fn bridge() -> Subject {
    Subject::of("bridge", |n| json!({"name": format!("br{n}"), "datapath_type": "netdev", "protocols": ["OpenFlow13"]}))
        .replacing(|n| json!({"name": format!("br{n}"), "datapath_type": "netdev", "rstp_enable": true}))
        .patching(json!({"fail_mode": "secure", "other_config": {"rstp-priority": "4096"}}))
        .bad(json!({"name": "a/b"}), "/name")
        .bad(json!({"datapath_type": 5}), "/datapath_type")
        .bad(json!({"external_ids": {"crosspoint": "mine"}}), "/external_ids/crosspoint")
        .bad_patch(json!({"fail_mode": "open"}), "/fail_mode")
        .bad_patch(json!({"external_ids": {"crosspoint": null}}), "/external_ids/crosspoint")
}

fn port() -> Subject {
    let on = |n: u32| json!({"name": format!("p{n}"), "bridge": format!("br{BASE}")});
    let with = move |n: u32, more: Value| crosspoint_tests::suite::merged(&on(n), &more);
    let internal = json!({"type": "internal", "mtu_request": 1400, "other_config": {"note": "7"}});
    Subject::of("port", move |n| with(n, json!({"tag": 100 + n, "interface": {"type": "internal"}})))
        .replacing(move |n| with(n, json!({"vlan_mode": "trunk", "trunks": [10, 20], "interface": internal})))
        .patching(json!({"vlan_mode": "native-untagged", "tag": 7, "interface": {"mtu_request": 1300}}))
        .bad(json!({"tag": 4096}), "/tag")
        .bad(json!({"interface": {"mac": "no address"}}), "/interface/mac")
        .bad(json!({"qos": "gold"}), "/qos")
        .bad_patch(json!({"trunks": [1, "2"]}), "/trunks/1")
        .refused(json!({"bridge": "br99"}), 422, "invalid_spec")
        .refused(json!({"qos": NOWHERE}), 422, "invalid_spec")
        .refused(json!({"name": format!("br{BASE}")}), 409, "backend_already_exists")
}

fn queue() -> Subject {
    Subject::of("queue", |n| json!({"dscp": n % 64, "other_config": {"max-rate": "1000000"}}))
        .replacing(|_| json!({"other_config": {"max-rate": "2000000", "min-rate": "5"}}))
        .patching(json!({"dscp": 1, "other_config": {"min-rate": "7"}}))
        .bad(json!({"dscp": 64}), "/dscp")
        .bad_patch(json!({"other_config": {"max-rate": 5}}), "/other_config/max-rate")
}

fn qos(queue: &str) -> Subject {
    let queues = json!({"0": queue, "7": queue});
    let other = queues.clone();
    Subject::of("qos", move |_| json!({"type": "linux-htb", "queues": queues, "other_config": {"max-rate": "9"}}))
        .replacing(move |_| json!({"type": "linux-hfsc", "queues": {"1": other["0"]}}))
        .patching(json!({"queues": {"2": queue}}))
        .bad(json!({"type": ""}), "/type")
        .bad(json!({"queues": {"0": "queue-1"}}), "/queues/0")
        .refused(json!({"queues": {"0": NOWHERE}}), 422, "invalid_spec")
}

fn mirror(port: &str) -> Subject {
    let bridge = format!("br{BASE}");
    let (first, second) = (bridge.clone(), bridge);
    Subject::of("mirror", move |n| json!({"name": format!("m{n}"), "bridge": first, "output_vlan": 100 + n}))
        .replacing(move |n| json!({"name": format!("n{n}"), "bridge": second, "select_all": true, "snaplen": 96}))
        .patching(json!({"output_port": port, "select_src_port": [port], "select_vlan": [5, 6]}))
        .bad(json!({"output_vlan": 0}), "/output_vlan")
        .bad(json!({"select_src_port": ["p1"]}), "/select_src_port/0")
        .refused(json!({"output_port": NOWHERE}), 422, "invalid_spec")
        .refused(json!({"bridge": "br99"}), 422, "invalid_spec")
}

async fn whole(stage: &Stage<FramedFarSide>, subject: &Subject) {
    stage.life(subject).await;
    stage.refusals(subject).await;
    stage.doubt(subject).await;
}

#[tokio::test]
async fn a_bridge_lives_is_refused_and_is_found_again() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    whole(&stage, &bridge()).await;
    assert_eq!(database.ask(&["list-br"])?, "", "whatever was made is gone");
    Ok(())
}

#[tokio::test]
async fn a_port_lives_is_refused_and_is_found_again() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    stage.create(&bridge(), BASE).await;
    whole(&stage, &port()).await;
    assert_eq!(database.ask(&["list-ports", &format!("br{BASE}")])?, "", "whatever was made is gone");
    Ok(())
}

#[tokio::test]
async fn a_queue_lives_is_refused_and_is_found_again() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    whole(&stage, &queue()).await;
    assert_eq!(database.ask(&["--columns=_uuid", "list", "Queue"])?, "");
    Ok(())
}

#[tokio::test]
async fn a_qos_lives_is_refused_and_is_found_again() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    let queue = stage.create(&queue(), BASE).await.string("/mapping/backend_id");
    whole(&stage, &qos(&queue)).await;
    assert_eq!(database.ask(&["--columns=_uuid", "list", "QoS"])?, "");
    Ok(())
}

#[tokio::test]
async fn a_mirror_lives_is_refused_and_is_found_again() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    stage.create(&bridge(), BASE).await;
    let port = stage.create(&port(), BASE).await.string("/mapping/backend_id");
    whole(&stage, &mirror(&port)).await;
    assert_eq!(database.ask(&["--columns=_uuid", "list", "Mirror"])?, "");
    Ok(())
}

#[tokio::test]
async fn each_trouble_is_one_transaction_and_told_as_it_is() -> Result<()> {
    let Some((_database, stage)) = stage().await? else { return Ok(()) };
    stage.create(&bridge(), BASE).await;
    stage.troubles(&port()).await;
    Ok(())
}

#[tokio::test]
async fn a_change_behind_crosspoints_back_makes_a_revision_stale() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    let bridge = bridge();
    let made = stage.create(&bridge, 0).await;
    let tag = made.header("etag").unwrap().to_owned();
    let path = stage.object(&bridge, 0);
    let change = |tag: &str| {
        let body = json!({"spec": {"stp_enable": true}});
        stage.acme().patch(&path).header("if-match", tag).key(&stage.key()).json(&body)
    };
    database.ask(&["set", "bridge", "br0", "fail_mode=secure"])?;
    let refused = stage.one("a change of what somebody else has changed", change(&tag)).await;
    assert_eq!(refused.problem(412, "stale")["/sent"], "yes");

    // What the switch itself notes is no change of the configuration.
    let read = stage.one("a read", stage.acme().get(&path)).await.expect(200);
    assert_eq!(read["/result/fail_mode"], "secure");
    database.ask(&["set", "bridge", "br0", "status:noted=yes"])?;
    let changed = stage.one("a change", change(read.header("etag").unwrap())).await.expect(200);
    assert_eq!((&changed["/result/stp_enable"], &changed["/result/status/noted"]), (&json!(true), &json!("yes")));

    // And the answer to a change has the revision for the next.
    let next = changed.header("etag").unwrap().to_owned();
    stage.one("the next change", change(&next)).await.expect(200);
    Ok(())
}
