use std::future::IntoFuture as _;

use crosspoint_tests::host::{Call, Scene, Who, create, rule, settings, spec};
use firewall_appliance::Moment;
use serde_json::json;

#[tokio::test]
async fn a_call_that_is_refused_makes_none() {
    let scene = Scene::start().await;
    scene.host.put_backend("other", &settings(&scene.appliance.url())).await;
    scene.created("mine").await;
    let count = scene.appliance.requests().len();
    let who = |who| scene.host.client(who);
    let acme = scene.acme();
    let put = |who_calls: Who, path: &str| who(who_calls).put(path).json(&create("x"));
    let unfit = |spec: serde_json::Value| acme.put(&rule("x")).json(&json!({"spec": spec}));
    let mut colourful = spec("x");
    colourful["colour"] = json!("red");
    let refusals: Vec<(Call, u16, &str)> = vec![
        (put(Who::Nobody, &rule("x")), 401, "unauthenticated"),
        (put(Who::Stranger, &rule("x")), 401, "unauthenticated"),
        (put(Who::Viewer, &rule("x")), 403, "forbidden"),
        (put(Who::Operator, &rule("x")), 400, "invalid_request"),
        (put(Who::Bound, "/v1/backends/other/objects/rule/x"), 404, "unknown_backend"),
        (put(Who::Bound, "/v1/backends/fw/objects/vlan/x"), 403, "forbidden"),
        (put(Who::Acme, "/v1/backends/nowhere/objects/rule/x"), 404, "unknown_backend"),
        (put(Who::Acme, "/v1/backends/fw/objects/vlan/x"), 404, "unknown_kind"),
        (put(Who::Acme, "/v1/backends/f%2Fw/objects/rule/x"), 400, "invalid_request"),
        (put(Who::Acme, &(rule("x") + "?colour=red")), 400, "invalid_request"),
        (unfit(json!({})), 422, "invalid_spec"),
        (unfit(colourful), 422, "invalid_spec"),
        (acme.put(&rule("x")).json(&json!({"spec": {}, "colour": "red"})), 400, "invalid_request"),
        (acme.put(&rule("x")).bytes("application/json", b"{".to_vec()), 400, "invalid_request"),
        (acme.put(&rule("x")).bytes("text/plain", b"{}".to_vec()), 400, "invalid_request"),
        (put(Who::Acme, &rule("mine")).header("if-none-match", "*"), 412, "already_mapped"),
        (put(Who::Acme, &rule("x")).header("if-match", "*"), 412, "stale"),
        (acme.get(&rule("x")), 404, "not_mapped"),
        (acme.patch(&rule("x")).json(&json!({"spec": {}})), 404, "not_mapped"),
        (acme.delete(&rule("x")), 404, "not_mapped"),
        (who(Who::Globex).get(&rule("mine")), 404, "not_mapped"),
        (who(Who::Globex).delete(&rule("mine")), 404, "not_mapped"),
        (acme.get(&(rule("mine") + "?tenant=globex")), 403, "forbidden"),
        (acme.post(&(rule("mine") + "/actions/reset-hits")), 400, "idempotency_key_required"),
        (acme.post(&(rule("mine") + "/actions/explode")).key("k"), 404, "unknown_action"),
        (acme.post("/v1/backends/fw/actions/commit"), 400, "idempotency_key_required"),
        (acme.post("/v1/backends/fw/actions/explode").key("k"), 404, "unknown_action"),
        (acme.post(&(rule("mine") + ":explode")), 404, "unknown_route"),
        (acme.post(&(rule("x") + ":release")), 404, "not_mapped"),
        (acme.post(&(rule("x") + ":adopt")).json(&json!({"backend_id": "rule-1"})), 403, "forbidden"),
        (acme.post("/v1/backends/fw:probe"), 403, "forbidden"),
        (acme.post(&rule("mine")), 404, "unknown_route"),
        (acme.call(http::Method::TRACE, &rule("mine")), 405, "unsupported_verb"),
        (acme.get("/v1/backends/fw/objects"), 404, "unknown_route"),
    ];
    for (number, (call, status, code)) in refusals.into_iter().enumerate() {
        let reply = call.await;
        assert_eq!((reply.status, &reply["/code"]), (status, &json!(code)), "refusal {number}: {reply:#?}");
        let reply = reply.problem(status, code);
        assert_eq!(reply["/sent"], "no", "{reply:#?}");
        assert_eq!(scene.appliance.requests().len(), count, "{reply:#?}");
    }
    assert_eq!(scene.operations("failed").await, Vec::<serde_json::Value>::new(), "a refusal leaves no trace");
}

