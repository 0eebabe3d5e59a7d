//! Calls with the same `Idempotency-Key` are one call.

use crosspoint_tests::host::{Options, Scene, Who, create, rule};
use firewall_appliance::{Fault, Moment};
use serde_json::json;

#[tokio::test]
async fn the_second_call_gets_the_first_ones_answer_marked_as_a_replay() {
    let scene = Scene::start().await;
    let first = scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    let second = scene.acme().put(&rule("a")).key("k").json(&create("a")).await.success();
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(scene.appliance.requests().len(), 1);
}

#[tokio::test]
async fn a_final_failure_is_replayed_as_well() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let again = async || scene.acme().put(&rule("b")).key("k").json(&create("a")).await;
    let first = again().await.problem(409, "backend_already_exists");
    let second = again().await.problem(409, "backend_already_exists");
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.body, first.body);
    assert_eq!(scene.appliance.requests().len(), 2);
}

#[tokio::test]
async fn a_failure_that_may_be_tried_again_frees_the_key() {
    let scene = Scene::start().await;
    for fault in [503, 429] {
        scene.appliance.arm(Fault { status: Some(fault), ..Fault::default() });
        let name = format!("r-{fault}");
        let call = async || scene.acme().put(&rule(&name)).key(&name).json(&create(&name)).await;
        let failed = call().await;
        assert_eq!((failed.status, &failed["/retryable"]), (503, &json!(true)), "{failed:#?}");
        assert_eq!(call().await.expect(201).header("idempotency-replayed"), None);
    }
}

#[tokio::test]
async fn a_call_that_was_refused_before_anything_was_recorded_has_not_used_its_key() {
    let scene = Scene::start().await;
    scene.acme().put(&rule("a")).key("k").json(&json!({"spec": {}})).await.problem(422, "invalid_spec");
    scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(201);
}

#[tokio::test]
async fn while_the_first_call_is_under_way_the_second_is_told_so() {
    let scene = Scene::start().await;
    scene.appliance.hold(Moment::BeforeEffect);
    let call = || scene.acme().put(&rule("a")).key("k").json(&create("a"));
    let first = tokio::spawn(call().attempt());
    scene.appliance.arrived("POST", "/api/v1/rules", 1).await;
    let open = scene.operation("open").await;
    let second = call().await.problem(409, "idempotency_in_flight");
    assert_eq!((&second["/operation_id"], &second["/retryable"]), (&open["id"], &json!(true)));
    assert!(second.header("retry-after").is_some());
    scene.appliance.release();
    first.await.unwrap().unwrap().expect(201);
    assert_eq!(call().await.success().header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn the_key_of_one_request_is_not_taken_for_another() {
    let scene = Scene::start().await;
    scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(201);
    let mut labelled = create("a");
    labelled["labels"] = json!({"tier": "web"});
    let acme = scene.acme();
    for call in [
        acme.put(&rule("a")).json(&create("b")),
        acme.put(&rule("a")).json(&labelled),
        acme.put(&rule("b")).json(&create("a")),
        acme.patch(&rule("a")).json(&create("a")),
        acme.delete(&rule("a")),
        acme.post(&(rule("a") + "/actions/reset-hits")),
    ] {
        call.key("k").await.problem(422, "idempotency_mismatch");
    }
    // The same request, written in another order, is the same.
    let reordered = br#"{"spec":{"action":"permit","protocol":"tcp","port":443,"destination":"192.0.2.10/32","source":"10.0.0.0/8","name":"a"}}"#;
    let call = acme.put(&rule("a")).key("k").bytes("application/json", reordered.to_vec());
    assert_eq!(call.await.success().header("idempotency-replayed"), Some("true"));
    assert_eq!(scene.appliance.requests().len(), 1);
}

#[tokio::test]
async fn two_tenants_keys_have_nothing_to_do_with_each_other() {
    let scene = Scene::start().await;
    scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(201);
    let theirs = scene.host.client(Who::Globex).put(&rule("a")).key("k").json(&create("theirs")).await.expect(201);
    assert_eq!((&theirs["/mapping/tenant"], &theirs["/mapping/backend_id"]), (&json!("globex"), &json!("rule-2")));
}

#[tokio::test]
async fn an_action_that_is_repeated_is_done_once() {
    let scene = Scene::start().await;
    scene.created("a").await;
    for path in [rule("a") + "/actions/reset-hits", "/v1/backends/fw/actions/commit".to_owned()] {
        scene.acme().post(&path).await.problem(400, "idempotency_key_required");
        let first = scene.acme().post(&path).key(&path).await.expect(200);
        let second = scene.acme().post(&path).key(&path).await.expect(200);
        assert_eq!((second.header("idempotency-replayed"), &second.body), (Some("true"), &first.body));
    }
    assert_eq!(scene.appliance.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_at_once_with_one_key_one_reaches_the_backend() {
    let scene = Scene::with(Options::default(), json!({"mutation_concurrency": 8})).await;
    let calls: Vec<_> =
        (0..8).map(|_| tokio::spawn(scene.acme().put(&rule("a")).key("k").json(&create("a")).attempt())).collect();
    let mut made = 0;
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        made += usize::from(reply.status == 201);
        match reply.status {
            201 => {}
            409 => drop(reply.problem(409, "idempotency_in_flight")),
            _ => assert_eq!(reply.success().header("idempotency-replayed"), Some("true")),
        }
    }
    assert_eq!((made, scene.appliance.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_key_is_remembered_over_a_restart() {
    let mut scene = Scene::start().await;
    let first = scene.acme().put(&rule("a")).key("k").json(&create("a")).await.expect(201);
    assert_eq!(scene.host.stop().await, Some(0));
    scene.host.restart().await;
    let second = scene.acme().put(&rule("a")).key("k").json(&create("a")).await.success();
    assert_eq!((second.header("idempotency-replayed"), &second.body), (Some("true"), &first.body));
}

#[tokio::test]
async fn when_no_more_keys_can_be_promised_new_ones_are_refused_and_calls_without_go_on() {
    let options = Options { limits: "idempotency_keys = 2", ..Options::default() };
    let scene = Scene::with(options, json!({})).await;
    for name in ["a", "b"] {
        scene.acme().put(&rule(name)).key(name).json(&create(name)).await.expect(201);
    }
    let refused = scene.acme().put(&rule("c")).key("c").json(&create("c")).await.problem(503, "idempotency_full");
    assert_eq!(refused["/sent"], "no");
    assert_eq!(
        scene.acme().put(&rule("a")).key("a").json(&create("a")).await.success().header("idempotency-replayed"),
        Some("true")
    );
    scene.created("c").await;
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let scene = Scene::start().await;
    let call = || scene.acme().put(&rule("a")).json(&create("a"));
    call().key("").await.problem(400, "invalid_request");
    call().key(&"k".repeat(256)).await.problem(400, "invalid_request");
    call().key("one").key("two").await.problem(400, "invalid_request");
    call().key(&"k".repeat(255)).await.expect(201);
}
