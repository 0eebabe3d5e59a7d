//! A request under `/v1/backends/{backend}/objects…` makes exactly one backend exchange, or none if it is refused first.
//! Every other request makes none.

mod logins;
mod refusals;

use crosspoint_tests::host::{Scene, create, rule, settings};
use firewall_appliance::{Appliance, Fault, Moment};
use serde_json::{Value, json};

/// Tells what has reached an appliance since it was asked last.
struct Seen<'a> {
    appliance: &'a Appliance,
    count: usize,
}

impl<'a> Seen<'a> {
    fn at(appliance: &'a Appliance) -> Self {
        Self { appliance, count: appliance.requests().len() }
    }

    fn since(&mut self) -> Vec<String> {
        let requests = self.appliance.requests();
        let since = requests[self.count..].iter().map(|request| format!("{} {}", request.method, request.path));
        self.count = requests.len();
        since.collect()
    }
}

#[tokio::test]
async fn each_object_route_makes_one_exchange() {
    let scene = Scene::start().await;
    let (acme, operator) = (scene.acme(), scene.operator());
    let mut seen = Seen::at(&scene.appliance);

    acme.put(&rule("a")).json(&create("a")).await.expect(201);
    assert_eq!(seen.since(), ["POST /api/v1/rules"]);
    acme.get(&rule("a")).await.expect(200);
    assert_eq!(seen.since(), ["GET /api/v1/rules/rule-1"]);
    acme.get("/v1/backends/fw/objects/rule?limit=10").await.expect(200);
    assert_eq!(seen.since(), ["GET /api/v1/rules?limit=10"]);
    acme.patch(&rule("a")).json(&json!({"spec": {"port": 80}})).await.expect(200);
    assert_eq!(seen.since(), ["PATCH /api/v1/rules/rule-1"]);
    acme.put(&rule("a")).json(&create("b")).await.expect(200);
    assert_eq!(seen.since(), ["PUT /api/v1/rules/rule-1"]);
    acme.post(&(rule("a") + "/actions/reset-hits")).key("k1").await.expect(200);
    assert_eq!(seen.since(), ["POST /api/v1/rules/rule-1/hit-count:reset"]);
    acme.post("/v1/backends/fw/actions/commit").key("k2").await.expect(200);
    assert_eq!(seen.since(), ["POST /api/v1/commit"]);
    acme.post(&(rule("a") + ":release")).await.expect(200);
    assert_eq!(seen.since(), [""; 0]);
    let adopted = json!({"backend_id": "rule-1"});
    operator.post(&(rule("c") + ":adopt?tenant=acme")).json(&adopted).await.expect(200);
    assert_eq!(seen.since(), ["GET /api/v1/rules/rule-1"]);
    operator.post("/v1/backends/fw:probe").await.expect(200);
    assert_eq!(seen.since(), ["GET /api/v1/status"]);
    acme.delete(&rule("c")).await.expect(200);
    assert_eq!(seen.since(), ["DELETE /api/v1/rules/rule-1"]);
}

#[tokio::test]
async fn doubt_is_ended_by_one_exchange() {
    let scene = Scene::start().await;
    scene.appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(502);
    let mut seen = Seen::at(&scene.appliance);
    let unknown = scene.operation("unknown").await;
    scene.resolve(&unknown).await.success();
    let found = seen.since();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("GET /api/v1/rules?comment="), "{found:?}");
    scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(200);
    assert_eq!(seen.since(), [""; 0]);
}

#[tokio::test]
async fn the_command_line_makes_as_many_as_the_api() {
    let scene = Scene::start().await;
    let mut seen = Seen::at(&scene.appliance);
    let spec = create("a")["spec"].to_string();
    let cli = async |arguments: &[&str]| scene.host.cli(crosspoint_tests::host::Who::Acme, arguments).await.expect(0);

    cli(&["object", "put", "fw", "rule", "a", "--spec", &spec, "--dry-run"]).await;
    assert_eq!(seen.since(), [""; 0]);
    cli(&["object", "put", "fw", "rule", "a", "--spec", &spec]).await;
    assert_eq!(seen.since(), ["POST /api/v1/rules"]);
    cli(&["mapping", "list"]).await;
    cli(&["operation", "list"]).await;
    assert_eq!(seen.since(), [""; 0]);
    cli(&["object", "action", "fw", "rule", "a", "reset-hits"]).await;
    assert_eq!(seen.since(), ["POST /api/v1/rules/rule-1/hit-count:reset"]);
    cli(&["object", "delete", "fw", "rule", "a"]).await;
    assert_eq!(seen.since(), ["DELETE /api/v1/rules/rule-1"]);
}

