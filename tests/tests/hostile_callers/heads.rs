//! Heads without end, and paths that mean something else to somebody else.

use crosspoint_tests::host::{Scene, create, rule};
use serde_json::json;

use super::raw::{exchange, head};

#[tokio::test]
async fn a_head_without_end_is_refused_and_does_not_grow() {
    let scene = Scene::start().await;
    let many: Vec<_> = (0..5000).map(|n| format!("X-{n}: y")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let long = format!("X: {}", "y".repeat(1_000_000));
    for bytes in [
        head("GET /livez", &many),
        head("GET /livez", &many[..200]),
        head("GET /livez", &[&long]),
        head(&format!("GET /livez?{}", "a=b&".repeat(100_000)), &[]),
        head(&format!("GET /{}", "a/".repeat(500_000)), &[]),
        head(&format!("{} /livez", "G".repeat(1_000_000)), &[]),
    ] {
        let answers = exchange(&scene, &bytes).await;
        let refused = answers.iter().all(|answer| [400, 414, 431].contains(&answer.status));
        assert!(refused && answers.len() <= 1, "{answers:?}");
    }
    scene.created("a").await;
}

#[tokio::test]
async fn a_query_says_each_thing_once_and_nothing_unknown() {
    let scene = Scene::start().await;
    let thousands = (0..1200).fold(String::new(), |query, n| query + &format!("p{n}=1&"));
    for query in [
        "tenant=acme&tenant=globex",
        "limit=1&limit=2",
        "x=1",
        "limit=1&%6cimit=2",
        "limit=-1",
        "limit=1e3",
        &thousands,
    ] {
        for path in ["/v1/mappings", "/v1/operations", "/v1/backends/fw/objects/rule"] {
            let refused = scene.acme().get(&format!("{path}?{query}")).await;
            assert_eq!(refused.status, 400, "{path}?{query}: {refused:#?}");
            refused.problem(400, "invalid_request");
        }
    }
    for query in ["dry_run=true&dry_run=false", "dry_run=1", "dry_run", "dry_run=TRUE", "dry%5Frun=true&dry_run=false"]
    {
        let call = scene.acme().put(&format!("{}?{query}", rule("a"))).json(&create("a"));
        call.await.problem(400, "invalid_request");
    }
    assert_eq!(scene.appliance.requests().len(), 0);
}

/// What is an id to us must stay one on the way to the backend and back, and lead to no other route of ours.
#[tokio::test]
async fn an_id_that_looks_like_a_path_is_an_id() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let tricks = [
        ("..", ".."),
        (".", "."),
        ("%2e%2e", ".."),
        ("..%2fa", "../a"),
        ("%2e%2e%2f%2e%2e%2fetc", "../../etc"),
        ("%252e%252e%252f", "%2e%2e%2f"),
        ("a;b", "a;b"),
        ("a%3bb", "a;b"),
        ("%5c..%5ca", "\\..\\a"),
        ("a%3fb", "a?b"),
        ("a%23b", "a#b"),
        ("x:adopt", "x:adopt"),
        ("a:release", "a:release"),
        ("a:release:release", "a:release:release"),
        ("%20", " "),
        ("a%26b", "a&b"),
        ("%22", "\""),
        ("%7b%7d", "{}"),
        ("*", "*"),
        ("a%2factions%2freset-hits", "a/actions/reset-hits"),
    ];
    for (number, (written, id)) in tricks.iter().enumerate() {
        let name = format!("rule-{number}");
        let made = scene.acme().put(&rule(written)).json(&create(&name)).await.expect(201);
        assert_eq!(made["/mapping/cmp_id"], *id, "{written}");
        let place = made.header("location").unwrap().to_owned();
        assert_eq!(scene.acme().get(&place).await.expect(200)["/result/name"], name, "{place}");
        let released = scene.acme().post(&format!("{place}:release")).await;
        assert_eq!(released.expect(200)["/mapping/cmp_id"], *id, "{place}");
    }
    // The one that was there first is there still, and was not touched.
    assert_eq!(scene.acme().get(&rule("a")).await.expect(200)["/result/name"], "a");
    for request in scene.appliance.requests() {
        assert!(request.path.starts_with("/api/v1/rules"), "{request:?}");
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_or_no_name_is_refused() {
    let scene = Scene::start().await;
    for path in [
        // Control characters, invalid UTF-8, an overlong slash, half a surrogate, marks of direction.
        rule("%00"),
        rule("a%00b"),
        rule("%0d%0aX:%20y"),
        rule("%7f"),
        rule("%c2%85"),
        rule("%ff"),
        rule("%c0%af"),
        rule("%c0%ae%c0%ae"),
        rule("%ed%a0%80"),
        rule("%e2%80%ae"),
        rule("%e2%81%a6"),
        rule("%ef%bb%bf"),
        rule("%e2%80%a8"),
        "/v1/backends/%66w%00/objects/rule/a".to_owned(),
        "/v1/backends/../objects/rule/a".to_owned(),
        "/v1/backends/fw%2f..%2ffw/objects/rule/a".to_owned(),
        "/v1/backends/fw/objects/rule%2fa/b".to_owned(),
        "/v1/backends/fw/objects/r%75le%ff/a".to_owned(),
    ] {
        let refused = scene.acme().put(&path).json(&create("a")).await;
        assert_eq!(refused.status, 400, "{path}: {refused:#?}");
        refused.problem(400, "invalid_request");
    }
    for path in [
        "//v1/mappings",
        "/v1//mappings",
        "/v1/mappings/",
        "/V1/mappings",
        "/v1/../v1/mappings",
        "/v1/mappings;x=y",
        "/v1/%2e%2e/v1/mappings",
        "/v1/backends/fw/objects/rule/",
        "/v1/backends/fw/objects//a",
        "/v1/mappings%00",
        "/v1/mappings:lookup/",
        "/.%2fv1/mappings",
    ] {
        let refused = scene.acme().get(path).await;
        assert!([400, 404].contains(&refused.status), "{path}: {refused:#?}");
    }
    assert_eq!(scene.appliance.requests().len(), 0);
}

#[tokio::test]
async fn headers_that_contradict_each_other_are_refused() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let patch = || scene.acme().patch(&rule("a")).json(&json!({"spec": {"port": 1}}));
    for (name, value) in [
        ("if-match", "1"),
        ("if-match", "W/\"1\""),
        ("if-match", "\"1\", \"2\""),
        ("if-match", ""),
        ("if-none-match", "\"1\""),
        ("idempotency-key", ""),
    ] {
        patch().header(name, value).await.problem(400, "invalid_request");
    }
    for name in ["if-match", "if-none-match", "idempotency-key", "content-type"] {
        let refused = patch().header(name, "*").header(name, "*").await;
        assert_eq!(refused.status, 400, "{name} twice: {refused:#?}");
    }
    for kind in ["text/plain", "application/xml", "application/json-seq", "application/x-www-form-urlencoded", "json"] {
        let call = scene.acme().patch(&rule("a")).bytes(kind, b"{}".to_vec());
        call.await.problem(400, "invalid_request");
    }
    patch().header("if-match", "*").header("if-none-match", "*").await.problem(400, "invalid_request");
    assert_eq!(scene.appliance.requests().len(), 1);
}
