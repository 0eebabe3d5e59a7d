//! From creation to deletion.

use super::*;

#[tokio::test]
async fn a_network_lives_its_life_through_rest_with_one_exchange_a_call() -> Result<()> {
    let Some(stage) = Stage::set("life-rest").await? else { return Ok(()) };
    let acme = stage.acme();
    let spec = json!({"name": "blue", "description": "for the blue team"});
    let create = acme.put(&object("network", "n-1")).json(&json!({"spec": spec, "labels": {"team": "blue"}}));
    let made = stage.one(Method::POST, create).await.expect(201);
    let id = made.string("/mapping/backend_id");
    assert_eq!(made["/mapping/state"], "active");
    assert_eq!(made["/result/description"], "for the blue team", "the marker is not the caller's business");

    let truth = stage.truth(&format!("/v2.0/networks/{id}")).await?;
    let kept = truth["network"]["description"].as_str().unwrap();
    assert!(kept.starts_with("for the blue team [xp-"), "{kept}");

    let (found, seen) = stage
        .exchanges(async {
            let lookup = json!({"items": [
                {"backend": "net", "kind": "network", "cmp_id": "n-1"},
                {"backend": "net", "kind": "network", "backend_id": id},
            ]});
            acme.post("/v1/mappings:lookup").json(&lookup).await.expect(200)
        })
        .await;
    assert_eq!(found["/items/0/mapping"], found["/items/1/mapping"]);
    assert_eq!(found["/items/0/mapping/backend_id"], id.as_str());
    assert!(seen.is_empty(), "a look-up asks no backend");

    let tag = made.header("etag").unwrap().to_owned();
    let rename =
        acme.patch(&object("network", "n-1")).header("if-match", &tag).json(&json!({"spec": {"name": "azure"}}));
    let renamed = stage.one(Method::PUT, rename).await.expect(200);
    assert_eq!(renamed["/result/name"], "azure");
    assert_ne!(renamed.header("etag"), Some(tag.as_str()));
    let read = stage.one(Method::GET, acme.get(&object("network", "n-1"))).await.expect(200);
    assert_eq!((&read["/result/name"], &read["/result/description"]), (&json!("azure"), &json!("for the blue team")));
    let replaced = acme.put(&object("network", "n-1")).json(&json!({"spec": {"name": "cyan"}}));
    let replaced = stage.one(Method::PUT, replaced).await.expect(200);
    assert_eq!((&replaced["/result/name"], &replaced["/result/description"]), (&json!("cyan"), &json!("")));
    let listed = stage.one(Method::GET, acme.get("/v1/backends/net/objects/network")).await.expect(200);
    assert_eq!(listed["/items/0/cmp_id"], "n-1");

    stage.one(Method::DELETE, acme.delete(&object("network", "n-1"))).await.expect(200);
    let (gone, seen) = stage.exchanges(acme.get(&object("network", "n-1"))).await;
    gone.problem(404, "not_mapped");
    assert!(seen.is_empty());
    let logged = stage.openstack.neutron().access_log(|_, target| target.contains(&id)).await?;
    let logged: Vec<_> = logged.iter().map(|access| access.method.as_str()).collect();
    // The test's own look is the first of the reads.
    assert_eq!(logged, ["GET", "PUT", "GET", "PUT", "DELETE"], "Neutron's own log counts the same");
    Ok(())
}

#[tokio::test]
async fn a_network_lives_its_life_through_the_command_line_with_one_exchange_a_call() -> Result<()> {
    let Some(stage) = Stage::set("life-cli").await? else { return Ok(()) };
    let cli = async |arguments: &[&str]| stage.host.cli(Who::Acme, arguments).await;
    let spec = r#"{"name":"blue"}"#;
    let made =
        stage.one(Method::POST, cli(&["-o", "json", "object", "put", "net", "network", "n-1", "--spec", spec])).await;
    let id = made.expect(0).json()["mapping"]["backend_id"].as_str().unwrap().to_owned();
    let (found, seen) = stage
        .exchanges(async {
            let by_cmp =
                cli(&["-o", "json", "mapping", "lookup", "net", "network", "--cmp-id", "n-1"]).await.expect(0).json();
            let by_backend =
                cli(&["-o", "json", "mapping", "lookup", "net", "network", "--backend-id", &id]).await.expect(0).json();
            (by_cmp.to_string(), by_backend.to_string())
        })
        .await;
    assert!(seen.is_empty());
    assert!(found.0.contains(&id) && found.1.contains("n-1"), "{found:?}");
    let patch = cli(&["object", "patch", "net", "network", "n-1", "--spec", r#"{"name":"azure"}"#]);
    stage.one(Method::PUT, patch).await.expect(0);
    let read = stage.one(Method::GET, cli(&["object", "get", "net", "network", "n-1"])).await.expect(0);
    assert!(read.stdout.contains("azure"), "{}", read.stdout);
    stage.one(Method::DELETE, cli(&["object", "delete", "net", "network", "n-1"])).await.expect(0);
    let absent = cli(&["object", "get", "net", "network", "n-1"]).await.expect(1);
    assert!(absent.stderr.contains("not_mapped"), "{}", absent.stderr);
    Ok(())
}

#[tokio::test]
async fn a_whole_topology_is_built_and_taken_down_one_exchange_at_a_time() -> Result<()> {
    let Some(stage) = Stage::set("topology").await? else { return Ok(()) };
    let acme = stage.acme();
    let network = stage.create("network", "n", &json!({"name": "inner"})).await;
    let subnet = json!({"network_id": network, "ip_version": 4, "cidr": "10.20.0.0/24", "name": "s"});
    let subnet = stage.create("subnet", "s", &subnet).await;
    stage.create("port", "p", &json!({"network_id": network, "name": "p"})).await;
    stage.create("router", "r", &json!({"name": "r"})).await;
    let group = stage.create("security-group", "g", &json!({"name": "web"})).await;
    let rule = json!({
        "security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
        "port_range_min": 443, "port_range_max": 443,
    });
    stage.create("security-group-rule", "gr", &rule).await;

    let interface = format!("{}/actions/add_router_interface", object("router", "r"));
    let spec = json!({"spec": {"subnet_id": subnet}});
    acme.post(&interface).json(&spec).await.problem(400, "idempotency_key_required");
    let added = stage.one(Method::PUT, acme.post(&interface).key("k-1").json(&spec)).await.expect(200);
    assert_eq!(added["/result/subnet_id"], subnet.as_str());
    let (replayed, seen) = stage.exchanges(acme.post(&interface).key("k-1").json(&spec)).await;
    assert_eq!(replayed.expect(200).header("idempotency-replayed"), Some("true"));
    assert!(seen.is_empty(), "a replay asks no backend");
    let remove = format!("{}/actions/remove_router_interface", object("router", "r"));
    stage.one(Method::PUT, acme.post(&remove).key("k-2").json(&spec)).await.expect(200);
    for (kind, cmp_id) in [
        ("security-group-rule", "gr"),
        ("security-group", "g"),
        ("router", "r"),
        ("port", "p"),
        ("subnet", "s"),
        ("network", "n"),
    ] {
        stage.one(Method::DELETE, acme.delete(&object(kind, cmp_id))).await.expect(200);
    }
    assert!(acme.get("/v1/mappings").await.expect(200).items().is_empty());
    Ok(())
}
