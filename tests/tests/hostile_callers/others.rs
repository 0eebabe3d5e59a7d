//! What belongs to another tenant is not there: not to be seen, not to be changed, and not to be guessed from an answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosspoint_tests::host::{Call, Client, Options, Reply, Scene, Who, create, rule};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};

/// An answer without the words that name what was asked for.
fn anonymous(reply: &Reply, names: &[&str]) -> (u16, String) {
    let text = names.iter().fold(reply.body.to_string(), |text, name| text.replace(name, "NAME"));
    (reply.status, text)
}

#[tokio::test]
async fn what_is_anothers_is_answered_like_what_is_nobodys() {
    let scene = Scene::start().await;
    let made = scene.created("theirs").await;
    let (theirs, nobodys) = (made.string("/operation/id"), "01920000-0000-7000-8000-000000000000");
    let globex = scene.host.client(Who::Globex);
    let about_objects: [fn(&Client, &str) -> Call; 9] = [
        |client, id| client.get(&rule(id)),
        |client, id| client.get(&(rule(id) + "?dry_run=true")),
        |client, id| client.patch(&rule(id)).json(&json!({"spec": {"port": 1}})),
        |client, id| client.put(&rule(id)).header("if-match", "*").json(&create("x")),
        |client, id| client.delete(&rule(id)),
        |client, id| client.delete(&rule(id)).key("k"),
        |client, id| client.post(&(rule(id) + "/actions/reset-hits")).key("k"),
        |client, id| client.post(&(rule(id) + ":release")),
        |client, id| client.post(&(rule(id) + ":adopt")).json(&json!({"backend_id": "rule-1"})),
    ];
    let count = scene.appliance.requests().len();
    for call in about_objects {
        let (their, none) = (call(&globex, "theirs").await, call(&globex, "nobodys").await);
        assert!((400..500).contains(&their.status), "{their:#?}");
        assert_eq!(anonymous(&their, &["theirs"]), anonymous(&none, &["nobodys"]));
    }
    let about_operations: [fn(&Client, &str) -> Call; 6] = [
        |client, id| client.get(&format!("/v1/operations/{id}")),
        |client, id| client.post(&format!("/v1/operations/{id}:refresh")),
        |client, id| client.post(&format!("/v1/operations/{id}:resolve")),
        |client, id| client.post(&format!("/v1/operations/{id}:resolve")).json(&json!({"decision": "not_applied"})),
        |client, id| {
            client
                .post(&format!("/v1/operations/{id}:resolve"))
                .json(&json!({"decision": "applied", "backend_id": "x"}))
        },
        |client, id| client.post(&format!("/v1/operations/{id}:cancel")),
    ];
    for call in about_operations {
        let (their, none) = (call(&globex, &theirs).await, call(&globex, nobodys).await);
        assert_eq!(their.status, 404, "{their:#?}");
        assert_eq!(anonymous(&their, &[&theirs]), anonymous(&none, &[nobodys]));
    }
    for question in [json!({"cmp_id": "theirs"}), json!({"backend_id": "rule-1"}), json!({"backend_id": "rule-9"})] {
        let mut item = json!({"backend": "fw", "kind": "rule"});
        item.as_object_mut().unwrap().extend(question.as_object().unwrap().clone());
        let found = globex.post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
        assert_eq!(found.body, json!({"items": [{"mapping": null}]}));
    }
    assert_eq!(scene.appliance.requests().len(), count, "nothing of this reached the backend");
    assert_eq!(scene.acme().get(&rule("theirs")).await.expect(200)["/result/name"], "theirs");
}

#[tokio::test]
async fn anothers_doubt_is_ended_by_its_owner_alone() {
    let scene = Scene::impatient().await;
    scene.appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    scene.acme().put(&rule("a")).json(&create("a")).await;
    let unknown = scene.operation("unknown").await;
    let path = format!("/v1/operations/{}:resolve", unknown["id"].as_str().unwrap());
    for who in [Who::Globex, Who::Stranger, Who::Nobody] {
        let refused = scene.host.client(who).post(&path).json(&json!({"decision": "not_applied"})).await;
        assert!([401, 404].contains(&refused.status), "{who:?}: {refused:#?}");
    }
    let viewer = scene.host.client(Who::Viewer).post(&path).await;
    viewer.problem(403, "forbidden");
    assert_eq!(scene.operation("unknown").await["id"], unknown["id"]);
}

