//! Problems as in RFC 9457: their shape is checked by [`Reply::problem`](crosspoint_tests::host::Reply::problem), here is
//! what they are about.

use crosspoint_tests::host::{Options, Scene, Who, create, rule};
use serde_json::{Value, json};

fn pointers(reply: &crosspoint_tests::host::Reply) -> Vec<String> {
    let errors = reply["/errors"].as_array().cloned().unwrap_or_default();
    let mut pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect();
    pointers.sort();
    pointers
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_spec_is_told_at_once_and_by_place() {
    let scene = Scene::start().await;
    let mut body = create("a");
    body["spec"]["port"] = json!("https");
    body["spec"]["protocol"] = json!("carrier pigeon");
    let refused = scene.acme().put(&rule("a")).json(&body).await.problem(422, "invalid_spec");
    assert_eq!(pointers(&refused), ["/port", "/protocol"], "{refused:#?}");
    assert_eq!(refused["/sent"], "no");
}

#[tokio::test]
async fn what_the_backend_finds_wrong_is_told_by_place_too() {
    let scene = Scene::start().await;
    let mut body = create("a");
    body["spec"]["source"] = json!("10.0.0.0/33");
    let refused = scene.acme().put(&rule("a")).json(&body).await.problem(422, "invalid_spec");
    assert_eq!(pointers(&refused), ["/source"]);
    assert_eq!((&refused["/sent"], &refused["/backend_status"]), (&json!("yes"), &json!(400)));
    assert_eq!(scene.mapping("a").await, Value::Null);
}

#[tokio::test]
async fn an_unknown_member_of_a_body_is_named_by_its_pointer() {
    let scene = Scene::start().await;
    let strange = json!({"spec": {}, "labels": {"a": 1}});
    let refused = scene.acme().put(&rule("a")).json(&strange).await.problem(400, "invalid_request");
    assert_eq!(pointers(&refused), ["/labels/a"], "{refused:#?}");
    let settings = json!({"driver": "firewall", "endpoints": {"default": "http://x"}, "limits": {"colour": 1}});
    let refused = scene.operator().put("/v1/backends/b").json(&settings).await.problem(400, "invalid_request");
    assert_eq!(pointers(&refused), ["/limits/colour"], "{refused:#?}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let scene = Scene::with(Options { limits: "body_bytes = 2048", ..Options::default() }, json!({})).await;
    let mut body = create("a");
    body["labels"] = json!({"long": "x".repeat(400)});
    scene.acme().put(&rule("a")).json(&body).await.expect(201);
    body["labels"] = json!({"long": "x".repeat(4000)});
    scene.acme().put(&rule("b")).json(&body).await.problem(413, "too_large");
    assert_eq!(scene.appliance.requests().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_nested_too_deep_is_refused() {
    let scene = Scene::start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [65, 100_000] {
            let nested = format!("{{\"spec\":{}1{}}}", open.repeat(depth), close.repeat(depth));
            let refused = scene.acme().put(&rule("a")).bytes("application/json", nested.into_bytes()).await;
            refused.problem(400, "invalid_request");
        }
    }
    // Brackets in a string nest nothing.
    let mut body = create("a");
    body["spec"]["comment"] = json!("[{".repeat(100));
    scene.acme().put(&rule("a")).json(&body).await.expect(201);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let scene = Scene::start().await;
    for body in ["", "{", "nonsense", "{} {}", "[]", "\u{feff}{}", "{\"spec\":\"\\ud800\"}"] {
        let call = scene.acme().put(&rule("a")).bytes("application/json", body.as_bytes().to_vec());
        let refused = call.await;
        // No body stands for an empty object, whose spec does not fit.
        let (status, code) = if body.is_empty() { (422, "invalid_spec") } else { (400, "invalid_request") };
        assert_eq!(refused.status, status, "{body}: {refused:#?}");
        refused.problem(status, code);
    }
    let call = scene.acme().put(&rule("a")).bytes("application/json", vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']);
    call.await.problem(400, "invalid_request");
}

#[tokio::test]
async fn ids_and_names_that_are_none_are_refused() {
    let scene = Scene::start().await;
    for path in [
        "/v1/backends/fw/objects/rule/%00".to_owned(),
        "/v1/backends/fw/objects/rule/%0A".to_owned(),
        "/v1/backends/fw/objects/rule/%FF".to_owned(),
        format!("/v1/backends/fw/objects/rule/{}", "x".repeat(513)),
        "/v1/backends/..%2Ffw/objects/rule/a".to_owned(),
        "/v1/backends/fw/objects/r%20u/a".to_owned(),
    ] {
        let refused = scene.acme().put(&path).json(&create("a")).await;
        assert_eq!(refused.status, 400, "{path}: {refused:#?}");
        refused.problem(400, "invalid_request");
    }
    for id in ["a%2Fb", "%C3%A9", "a%20b", "a:b", &"x".repeat(512), "%25"] {
        let made = scene.acme().put(&rule(id)).json(&create(&id[..id.len().min(60)])).await;
        assert_eq!(made.status, 201, "{id}: {made:#?}");
        let place = made.header("location").unwrap().to_owned();
        assert_eq!(scene.acme().get(&place).await.expect(200)["/mapping/cmp_id"], made["/mapping/cmp_id"]);
    }
}

#[tokio::test]
async fn somebody_without_a_good_token_is_told_how_to_show_one_and_slowed_down_if_insistent() {
    let scene = Scene::start().await;
    let stranger = scene.host.client(Who::Stranger);
    let refused = stranger.get("/v1/mappings").await.problem(401, "unauthenticated");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"crosspoint\""));
    let mut last = refused;
    for _ in 0..20 {
        last = stranger.get("/v1/mappings").await;
    }
    assert!(last.problem(429, "too_many_attempts").header("retry-after").is_some());
    // A good token is not refused for the wrong ones that came from the same address.
    scene.acme().get("/v1/mappings").await.expect(200);
}

#[tokio::test]
async fn a_request_is_known_by_the_id_that_its_caller_gave() {
    let scene = Scene::start().await;
    let named = scene.acme().get("/v1/mappings").header("x-request-id", "trace-17").await;
    assert_eq!(named.header("x-request-id"), Some("trace-17"));
    let forged = scene.acme().get("/v1/mappings").header("x-request-id", "a\tb c").await;
    assert!(forged.header("x-request-id").is_some_and(|id| id.len() == 36));
}

#[tokio::test]
async fn health_needs_no_token_and_everything_else_does() {
    let scene = Scene::start().await;
    let nobody = scene.host.client(Who::Nobody);
    for path in ["/livez", "/readyz", "/leaderz"] {
        nobody.get(path).await.expect(200);
    }
    for path in
        ["/metrics", "/openapi.json", "/v1/mappings", "/v1/operations", "/v1/events", "/v1/backends", "/v1/drivers"]
    {
        nobody.get(path).await.problem(401, "unauthenticated");
    }
    nobody.get("/").await.problem(404, "unknown_route");
}
