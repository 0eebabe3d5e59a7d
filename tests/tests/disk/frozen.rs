//! Stores of earlier versions, kept as test data; `tests/data/README.md` says what is in them and how one is added.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crosspoint_tests::host::{
    Client, Events, Host, Options, Recorded, Recorder, Who, create, driver, rule, settings, spec, until,
};
use firewall_appliance::{API_KEY, Appliance, Fault, Moment};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The objects whose calls were under way when the store was frozen: a creation, a change and a deletion.
pub const HELD: &str = "held";
pub const CHANGING: &str = "changing";
pub const GOING: &str = "going";
/// An object at backend `lab`, which the backend is still making.
const THING: &str = "/v1/backends/lab/objects/thing/slow";
/// What is kept of an earlier version besides its files: what it said of them.
const SAID: &str = "said.json";
/// Its data folder, without what is made anew.
const DATA: &str = "data.tar.gz";

/// The lists that tell everything that is recorded.
const LISTS: [&str; 4] = ["/v1/mappings", "/v1/operations", "/v1/backends", "/v1/drivers"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/stores")
}

/// The name of every frozen store.
pub fn all() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = entries
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// What the version that wrote the store said of it.
pub fn said(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(name).join(SAID)).unwrap()).unwrap()
}

/// A folder with a copy of the store's data.
pub fn thaw(name: &str) -> TempDir {
    let copy = TempDir::with_prefix("crosspoint-").unwrap();
    tar(&["-xzf", folder().join(name).join(DATA).to_str().unwrap(), "-C", copy.path().to_str().unwrap()]);
    copy
}

fn tar(arguments: &[&str]) {
    let ended = Command::new("tar").args(arguments).status().unwrap();
    assert!(ended.success(), "tar {arguments:?}");
}

/// A backend that makes things in jobs; they are done from the moment that this says so.
pub async fn lab(done: bool) -> Recorder {
    Recorder::start(move |request: &Recorded| match request.target.as_str() {
        "/things" => (202, Vec::new(), json!({"id": "job-1"})),
        _ if done => (200, Vec::new(), json!({"state": "done", "id": "t-1"})),
        _ => (200, Vec::new(), json!({"state": "running"})),
    })
    .await
}

/// An appliance that has the rules that were there when the store was frozen, under the same ids.
pub async fn appliance(said: &Value) -> Appliance {
    let appliance = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut number = 0;
    for rule in said["rules"].as_array().unwrap() {
        number += 1;
        assert_eq!(rule["id"], format!("rule-{number}"), "a frozen store leaves no gaps");
        let mut spec = rule.clone();
        spec.as_object_mut().unwrap().retain(|member, _| !["id", "revision", "hits", "shadowed"].contains(&&**member));
        made_at(&appliance, &spec).await;
    }
    appliance
}

async fn made_at(appliance: &Appliance, spec: &Value) {
    let direct = Client::of(appliance.addr()).post("/api/v1/rules").header("x-api-key", API_KEY);
    direct.json(spec).await.expect(201);
}

/// The limits of backend `fw`: doubt can soon be over, but not before the store is frozen.
pub fn limits() -> Value {
    json!({"mutation_concurrency": 4, "connect_timeout_ms": 500, "reply_timeout_ms": 3000})
}

/// Everything that a server says of its records, and the events so far.
pub async fn recorded(host: &Host) -> Value {
    let operator = host.client(Who::Operator);
    let mut said = json!({});
    for list in LISTS {
        said[list] = operator.get(&format!("{list}?limit=1000")).await.expect(200)["/items"].clone();
    }
    // The last event that is waited for is one that is made now.
    host.put_backend("last", &json!({"driver": "firewall", "endpoints": {"default": "http://127.0.0.1:9"}})).await;
    let mut events = Events::after(&operator, 0).await;
    let mut seen = Vec::new();
    loop {
        let event = events.next().await.unwrap();
        if event.data["backend"] == "last" {
            said["/v1/events"] = Value::from(seen);
            return said;
        }
        seen.push(json!({"id": event.id, "name": event.name, "data": event.data}));
    }
}

