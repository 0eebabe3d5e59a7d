//! Every call runs in a fresh instance, under a deadline and a memory limit. A trap, a loop or a leak in a driver is
//! that call's error, never the server's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crosspoint_tests::host::{Client, Options, Recorder, Reply, Scene, Who, create, driver, rule};
use serde_json::{Value, json};

/// What the hostile driver can do, at what size, and what is said of it.
const HARMS: [(&str, usize, &str); 7] = [
    ("trap", 0, "it trapped"),
    ("panic", 7, "the spec asked for it: 7"),
    ("loop", 0, "ms of CPU"),
    ("allocate", 64 << 20, "it wanted more memory"),
    ("return_huge", 2 << 20, "larger than the limit"),
    ("recurse", 0, "it trapped"),
    ("garbage", 0, "it broke the contract"),
];

/// The ordinary scene, with the hostile driver and its backend `lab` beside the appliance.
struct Laboratory {
    scene: Scene,
    lab: Recorder,
}

impl Laboratory {
    async fn start() -> Self {
        let driver_limits = "deadline_ms = 400\nmemory_mib = 16\noutput_mib = 1";
        let scene = Scene::with(Options { driver: driver_limits, ..Options::default() }, json!({})).await;
        scene.host.load_driver(driver("hostile")).await;
        let things = AtomicU64::new(0);
        let things = Arc::new(things);
        let lab = Recorder::start(move |_| {
            let id = format!("t-{}", things.fetch_add(1, Ordering::Relaxed));
            (201, Vec::new(), json!({"id": id}))
        });
        let lab = lab.await;
        let settings =
            json!({"driver": "hostile", "endpoints": {"default": lab.url()}, "limits": {"mutation_concurrency": 8}});
        scene.host.put_backend("lab", &settings).await;
        Self { scene, lab }
    }

    async fn harm(&self, cmp_id: &str, harm: &str, phase: &str, size: usize) -> Reply {
        let spec = json!({"do": harm, "in": phase, "size": size});
        self.scene.acme().put(&thing(cmp_id)).json(&json!({"spec": spec})).await
    }

    async fn mapping(&self, cmp_id: &str) -> Value {
        let item = json!({"backend": "lab", "kind": "thing", "cmp_id": cmp_id});
        let found = self.scene.acme().post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
        found["/items/0/mapping"].clone()
    }
}

fn thing(cmp_id: &str) -> String {
    format!("/v1/backends/lab/objects/thing/{cmp_id}")
}

