//! A VLAN tag that is set through REST cuts hosts off from each other and joins them again.

use anyhow::Result;
use crosspoint_tests::host::{Client, Reply, until};
use crosspoint_tests::suite::{BACKEND, FramedFarSide, Stage};
use serde_json::{Value, json};

use super::messages::JsonRpc;
use super::switch::Switch;

struct Cmp<'a>(&'a Stage<FramedFarSide>);

impl Cmp<'_> {
    /// Makes a change in one exchange, and waits until the switch has put it into effect.
    async fn change(&self, what: &str, call: crosspoint_tests::host::Call) -> Reply {
        let changed = self.0.one(what, call).await.success();
        let next_cfg = &changed["/result/next_cfg"];
        assert!(next_cfg.is_u64(), "{changed:#?}");
        until(&format!("the switch to do {what}"), async || {
            let call = self.0.acme().post(&format!("/v1/backends/{BACKEND}/actions/applied")).key(&self.0.key());
            let asked = self.0.one("asking", call.json(&json!({"spec": {"next_cfg": next_cfg}}))).await.expect(200);
            (asked["/result/applied"] == true).then_some(())
        })
        .await;
        changed
    }

    async fn put(&self, kind: &str, id: &str, spec: Value) -> Reply {
        let call = self.client().put(&object(kind, id)).json(&json!({"spec": spec}));
        self.change(&format!("{kind} {id}"), call).await
    }

    async fn patch(&self, id: &str, patch: Value) -> Reply {
        let call = self.client().patch(&object("port", id)).json(&json!({"spec": patch}));
        self.change(&format!("{patch} on {id}"), call).await
    }

    fn client(&self) -> Client {
        self.0.acme()
    }
}

fn object(kind: &str, id: &str) -> String {
    format!("/v1/backends/{BACKEND}/objects/{kind}/{id}")
}

#[tokio::test]
async fn a_vlan_tag_set_through_rest_cuts_two_hosts_off_and_joins_them_again() -> Result<()> {
    let Some(switch) = Switch::start().await? else { return Ok(()) };
    let far = FramedFarSide::before(switch.database.address(), JsonRpc).await?;
    let settings = json!({"endpoints": {"default": far.url()}, "authentication": {"scheme": "none"}});
    let stage = Stage::set("ovs-switch", settings, far).await;
    let cmp = Cmp(&stage);

    cmp.put("bridge", "lan", json!({"name": "br0", "datapath_type": "netdev"})).await;
    for n in 1..=3 {
        let spec = json!({"name": format!("host{n}"), "bridge": "br0", "tag": 10});
        cmp.put("port", &format!("port-{n}"), spec).await;
    }
    let read = stage.one("a read", stage.acme().get(&object("port", "port-1"))).await.expect(200);
    assert_eq!((&read["/result/interface/link_state"], &read["/result/interface/error"]), (&json!("up"), &Value::Null));
    assert!(switch.reaches(1, 2)? && switch.reaches(2, 3)?, "all in VLAN 10");

    cmp.patch("port-2", json!({"tag": 20})).await;
    assert!(!switch.reaches(1, 2)?, "VLAN 10 and VLAN 20");
    assert!(switch.reaches(1, 3)?, "the others are still joined");

    cmp.patch("port-1", json!({"tag": 20})).await;
    assert!(switch.reaches(1, 2)? && !switch.reaches(1, 3)?, "VLAN 20, both");

    // A trunk port that sends VLAN 10 without a tag hears VLAN 10 alone; without that VLAN among its trunks, nobody.
    cmp.patch("port-1", json!({"vlan_mode": "native-untagged", "tag": 10, "trunks": [10, 20]})).await;
    assert!(switch.reaches(1, 3)? && !switch.reaches(1, 2)?, "native VLAN 10");

    let gone = stage.one("a deletion", stage.acme().delete(&object("port", "port-3"))).await;
    gone.expect(200);
    until("the port to be gone", async || (!switch.reaches(1, 3).unwrap()).then_some(())).await;
    Ok(())
}

#[tokio::test]
async fn a_device_that_is_not_there_is_told_by_the_ports_interface() -> Result<()> {
    let Some(switch) = Switch::start().await? else { return Ok(()) };
    let far = FramedFarSide::before(switch.database.address(), JsonRpc).await?;
    let settings = json!({"endpoints": {"default": far.url()}, "authentication": {"scheme": "none"}});
    let stage = Stage::set("ovs-switch", settings, far).await;
    let cmp = Cmp(&stage);
    cmp.put("bridge", "lan", json!({"name": "br0", "datapath_type": "netdev"})).await;
    cmp.put("port", "ghost", json!({"name": "ghost", "bridge": "br0"})).await;
    let read = stage.one("a read", stage.acme().get(&object("port", "ghost"))).await.expect(200);
    let error = read.string("/result/interface/error");
    assert!(error.contains("No such device"), "{error}");
    assert_eq!(read["/result/interface/ofport"], -1);
    Ok(())
}
