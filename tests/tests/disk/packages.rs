//! Compiled drivers of earlier versions, kept as test data: they run on every later host.

use std::fs;
use std::path::Path;

use crosspoint_tests::host::{Host, Options, Who, create, rule, settings};
use firewall_appliance::Appliance;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_driver_that_was_ever_compiled_runs_as_it_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/drivers");
    let packages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(packages.iter().any(|path| path.ends_with("firewall-b725090.wasm")), "{packages:?}");
    for package in packages {
        eprintln!("{}", package.display());
        let appliance = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let host = Host::start(Options::default()).await;
        host.load_driver(fs::read(&package).unwrap()).await;
        host.put_backend("fw", &settings(&appliance.url())).await;
        let acme = host.client(Who::Acme);
        let made = acme.put(&rule("a")).key("k").json(&create("a")).await.expect(201);
        assert_eq!(made["/mapping/backend_id"], "rule-1");
        assert_eq!(acme.get(&rule("a")).await.expect(200)["/result/name"], "a");
        acme.patch(&rule("a")).json(&json!({"spec": {"port": 80}})).await.expect(200);
        let tag = acme.get(&rule("a")).await.expect(200).header("etag").unwrap().to_owned();
        let replaced = acme.put(&rule("a")).header("if-match", &tag).json(&create("a")).await.expect(200);
        assert_eq!(replaced["/result/port"], 443);
        acme.put(&rule("a")).header("if-match", &tag).json(&create("a")).await.expect(412);
        let listed = acme.get("/v1/backends/fw/objects/rule").await.expect(200);
        assert_eq!(listed.items().len(), 1, "{listed:#?}");
        acme.post(&(rule("a") + "/actions/reset-hits")).key("r").await.expect(200);
        host.client(Who::Operator).post("/v1/backends/fw:probe").await.expect(200);
        let refused = acme.put(&rule("b")).json(&json!({"spec": {"name": ""}})).await;
        refused.problem(422, "invalid_spec");
        acme.delete(&rule("a")).await.expect(200);
        assert_eq!(appliance.rules().len(), 0);
    }
}