#[tokio::test]
async fn harm_before_the_exchange_leaves_no_trace() {
    let laboratory = Laboratory::start().await;
    for (harm, size, said) in HARMS {
        let reply = laboratory.harm(harm, harm, "encode", size).await.problem(502, "driver_failed");
        assert!(reply.string("/detail").contains(said), "{harm}: {reply:#?}");
        assert!(reply.string("/detail").starts_with("driver hostile@0.1.0, encode: "), "{harm}: {reply:#?}");
        assert_eq!((&reply["/sent"], &reply["/operation_id"]), (&json!("no"), &Value::Null));
        assert_eq!(laboratory.mapping(harm).await, Value::Null);
        assert_eq!(laboratory.lab.requests().len(), 0, "{harm}");
    }
    laboratory.harm("after", "nothing", "encode", 0).await.expect(201);
    let traps = laboratory.scene.host.metric(r#"crosspoint_driver_traps_total{driver="hostile"}"#).await;
    assert_eq!(traps, Some(7.0));
}

#[tokio::test]
async fn harm_after_the_exchange_leaves_the_call_in_doubt_and_nothing_else() {
    let laboratory = Laboratory::start().await;
    for (number, (harm, size, said)) in HARMS.into_iter().enumerate() {
        let reply = laboratory.harm(harm, harm, "decode", size).await.problem(502, "driver_failed");
        assert!(reply.string("/detail").contains(said), "{harm}: {reply:#?}");
        assert_eq!((&reply["/sent"], &reply["/backend_status"]), (&json!("yes"), &json!(201)), "{harm}: {reply:#?}");
        let mapping = laboratory.mapping(harm).await;
        assert_eq!((&mapping["state"], &mapping["operation"]), (&json!("unknown"), &reply["/operation_id"]));
        assert_eq!(laboratory.lab.requests().len(), number + 1, "{harm}");
    }
    laboratory.harm("after", "nothing", "decode", 0).await.expect(201);
    laboratory.scene.created("elsewhere").await;
    assert_eq!(laboratory.scene.operations("unknown").await.len(), HARMS.len());
}

/// Row "reply came, outcome not committed" of the table of crashes: the driver keeps the outcome from being known.
#[tokio::test]
async fn a_crash_while_the_reply_is_being_understood_leaves_the_call_in_doubt() {
    let mut scene = Scene::with(Options { driver: "deadline_ms = 60000", ..Options::default() }, json!({})).await;
    scene.host.load_driver(driver("hostile")).await;
    let lab = Recorder::start(|_| (201, Vec::new(), json!({"id": "t-1"}))).await;
    scene.host.put_backend("lab", &json!({"driver": "hostile", "endpoints": {"default": lab.url()}})).await;
    let body = json!({"spec": {"do": "loop", "in": "decode"}});
    let pending = tokio::spawn(scene.acme().put(&thing("a")).key("k").json(&body).attempt());
    crosspoint_tests::host::until("the exchange", async || (!lab.requests().is_empty()).then_some(())).await;
    scene.host.kill().await;
    assert!(pending.await.unwrap().is_err());
    scene.host.restart().await;

    let unknown = scene.operation("unknown").await;
    // The kind carries no marker, so no read can tell: somebody has to say.
    scene.resolve(&unknown).await.problem(409, "not_resolvable");
    let id = unknown["id"].as_str().unwrap();
    let applied = json!({"decision": "applied", "backend_id": "t-1"});
    let decided = scene.acme().post(&format!("/v1/operations/{id}:resolve")).json(&applied).await.success();
    assert_eq!((&decided["/mapping/state"], &decided["/mapping/backend_id"]), (&json!("active"), &json!("t-1")));
    assert_eq!(lab.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_one_driver_does_harm_every_call_on_another_succeeds() {
    let laboratory = Laboratory::start().await;
    let over = Arc::<AtomicBool>::default();
    let callers: Vec<_> = (0..3)
        .map(|number| tokio::spawn(good_calls(laboratory.scene.acme(), format!("good-{number}"), Arc::clone(&over))))
        .collect();
    for (harm, size, _) in HARMS {
        for phase in ["encode", "decode"] {
            laboratory.harm(&format!("{harm}-{phase}"), harm, phase, size).await.problem(502, "driver_failed");
        }
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0, "no good call was made meanwhile");
    }
}

/// Creates, reads and deletes an object until it is over; gives how often. Any failure fails the test.
async fn good_calls(client: Client, name: String, over: Arc<AtomicBool>) -> usize {
    let mut rounds = 0;
    while !over.load(Ordering::Relaxed) {
        client.put(&rule(&name)).json(&create(&name)).await.expect(201);
        client.get(&rule(&name)).await.expect(200);
        client.delete(&rule(&name)).await.expect(200);
        rounds += 1;
    }
    rounds
}

#[tokio::test]
async fn what_a_driver_keeps_in_its_statics_is_gone_with_the_call() {
    let laboratory = Laboratory::start().await;
    let calls: Vec<_> = (0..16)
        .map(|number| {
            let body = json!({"spec": {"do": "remember", "in": "decode"}});
            tokio::spawn(laboratory.scene.acme().put(&thing(&number.to_string())).json(&body).attempt())
        })
        .collect();
    for call in calls {
        let reply = call.await.unwrap().unwrap().expect(201);
        assert_eq!(reply["/mapping/backend_revision"], "0", "an instance had been used before: {reply:#?}");
    }
}

#[tokio::test]
async fn one_tenants_call_is_not_shown_to_another() {
    let laboratory = Laboratory::start().await;
    let failed = laboratory.harm("a", "panic", "decode", 1).await.problem(502, "driver_failed");
    let operation = format!("/v1/operations/{}", failed.string("/operation_id"));
    let globex = laboratory.scene.host.client(Who::Globex);
    globex.get(&operation).await.problem(404, "unknown_operation");
    assert_eq!(globex.get("/v1/operations?state=unknown").await.expect(200).items().len(), 0);
}
