//! Calls that the backend accepts and works on: 202, and one exchange each time that somebody asks.

use std::sync::{Arc, Mutex};

use crosspoint_tests::host::{Events, Host, Options, Recorded, Recorder, Reply, Who, driver};
use serde_json::{Value, json};

const THING: &str = "/v1/backends/lab/objects/thing/a";

/// A backend that makes things in jobs, and what it says of a job when it is asked.
struct Factory {
    host: Host,
    lab: Recorder,
    says: Arc<Mutex<(u16, Value)>>,
}

impl Factory {
    async fn start() -> Self {
        let says = Arc::new(Mutex::new((200, json!({"state": "running"}))));
        let told = Arc::clone(&says);
        let lab = Recorder::start(move |request: &Recorded| match request.target.as_str() {
            "/things" => (202, Vec::new(), json!({"id": "job-1"})),
            _ => {
                let (status, body) = told.lock().unwrap().clone();
                (status, Vec::new(), body)
            }
        });
        let lab = lab.await;
        let host = Host::start(Options::default()).await;
        host.load_driver(driver("hostile")).await;
        host.put_backend("lab", &json!({"driver": "hostile", "endpoints": {"default": lab.url()}})).await;
        Self { host, lab, says }
    }

    fn says(&self, status: u16, body: Value) {
        *self.says.lock().unwrap() = (status, body);
    }

    async fn create(&self) -> Reply {
        let body = json!({"spec": {"do": "wait"}, "labels": {"tier": "web"}});
        self.host.client(Who::Acme).put(THING).key("k").json(&body).await
    }

    async fn refresh(&self, accepted: &Reply) -> Reply {
        let id = accepted.string("/operation/id");
        self.host.client(Who::Acme).post(&format!("/v1/operations/{id}:refresh")).await
    }
}

#[tokio::test]
async fn a_call_that_was_accepted_is_asked_about_until_it_is_done() {
    let factory = Factory::start().await;
    let mut events = Events::after(&factory.host.client(Who::Acme), 0).await;
    let accepted = factory.create().await.expect(202);
    let id = accepted.string("/operation/id");
    assert_eq!(accepted.header("location"), Some(format!("/v1/operations/{id}").as_str()));
    assert_eq!((&accepted["/mapping/state"], &accepted["/mapping/backend_id"]), (&json!("pending"), &Value::Null));
    assert_eq!((&accepted["/operation/state"], &accepted["/operation/sent"]), (&json!("pending"), &json!("yes")));

    let going_on = factory.refresh(&accepted).await.expect(202);
    assert_eq!(going_on["/operation/state"], "pending");
    factory.says(200, json!({"state": "done", "id": "t-1"}));
    let done = factory.refresh(&accepted).await.success();
    assert_eq!((&done["/mapping/state"], &done["/mapping/backend_id"]), (&json!("active"), &json!("t-1")));
    assert_eq!((&done["/operation/state"], &done["/operation/resolution/by"]), (&json!("succeeded"), &json!("poll")));
    assert_eq!(done["/mapping/labels"], json!({"tier": "web"}));
    factory.refresh(&accepted).await.problem(409, "not_resolvable");

    let targets: Vec<_> = factory.lab.requests().iter().map(|request| request.target.clone()).collect();
    assert_eq!(targets, ["/things", "/jobs/job-1", "/jobs/job-1"], "one exchange each");
    let told: Vec<_> = events.take(4).await.iter().map(crosspoint_tests::host::Event::told).collect();
    assert_eq!(told, ["mapping.creating a", "mapping.pending a", "mapping.pending a", "mapping.active a"]);
}

#[tokio::test]
async fn while_the_backend_works_on_an_object_nothing_else_happens_to_it() {
    let factory = Factory::start().await;
    let accepted = factory.create().await.expect(202);
    let acme = factory.host.client(Who::Acme);
    let released = acme.post(&format!("{THING}:release")).await.problem(409, "object_busy");
    assert_eq!(released["/operation_id"], accepted["/operation/id"]);
    let again = factory.create().await.expect(202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let id = accepted.string("/operation/id");
    acme.post(&format!("/v1/operations/{id}:resolve")).await.problem(409, "already_decided");
    assert_eq!(factory.lab.requests().len(), 1);
}

#[tokio::test]
async fn a_job_that_failed_leaves_no_object_and_trouble_with_asking_decides_nothing() {
    let factory = Factory::start().await;
    let accepted = factory.create().await.expect(202);
    for (status, code) in [
        (500, "backend_fault"),
        (503, "backend_unavailable"),
        (404, "backend_not_found"),
        (401, "backend_unauthenticated"),
    ] {
        factory.says(status, json!({}));
        let failed = factory.refresh(&accepted).await;
        assert_eq!(failed["/code"], code, "{failed:#?}");
        assert_eq!(failed["/operation_id"], accepted["/operation/id"]);
    }
    let pending = factory.host.client(Who::Acme).get("/v1/operations?state=pending").await.expect(200);
    assert_eq!(pending.items().len(), 1);
    factory.says(200, json!({"state": "failed"}));
    let failed = factory.refresh(&accepted).await.success();
    let ended = (&failed["/operation/state"], &failed["/operation/problem/code"], &failed["/mapping"]);
    assert_eq!(ended, (&json!("failed"), &json!("backend_conflict"), &Value::Null));
}

#[tokio::test]
async fn a_crash_leaves_a_pending_call_pending() {
    let mut factory = Factory::start().await;
    let accepted = factory.create().await.expect(202);
    factory.host.restart().await;
    factory.says(200, json!({"state": "done", "id": "t-1"}));
    let done = factory.refresh(&accepted).await.success();
    assert_eq!((&done["/mapping/state"], &done["/mapping/backend_id"]), (&json!("active"), &json!("t-1")));
}

#[tokio::test]
async fn what_the_backend_has_forgotten_is_ended_by_decision() {
    for (decision, state, mapping) in [
        (json!({"decision": "not_applied"}), "failed", Value::Null),
        (json!({"decision": "applied", "backend_id": "t-1"}), "succeeded", json!("active")),
    ] {
        let factory = Factory::start().await;
        let accepted = factory.create().await.expect(202);
        factory.says(404, json!({}));
        assert_eq!(factory.refresh(&accepted).await["/code"], "backend_not_found");
        let asked = factory.lab.requests().len();

        let acme = factory.host.client(Who::Acme);
        let resolve = format!("/v1/operations/{}:resolve", accepted.string("/operation/id"));
        acme.post(&resolve).json(&json!({"decision": "applied"})).await.problem(400, "invalid_request");
        let ended = acme.post(&resolve).json(&decision).await.success();
        assert_eq!((&ended["/operation/state"], &ended["/mapping/state"]), (&json!(state), &mapping), "{ended:#?}");
        assert_eq!(ended["/operation/resolution/by"], "decision");
        acme.post(&resolve).json(&decision).await.problem(409, "already_decided");
        assert_eq!(factory.lab.requests().len(), asked, "a decision is no exchange");
    }
}
