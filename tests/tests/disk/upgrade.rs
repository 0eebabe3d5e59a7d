//! A store that any earlier version wrote is opened, whole, by this one; and so are the drivers that were built for it.

use crosspoint_tests::host::{Host, Options, Reply, Who, create, rule, settings, until};
use serde_json::{Value, json};

use super::frozen::{self, CHANGING, GOING, HELD};

/// Whether a value has all that an earlier one had. There may be members more: later versions say more.
fn has(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            then.iter().all(|(name, then)| now.get(name).is_some_and(|now| has(now, then)))
        }
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| has(now, then))
        }
        _ => now == then,
    }
}

/// What is true after the calls that were under way were cut off.
fn after_the_cut(mut said: Value) -> Value {
    let under_way = |record: &Value| [HELD, CHANGING, GOING].iter().any(|name| record["cmp_id"] == *name);
    for mapping in said["/v1/mappings"].as_array_mut().unwrap() {
        if under_way(mapping) {
            let (cmp_id, marker, backend_id) = (&mapping["cmp_id"], &mapping["marker"], &mapping["backend_id"]);
            *mapping = json!({"cmp_id": cmp_id, "marker": marker, "backend_id": backend_id, "state": "unknown"});
        }
    }
    for operation in said["/v1/operations"].as_array_mut().unwrap() {
        if operation["state"] == "open" {
            let (id, cmp_id, verb) = (&operation["id"], &operation["cmp_id"], &operation["verb"]);
            *operation = json!({"id": id, "cmp_id": cmp_id, "verb": verb, "state": "unknown", "sent": "maybe"});
        }
    }
    // What is true of a process alone: calls in queues and in drivers, and when a driver was compiled.
    for backend in said["/v1/backends"].as_array_mut().unwrap() {
        backend.as_object_mut().unwrap().remove("lanes");
    }
    for driver in said["/v1/drivers"].as_array_mut().unwrap() {
        *driver = json!({
            "name": driver["name"], "version": driver["version"], "digest": driver["digest"], "state": driver["state"],
            "history": driver["history"], "kinds": driver["kinds"],
        });
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frozen_store_is_opened_and_all_of_it_is_true() {
    let names = frozen::all();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        eprintln!("the store that {name} wrote");
        open(&name).await;
    }
}

async fn open(name: &str) {
    let said = frozen::said(name);
    let (appliance, lab) = (frozen::appliance(&said).await, frozen::lab(true).await);
    // Its keys are as old as the store.
    let options = Options { limits: "idempotency_hours = 1000000", ..Options::default() };
    let mut host = Host::start_in(frozen::thaw(name), options).await;
    for restarted in [false, true] {
        if restarted {
            host.restart().await;
        }
        let (mut now, then) = (frozen::recorded(&host).await, after_the_cut(said.clone()));
        // What came after is the cut call's end, and a backend by which the end of the events is known.
        now["/v1/events"].as_array_mut().unwrap().truncate(then["/v1/events"].as_array().unwrap().len());
        now["/v1/backends"].as_array_mut().unwrap().retain(|backend| backend["name"] != "last");
        for list in ["/v1/mappings", "/v1/operations", "/v1/events", "/v1/backends", "/v1/drivers"] {
            let (now, then) = (now[list].as_array().unwrap(), then[list].as_array().unwrap());
            assert_eq!(now.len(), then.len(), "{list} of {name}: {now:#?}");
            for (now, then) in now.iter().zip(then) {
                assert!(has(now, then), "{list} of {name}: {now:#}\nwas {then:#}");
            }
        }
    }

    // The backends have moved; their secrets are those that were sealed then.
    let mut moved = settings(&appliance.url());
    moved["authentication"]["secrets"]["key"] = json!({"set": true});
    moved["limits"] = frozen::limits();
    host.put_backend("fw", &moved).await;
    host.put_backend("lab", &json!({"driver": "hostile", "endpoints": {"default": lab.url()}})).await;
    replays(&host, &said).await;
    every_object_can_be_read(&host, &said).await;
    doubt_can_be_ended(&host).await;
    let acme = host.client(Who::Acme);
    acme.put(&rule("new")).json(&create("new")).await.expect(201);
    acme.delete(&rule("new")).await.expect(200);
    // The package that was active before is still there.
    host.client(Who::Operator).post("/v1/drivers/firewall:rollback").await.expect(200);
    assert_eq!(acme.get(&rule("plain")).await.expect(200)["/result/shadowed"], false);
}

async fn replays(host: &Host, said: &Value) {
    let acme = host.client(Who::Acme);
    for call in said["replays"].as_array().unwrap() {
        let (path, key) = (call["path"].as_str().unwrap(), call["key"].as_str().unwrap());
        let again = acme.put(path).key(key).json(&call["body"]).await;
        let operation = [&again["/operation/id"], &again["/operation_id"]].contains(&&call["operation"]);
        // A replay of 201 is 200: it creates nothing.
        let as_then = u64::from(again.status / 100) == call["status"].as_u64().unwrap() / 100;
        assert!(as_then && operation, "{again:#?}\nwas {call:#}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:#?}");
    }
}

/// The driver is the one that was built then.
async fn every_object_can_be_read(host: &Host, said: &Value) {
    let mut read = 0;
    for mapping in said["/v1/mappings"].as_array().unwrap() {
        if mapping["state"] == "active" {
            let path =
                format!("{}?tenant={}", rule(mapping["cmp_id"].as_str().unwrap()), mapping["tenant"].as_str().unwrap());
            let object = host.client(Who::Operator).get(&path).await.expect(200);
            assert_eq!(object["/result/id"], mapping["backend_id"]);
            read += 1;
        }
    }
    assert_eq!(read, 3, "plain, adopted, and the other tenant's");
}

async fn doubt_can_be_ended(host: &Host) {
    let acme = host.client(Who::Acme);
    let end = async |operation: &Value, how: &str| -> Reply {
        let id = operation["id"].as_str().unwrap();
        until("the deadline to pass", async || {
            let reply = acme.post(&format!("/v1/operations/{id}:{how}")).await;
            (reply["/code"] != "in_doubt").then_some(reply)
        })
        .await
        .success()
    };
    let doubts = acme.get("/v1/operations?state=unknown").await.expect(200).items().to_vec();
    let mut ends = Vec::new();
    for doubt in doubts {
        let ended = end(&doubt, "resolve").await;
        ends.push((doubt["cmp_id"].clone(), ended["/operation/state"].clone()));
    }
    ends.sort_by_key(|(cmp_id, _)| cmp_id.to_string());
    // The held calls never took effect; the lost one did, and its object is found by its marker.
    let ended = [(CHANGING, "observed"), (GOING, "failed"), (HELD, "failed"), ("lost", "succeeded")];
    assert_eq!(ends, ended.map(|(cmp_id, state)| (json!(cmp_id), json!(state))));
    let pending = acme.get("/v1/operations?state=pending").await.expect(200).items().to_vec();
    assert_eq!(pending.len(), 1, "{pending:#?}");
    let done = until("the job to be done", async || {
        let asked = end(&pending[0], "refresh").await;
        (asked.status == 200).then_some(asked)
    })
    .await;
    assert_eq!(done["/mapping/backend_id"], "t-1");
}
