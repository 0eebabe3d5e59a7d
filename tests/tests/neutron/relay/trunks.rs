//! Trunks, and the ports that they carry.

use super::*;

/// A network, and the ids of three ports on it.
async fn ports(stage: &Stage) -> [String; 3] {
    let network = stage.create("network", "n", &json!({})).await;
    let mut ports = [const { String::new() }; 3];
    for (number, id) in ports.iter_mut().enumerate() {
        *id = stage.create("port", &format!("p{number}"), &json!({"network_id": network})).await;
    }
    ports
}

fn sub_port(port: &str, vlan: u16) -> Value {
    json!({"port_id": port, "segmentation_type": "vlan", "segmentation_id": vlan})
}

/// The ports that the trunk carries, as Neutron itself says.
async fn carried(stage: &Stage, trunk: &str) -> Result<Vec<String>> {
    let truth = stage.truth(&format!("/v2.0/trunks/{trunk}")).await?;
    let carried = truth["trunk"]["sub_ports"].as_array().unwrap().iter();
    let mut carried: Vec<_> = carried.map(|port| port["port_id"].as_str().unwrap().to_owned()).collect();
    carried.sort();
    Ok(carried)
}

fn sorted(ports: &[&String]) -> Vec<String> {
    let mut ports: Vec<_> = ports.iter().map(|port| (*port).clone()).collect();
    ports.sort();
    ports
}

#[tokio::test]
async fn a_trunk_lives_its_life_with_one_exchange_a_call() -> Result<()> {
    let Some(stage) = Stage::set("trunk-life").await? else { return Ok(()) };
    let acme = stage.acme();
    let [parent, first, second] = ports(&stage).await;
    let spec = json!({"port_id": parent, "name": "stem", "sub_ports": [sub_port(&first, 100)]});
    let trunk = stage.create("trunk", "t", &spec).await;
    assert_eq!(carried(&stage, &trunk).await?, sorted(&[&first]));

    let act = |action: &str, key: &str, sub_ports: Value| {
        let call = acme.post(&format!("{}/actions/{action}", object("trunk", "t"))).key(key);
        call.json(&json!({"spec": {"sub_ports": sub_ports}}))
    };
    let taken = stage.one(Method::PUT, act("add_subports", "k-1", json!([sub_port(&second, 100)]))).await;
    taken.problem(409, "backend_conflict");
    let more = act("add_subports", "k-2", json!([sub_port(&second, 101)]));
    let added = stage.one(Method::PUT, more).await.expect(200);
    assert_eq!(added["/result/description"], "", "the marker is not the caller's business");
    assert_eq!(carried(&stage, &trunk).await?, sorted(&[&first, &second]));

    let (patched, seen) = stage
        .exchanges(acme.patch(&object("trunk", "t")).json(&json!({"spec": {"name": "bole", "sub_ports": []}})))
        .await;
    patched.problem(422, "invalid_spec");
    assert!(seen.is_empty(), "sub-ports are for the actions");
    let patch = acme.patch(&object("trunk", "t")).json(&json!({"spec": {"name": "bole"}}));
    assert_eq!(stage.one(Method::PUT, patch).await.expect(200)["/result/name"], "bole");
    let whole = json!({"spec": {"port_id": parent, "sub_ports": [sub_port(&second, 101), sub_port(&first, 100)]}});
    let replaced = stage.one(Method::PUT, acme.put(&object("trunk", "t")).json(&whole)).await.expect(200);
    assert_eq!(replaced["/result/name"], "");
    let (old, seen) = stage.exchanges(acme.put(&object("trunk", "t")).json(&json!({"spec": spec}))).await;
    let old = old.problem(422, "invalid_spec");
    assert_eq!((&old["/errors/0/pointer"], &old["/sent"]), (&json!("/sub_ports"), &json!("no")));
    assert!(seen.is_empty(), "what the trunk carries is known to be another");

    let less = |key| act("remove_subports", key, json!([{"port_id": second}]));
    stage.one(Method::PUT, less("k-3")).await.expect(200);
    assert_eq!(carried(&stage, &trunk).await?, sorted(&[&first]));
    let gone = stage.one(Method::PUT, less("k-4")).await.problem(422, "invalid_spec");
    assert_eq!(gone["/errors/0/pointer"], "/sub_ports/0/port_id");
    let listed = stage.one(Method::GET, acme.get("/v1/backends/net/objects/trunk")).await.expect(200);
    assert_eq!(listed["/items/0/cmp_id"], "t");
    let held = stage.one(Method::DELETE, acme.delete(&object("port", "p0"))).await;
    held.problem(409, "backend_conflict");
    stage.one(Method::DELETE, acme.delete(&object("trunk", "t"))).await.expect(200);
    stage.one(Method::DELETE, acme.delete(&object("port", "p0"))).await.expect(200);
    Ok(())
}

#[tokio::test]
async fn a_lost_trunk_is_found_and_a_lost_action_is_read() -> Result<()> {
    let Some(stage) = Stage::set("trunk-doubt").await? else { return Ok(()) };
    let acme = stage.acme();
    let [parent, first, second] = ports(&stage).await;
    stage.neutron.lose_reply(Method::POST, "/v2.0/trunks");
    let spec = json!({"port_id": parent, "sub_ports": [sub_port(&first, 100)]});
    let put = acme.put(&object("trunk", "t")).json(&json!({"spec": spec}));
    let lost = stage.one(Method::POST, put).await.problem(502, "backend_connection_lost");
    let resolve = |lost: &str| acme.post(&format!("/v1/operations/{lost}:resolve")).json(&json!({}));
    let resolved = stage.one(Method::GET, resolve(&lost.string("/operation_id"))).await.expect(200);
    assert_eq!(resolved["/operation/resolution/by"], "find");
    let trunk = resolved.string("/mapping/backend_id");

    stage.neutron.lose_reply(Method::PUT, "/v2.0/trunks");
    let more = || {
        let call = acme.post(&format!("{}/actions/add_subports", object("trunk", "t"))).key("more");
        call.json(&json!({"spec": {"sub_ports": [sub_port(&second, 101)]}}))
    };
    let lost = stage.one(Method::PUT, more()).await.problem(502, "backend_connection_lost");
    assert_eq!(lost["/sent"], "maybe");
    assert_eq!(carried(&stage, &trunk).await?, sorted(&[&first, &second]), "Neutron did it");
    // Neutron refuses the second of two, which proves nothing about the first.
    let again = stage.one(Method::PUT, more()).await;
    assert_eq!(again.problem(409, "backend_conflict")["/sent"], "yes");
    let resolved = crosspoint_tests::host::until("the deadline to pass", async || {
        let reply = resolve(&lost.string("/operation_id")).await;
        (reply["/operation/state"] != Value::Null).then_some(reply)
    })
    .await;
    assert_eq!(resolved["/operation/state"], "observed", "{resolved:#?}");
    // What was read is what counts from now on.
    let whole = json!({"spec": {"port_id": parent, "sub_ports": [sub_port(&first, 100), sub_port(&second, 101)]}});
    stage.one(Method::PUT, acme.put(&object("trunk", "t")).json(&whole)).await.expect(200);
    Ok(())
}