/// What goes wrong on the way, at each moment in the course of a request.
fn broken_connections() -> [Fault; 3] {
    [Moment::BeforeEffect, Moment::AfterEffect, Moment::MidReply]
        .map(|moment| Fault { drop: Some(moment), ..Fault::default() })
}

#[tokio::test]
async fn an_exchange_whose_connection_breaks_is_not_repeated() {
    let scene = Scene::start().await;
    let acme = scene.acme();
    for (number, fault) in broken_connections().into_iter().enumerate() {
        let [made, read, changed, gone] = ["made", "read", "changed", "gone"].map(|name| format!("{name}-{number}"));
        for name in [&read, &changed, &gone] {
            scene.created(name).await;
        }
        let mut seen = Seen::at(&scene.appliance);
        for (call, method) in [
            (acme.put(&rule(&made)).json(&create(&made)), "POST"),
            (acme.get(&rule(&read)), "GET"),
            (acme.patch(&rule(&changed)).json(&json!({"spec": {"port": 80}})), "PATCH"),
            (acme.delete(&rule(&gone)), "DELETE"),
        ] {
            scene.appliance.arm(fault.clone());
            let reply = call.await;
            // A deletion's answer has no second half that could be lost.
            if !(method == "DELETE" && fault.drop == Some(Moment::MidReply)) {
                reply.problem(502, "backend_connection_lost");
            }
            let seen = seen.since();
            assert!(seen.len() == 1 && seen[0].starts_with(method), "{method} {fault:?}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn an_exchange_that_takes_too_long_is_not_repeated() {
    let scene = Scene::impatient().await;
    scene.created("a").await;
    let mut seen = Seen::at(&scene.appliance);
    scene.appliance.hold(Moment::AfterEffect);
    scene.acme().get(&rule("a")).await.problem(504, "backend_timeout");
    scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 80}})).await.problem(504, "backend_timeout");
    scene.acme().put(&rule("b")).json(&create("b")).await.problem(504, "backend_timeout");
    scene.appliance.release();
    assert_eq!(seen.since().len(), 3);
}

#[tokio::test]
async fn a_backend_that_was_away_gets_the_next_call_once() {
    let mut scene = Scene::start().await;
    scene.created("a").await;
    scene.appliance.start_again().await.unwrap();
    let count = scene.appliance.requests().len();
    // The connection of the call before lies in the pool, and is dead.
    scene.created("b").await;
    assert_eq!(scene.appliance.requests().len(), count + 1);
}

#[tokio::test]
async fn routes_about_records_make_none() {
    let scene = Scene::start().await;
    let made = scene.created("a").await;
    let operation = made.string("/operation/id");
    let mut seen = Seen::at(&scene.appliance);
    let operator = scene.operator();
    for path in [
        "/v1/mappings",
        "/v1/operations",
        &format!("/v1/operations/{operation}"),
        "/v1/backends",
        "/v1/backends/fw",
        "/v1/drivers",
        "/v1/drivers/firewall",
        "/livez",
        "/readyz",
        "/leaderz",
        "/metrics",
        "/openapi.json",
    ] {
        operator.get(path).await.expect(200);
    }
    let mut events = crosspoint_tests::host::Events::after(&operator, 0).await;
    assert!(events.next().await.is_some());
    let item = json!({"backend": "fw", "kind": "rule", "backend_id": "rule-1"});
    let found = operator.post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
    assert_eq!(found["/items/0/mapping/cmp_id"], "a");
    operator.put("/v1/backends/fw").json(&settings(&scene.appliance.url())).await.expect(200);
    operator.delete("/v1/backends/fw").await.problem(409, "in_use");
    operator.post(&format!("/v1/operations/{operation}:refresh")).await.problem(409, "not_resolvable");
    operator.post(&format!("/v1/operations/{operation}:resolve")).await.problem(409, "already_decided");
    operator.post(&(rule("a") + ":release?tenant=acme")).await.expect(200);
    assert_eq!(scene.mapping("a").await, Value::Null);
    assert_eq!(seen.since(), [""; 0]);
}
