//! Streams. The suite deletes what it has made, and a stream has to be sealed first: so they are tested here.

use crosspoint_tests::host::{Call, Reply};
use crosspoint_tests::suite::{BACKEND, FarSide as _, HttpFarSide, Stage, Trouble, assert_holds};
use serde_json::{Value, json};

use super::scopes::stage;

fn object(kind: &str, id: &str) -> String {
    format!("/v1/backends/{BACKEND}/objects/{kind}/{id}")
}

fn spec(name: &str) -> Value {
    json!({
        "scopeName": "plant", "streamName": name, "streamTags": ["hall-1"],
        "scalingPolicy": {"type": "BY_RATE_IN_EVENTS_PER_SEC", "targetRate": 100, "scaleFactor": 2, "minSegments": 3},
        "retentionPolicy": {"type": "LIMITED_SIZE_MB", "value": 512},
    })
}

async fn scope(stage: &Stage<HttpFarSide>) {
    let put = stage.acme().put(&object("scope", "plant")).json(&json!({"spec": {"scopeName": "plant"}}));
    stage.one("a scope", put).await.expect(201);
}

fn put(stage: &Stage<HttpFarSide>, id: &str, spec: &Value) -> Call {
    stage.acme().put(&object("stream", id)).json(&json!({"spec": spec}))
}

async fn seal_and_delete(stage: &Stage<HttpFarSide>, id: &str) -> Reply {
    let seal = stage.acme().post(&format!("{}/actions/seal", object("stream", id))).key(&stage.key());
    let sealed = stage.one("to seal it", seal.json(&json!({"spec": {}}))).await.expect(200);
    assert_eq!(sealed["/result/streamState"], "SEALED");
    stage.one("a deletion", stage.acme().delete(&object("stream", id))).await.expect(200)
}

#[tokio::test]
async fn a_stream_lives_its_life_with_one_exchange_a_call() {
    let (stage, controller) = stage().await;
    let refused = stage.one("a stream without its scope", put(&stage, "s", &spec("sensors"))).await;
    assert_eq!(refused.problem(422, "invalid_spec")["/errors/0/pointer"], "/scopeName");
    scope(&stage).await;

    let made = stage.one("a creation", put(&stage, "s", &spec("sensors"))).await.expect(201);
    assert_holds(&made["/result"], &spec("sensors"), "created");
    assert_eq!(made["/mapping/backend_id"], "plant/sensors");
    let marker = format!("crosspoint:{}", made.string("/mapping/marker"));
    assert_eq!(controller.tags("plant", "sensors"), json!(["hall-1", marker]));
    let again = stage.one("one of the same name", put(&stage, "other", &spec("sensors"))).await;
    again.problem(409, "backend_already_exists");

    let read = stage.one("a read", stage.acme().get(&object("stream", "s"))).await.expect(200);
    assert_holds(&read["/result"], &spec("sensors"), "read");
    let list =
        stage.one("a list", stage.acme().get(&format!("/v1/backends/{BACKEND}/objects/stream"))).await.expect(200);
    assert_eq!((list.items().len(), &list.items()[0]["cmp_id"]), (1, &json!("s")));

    let mut other = spec("sensors");
    other["scalingPolicy"] = json!({"type": "FIXED_NUM_SEGMENTS", "minSegments": 4});
    other["rolloverSizeBytes"] = json!(5_000_000_000_u64);
    let replaced = stage.one("a replacement", put(&stage, "s", &other)).await.expect(200);
    assert_holds(&replaced["/result"], &other, "replaced");
    assert_eq!(controller.tags("plant", "sensors"), json!(["hall-1", marker]), "the marker stays");
    stage.none("another name", put(&stage, "s", &spec("renamed"))).await.problem(422, "invalid_spec");

    let early = stage.one("a deletion of what is not sealed", stage.acme().delete(&object("stream", "s"))).await;
    assert_eq!(early.problem(409, "backend_conflict")["/sent"], "yes");
    let held = stage.one("a deletion of a scope with streams", stage.acme().delete(&object("scope", "plant"))).await;
    held.problem(409, "backend_conflict");
    seal_and_delete(&stage, "s").await;
    stage.one("a deletion of the scope", stage.acme().delete(&object("scope", "plant"))).await.expect(200);
}

#[tokio::test]
async fn a_creation_in_doubt_is_resolved_by_the_marker_among_the_tags() {
    let (stage, _controller) = stage().await;
    scope(&stage).await;
    stage.one("a bystander", put(&stage, "bystander", &spec("bystander"))).await.expect(201);

    stage.far.trouble(Trouble::LostReply);
    let lost = stage.one("a creation", put(&stage, "s", &spec("sensors")).key("first")).await;
    let lost = lost.problem(502, "backend_connection_lost");
    assert_eq!(lost["/sent"], "maybe");
    let resolve = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
    let found = stage.one("a resolution", stage.acme().post(&resolve)).await.expect(200);
    assert_eq!((&found["/mapping/state"], &found["/mapping/backend_id"]), (&json!("active"), &json!("plant/sensors")));
    assert_eq!(found["/operation/resolution/by"], "find");
    seal_and_delete(&stage, "s").await;
}

#[tokio::test]
async fn bad_specs_are_refused_at_their_place_and_without_an_exchange() {
    let (stage, _controller) = stage().await;
    for (pointer, value) in [
        ("/streamName", json!("a/b")),
        ("/scalingPolicy/type", json!("AUTO")),
        ("/scalingPolicy/minSegments", json!(0)),
        ("/streamTags/0", json!("x".repeat(257))),
        ("/streamTags/0", json!("crosspoint:mine")),
        ("/retentionPolicy/value", json!(-1)),
    ] {
        let mut spec = spec("sensors");
        *spec.pointer_mut(pointer).unwrap() = value;
        let refused = stage.none(pointer, put(&stage, "s", &spec)).await.problem(422, "invalid_spec");
        assert_eq!(refused["/errors/0/pointer"], pointer, "{refused:#?}");
    }
}