/// Makes a record of every sort, by calls alone: each state of a mapping and of an operation, labels, keys, secrets, a
/// driver with a history, and a call that is cut off.
async fn fill(host: &mut Host, appliance: &Appliance, lab: &Recorder) -> Value {
    for name in ["firewall", "firewall-next", "hostile"] {
        host.load_driver(driver(name)).await;
    }
    let (operator, acme, globex) = (host.client(Who::Operator), host.client(Who::Acme), host.client(Who::Globex));
    operator.post("/v1/drivers/firewall:rollback").await.expect(200);
    let mut settings = settings(&appliance.url());
    settings["limits"] = limits();
    host.put_backend("fw", &settings).await;
    host.put_backend("lab", &json!({"driver": "hostile", "endpoints": {"default": lab.url()}})).await;

    let labelled = json!({"spec": spec("plain"), "labels": {"tier": "web"}});
    let plain = acme.put(&rule("plain")).key("of-plain").json(&labelled).await.expect(201);
    acme.patch(&rule("plain")).json(&json!({"spec": {"port": 80}})).await.expect(200);
    globex.put(&rule("plain")).json(&create("theirs")).await.expect(201);
    made_at(appliance, &spec("found")).await;
    let adoption = json!({"backend_id": "rule-3"});
    operator.post(&(rule("adopted") + ":adopt?tenant=acme")).json(&adoption).await.expect(200);
    let failed = acme.put(&rule("failed")).key("of-failed").json(&create("theirs")).await;
    assert!(failed.status >= 400, "{failed:?}");
    appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    acme.put(&rule("lost")).key("of-lost").json(&create("lost")).await.expect(502);
    acme.put(THING).key("of-slow").json(&json!({"spec": {"do": "wait"}})).await.expect(202);
    acme.put(&rule("released")).json(&create("released")).await.expect(201);
    acme.post(&(rule("released") + ":release")).await.expect(200);
    for name in [CHANGING, GOING] {
        acme.put(&rule(name)).json(&create(name)).await.expect(201);
    }
    appliance.hold(Moment::BeforeEffect);
    let held: Vec<_> = [
        acme.put(&rule(HELD)).key("of-held").json(&create(HELD)),
        acme.patch(&rule(CHANGING)).json(&json!({"spec": {"port": 80}})),
        acme.delete(&rule(GOING)),
    ]
    .into_iter()
    .map(|call| tokio::spawn(call.attempt()))
    .collect();
    until("three calls under way", async || {
        let open = acme.get("/v1/operations?state=open").await.expect(200);
        (open.items().len() == held.len()).then_some(())
    })
    .await;
    let mut said = recorded(host).await;
    said["rules"] = serde_json::to_value(appliance.rules()).unwrap();
    said["replays"] = json!([
        {"key": "of-plain", "path": rule("plain"), "body": labelled, "status": 201, "operation": plain["/operation/id"]},
        {"key": "of-failed", "path": rule("failed"), "body": create("theirs"), "status": failed.status,
         "operation": failed["/operation_id"]},
    ]);
    host.kill().await;
    for held in held {
        assert!(held.await.unwrap().is_err(), "it was cut off");
    }
    said
}

/// Writes a store with the program of `CROSSPOINT_BIN` and the drivers of `CROSSPOINT_DRIVERS_DIR`, and keeps it under
/// the name in `CROSSPOINT_FREEZE`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "makes test data: see tests/data/README.md"]
async fn freeze_a_store() {
    let name = std::env::var("CROSSPOINT_FREEZE").expect("CROSSPOINT_FREEZE: the name of the frozen store");
    let appliance = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let lab = lab(false).await;
    let mut host = Host::start(Options::default()).await;
    let said = fill(&mut host, &appliance, &lab).await;
    let kept = folder().join(name);
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join(SAID), serde_json::to_string_pretty(&said).unwrap() + "\n").unwrap();
    let (archive, beside) = (kept.join(DATA), host.data().parent().unwrap().to_owned());
    tar(&[
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "-czf",
        archive.to_str().unwrap(),
        "-C",
        beside.to_str().unwrap(),
        "data",
    ]);
}