#[tokio::test]
async fn a_dry_run_shows_the_exchange_and_makes_none() {
    let scene = Scene::start().await;
    scene.created("mine").await;
    let count = scene.appliance.requests().len();
    let acme = scene.acme();
    let url = scene.appliance.url();
    let change = json!({"spec": {"port": 80}});
    let mine = rule("mine") + "?dry_run=true";
    let reset = rule("mine") + "/actions/reset-hits?dry_run=true";
    for (call, method, path) in [
        (acme.put(&(rule("x") + "?dry_run=true")).json(&create("x")), "POST", "/api/v1/rules"),
        (acme.put(&mine).json(&create("x")), "PUT", "/api/v1/rules/rule-1"),
        (acme.get(&mine), "GET", "/api/v1/rules/rule-1"),
        (acme.patch(&mine).json(&change), "PATCH", "/api/v1/rules/rule-1"),
        (acme.delete(&mine), "DELETE", "/api/v1/rules/rule-1"),
        (acme.post(&reset), "POST", "/api/v1/rules/rule-1/hit-count:reset"),
        (acme.post("/v1/backends/fw/actions/commit?dry_run=true"), "POST", "/api/v1/commit"),
    ] {
        let reply = call.await.expect(200);
        assert_eq!((&reply["/dry_run"], &reply["/exchange/endpoint"]), (&json!(true), &json!("default")));
        assert_eq!((&reply["/exchange/method"], &reply["/exchange/url"]), (&json!(method), &json!(url.clone() + path)));
    }
    let shown = acme.patch(&mine).json(&change).await.expect(200);
    assert_eq!(shown["/exchange/body"], json!({"port": 80}));
    assert_eq!(scene.appliance.requests().len(), count);
    assert_eq!(scene.mapping("x").await, json!(null));
}

#[tokio::test]
async fn a_call_on_a_busy_object_makes_none() {
    let scene = Scene::start().await;
    scene.created("a").await;
    scene.appliance.hold(Moment::BeforeEffect);
    let held = tokio::spawn(scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 80}})).into_future());
    scene.appliance.arrived("PATCH", "/api/v1/rules/", 1).await;
    let count = scene.appliance.requests().len();
    let open = scene.operation("open").await;
    for call in [
        scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 81}})),
        scene.acme().put(&rule("a")).json(&create("b")),
        scene.acme().delete(&rule("a")),
        scene.acme().post(&(rule("a") + "/actions/reset-hits")).key("k"),
        scene.acme().post(&(rule("a") + ":release")),
    ] {
        let refused = call.await.problem(409, "object_busy");
        assert_eq!(refused["/operation_id"], open["id"], "{refused:#?}");
    }
    assert_eq!(scene.appliance.requests().len(), count);
    scene.appliance.release();
    assert_eq!(held.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_repeated_call_makes_none() {
    let scene = Scene::start().await;
    for _ in 0..3 {
        let reply = scene.acme().put(&rule("a")).key("k").json(&create("a")).await;
        assert!(reply.status == 201 || reply.header("idempotency-replayed") == Some("true"), "{reply:#?}");
    }
    assert_eq!(scene.appliance.requests().len(), 1);
}