#[tokio::test]
async fn anothers_idempotency_key_gives_neither_its_answer_nor_a_hint_of_it() {
    let scene = Scene::start().await;
    let globex = scene.host.client(Who::Globex);
    scene.acme().put(&rule("a")).key("secret-of-acme").json(&create("a")).await.expect(201);
    let own = globex.put(&rule("a")).key("secret-of-acme").json(&create("b")).await.expect(201);
    assert_eq!((own.header("idempotency-replayed"), &own["/result/name"]), (None, &json!("b")));
    globex.delete(&rule("nobodys")).key("secret-of-acme").await.problem(422, "idempotency_mismatch");
    let fresh = globex.delete(&rule("nobodys")).key("another").await;
    fresh.problem(404, "not_mapped");
}

/// Every cursor that a list of this caller gives.
async fn cursor(client: &Client, path: &str) -> String {
    client.get(&format!("{path}limit=1")).await.expect(200).string("/next_cursor")
}

#[tokio::test]
async fn a_cursor_that_was_bent_shows_nothing_that_its_bearer_may_not_see() {
    let scene = Scene::with(Options::default(), json!({"mutation_concurrency": 4})).await;
    let globex = scene.host.client(Who::Globex);
    for name in ["a", "b", "c"] {
        scene.created(name).await;
        globex.put(&rule(name)).json(&create(&format!("g-{name}"))).await.expect(201);
    }
    let lists =
        ["/v1/mappings?", "/v1/operations?", "/v1/mappings?backend=fw&kind=rule&", "/v1/operations?state=succeeded&"];
    for list in lists {
        for giver in [&globex, &scene.operator()] {
            let given = cursor(giver, list).await;
            let bytes = URL_SAFE_NO_PAD.decode(&given).unwrap();
            let bent = (0..bytes.len() * 8).map(|bit| {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                URL_SAFE_NO_PAD.encode(bytes)
            });
            let cut = (0..bytes.len()).map(|length| URL_SAFE_NO_PAD.encode(&bytes[..length]));
            let others = [given.clone(), format!("{given}AA"), "A".repeat(8000), "*".to_owned(), "%00".to_owned()];
            for cursor in bent.chain(cut).chain(others) {
                let reply = scene.acme().get(&format!("{list}cursor={cursor}")).await;
                match reply.status {
                    200 => {
                        let foreign = reply.items().iter().find(|item| item["tenant"] != "acme");
                        assert_eq!(foreign, None, "{list} {cursor}");
                    }
                    _ => drop(reply.problem(400, "invalid_request")),
                }
            }
        }
    }
    for list in lists {
        for other in lists {
            let reply = scene.acme().get(&format!("{other}cursor={}", cursor(&globex, list).await)).await;
            assert!(reply.status == 400 || reply.items().iter().all(|item| item["tenant"] == "acme"), "{reply:#?}");
        }
    }
}

#[tokio::test]
async fn a_tenant_in_the_query_opens_nothing_to_a_caller() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let globex = scene.host.client(Who::Globex);
    for tenant in ["acme", "ACME", "acme%00", "", "%2e%2e", "acme,globex", "*"] {
        for path in ["/v1/mappings", "/v1/operations", "/v1/events", &rule("a"), "/v1/backends/fw/objects/rule"] {
            let refused = globex.get(&format!("{path}?tenant={tenant}")).await;
            assert!([400, 403].contains(&refused.status), "{path}?tenant={tenant}: {refused:#?}");
        }
    }
    let item = json!({"backend": "fw", "kind": "rule", "cmp_id": "a", "tenant": "acme"});
    globex.post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.problem(403, "forbidden");
    let mine = json!({"backend": "fw", "kind": "rule", "cmp_id": "a", "tenant": "globex"});
    let found = globex.post("/v1/mappings:lookup").json(&json!({"items": [mine]})).await.expect(200);
    assert_eq!(found["/items/0/mapping"], Value::Null);
}
