//! Lists come in pages; a cursor names a place, never a right.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosspoint_tests::host::{Client, Scene, Who, create, rule};
use serde_json::{Value, json};

/// Every page of a list, as it is followed by its cursors.
async fn pages(client: &Client, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}{cursor}")).await.expect(200);
        pages.push(page.items().to_vec());
        match page["/next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

async fn five_rules(scene: &Scene) {
    for name in ["a", "b", "c", "d", "e"] {
        let mut body = create(name);
        body["labels"] = json!({"tier": if name < "c" { "web" } else { "db" }, "env": "prod"});
        scene.acme().put(&rule(name)).json(&body).await.expect(201);
    }
    scene.host.client(Who::Globex).put(&rule("theirs")).json(&create("theirs")).await.expect(201);
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["cmp_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_mapping_is_on_exactly_one_page() {
    let scene = Scene::start().await;
    five_rules(&scene).await;
    for filter in ["", "backend=fw&", "backend=fw&kind=rule&", "label=env%3Dprod&"] {
        let pages = pages(&scene.acme(), &format!("/v1/mappings?{filter}limit=2")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1], "{filter}");
        assert_eq!(ids(&pages.concat()), ["a", "b", "c", "d", "e"], "{filter}");
    }
    let full = pages(&scene.acme(), "/v1/mappings?limit=5").await;
    assert_eq!(full.len(), 1, "a page that holds all has no next");
    let everyones: BTreeSet<_> =
        pages(&scene.operator(), "/v1/mappings?limit=1").await.concat().iter().map(Value::to_string).collect();
    assert_eq!(everyones.len(), 6);
}

#[tokio::test]
async fn operations_come_latest_first_page_by_page() {
    let scene = Scene::start().await;
    five_rules(&scene).await;
    let pages = pages(&scene.acme(), "/v1/operations?limit=2").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(ids(&pages.concat()), ["e", "d", "c", "b", "a"]);
    let filtered = scene.acme().get("/v1/operations?kind=rule&cmp_id=b&state=succeeded").await.expect(200);
    assert_eq!(ids(filtered.items()), ["b"]);
}

#[tokio::test]
async fn filters_narrow_and_unknown_ones_are_refused() {
    let scene = Scene::start().await;
    five_rules(&scene).await;
    let list = async |query: &str| scene.acme().get(&format!("/v1/mappings?{query}")).await;
    for (query, expected) in [
        ("label=tier%3Dweb", vec!["a", "b"]),
        ("label=tier%3Dweb,env%3Dprod", vec!["a", "b"]),
        ("label=tier%3Dcache", vec![]),
        ("cmp_id=c", vec!["c"]),
        ("backend=fw&kind=rule&cmp_id=c", vec!["c"]),
        ("backend=fw&kind=rule&backend_id=rule-4", vec!["d"]),
        ("backend_id=rule-4", vec!["d"]),
        ("state=active&backend=fw", vec!["a", "b", "c", "d", "e"]),
        ("state=unknown", vec![]),
        ("backend=nowhere", vec![]),
        ("kind=vlan", vec![]),
    ] {
        assert_eq!(ids(list(query).await.expect(200).items()), expected, "{query}");
    }
    for query in ["limit=0", "limit=1001", "limit=-1", "limit=x", "state=happy", "label=web", "colour=red"] {
        list(query).await.problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_cursor_that_no_list_gave_is_refused_and_opens_nothing() {
    let scene = Scene::start().await;
    five_rules(&scene).await;
    let given = scene.acme().get("/v1/operations?limit=1").await.expect(200).string("/next_cursor");
    let globex = scene.host.client(Who::Globex);
    // As a cursor of the mappings is made, with another tenant's place in it.
    let forged = URL_SAFE_NO_PAD.encode(b"\x01acme\0fw\0rule\0a");
    for cursor in ["", "!", "AAAA", "zzzzzzzz", &given, &forged] {
        let refused = globex.get(&format!("/v1/mappings?cursor={cursor}")).await;
        assert_eq!(refused.status, 400, "{cursor}: {refused:#?}");
        refused.problem(400, "invalid_request");
    }
    let everything = URL_SAFE_NO_PAD.encode(b"\x01");
    let seen = globex.get(&format!("/v1/mappings?cursor={everything}")).await;
    assert!(seen.status == 400 || ids(seen.items()) == ["theirs"], "{seen:#?}");
    // What a cursor stands for may be gone; the list goes on behind it.
    let page = scene.acme().get("/v1/mappings?limit=2").await.expect(200);
    scene.acme().delete(&rule("b")).await.expect(200);
    let next =
        scene.acme().get(&format!("/v1/mappings?limit=2&cursor={}", page.string("/next_cursor"))).await.expect(200);
    assert_eq!(ids(next.items()), ["c", "d"]);
}

#[tokio::test]
async fn mappings_are_looked_up_both_ways_in_the_order_of_the_questions() {
    let scene = Scene::start().await;
    five_rules(&scene).await;
    let items = json!([
        {"backend": "fw", "kind": "rule", "backend_id": "rule-5"},
        {"backend": "fw", "kind": "rule", "cmp_id": "nobody"},
        {"backend": "fw", "kind": "rule", "cmp_id": "a"},
        {"backend": "fw", "kind": "vlan", "cmp_id": "a"},
        {"backend": "fw", "kind": "rule", "backend_id": "rule-6"},
    ]);
    let found = scene.acme().post("/v1/mappings:lookup").json(&json!({"items": items})).await.expect(200);
    let ids: Vec<_> = found.items().iter().map(|item| item["mapping"]["cmp_id"].clone()).collect();
    assert_eq!(ids, [json!("e"), Value::Null, json!("a"), Value::Null, Value::Null]);
    let lookup = async |items: Value| scene.acme().post("/v1/mappings:lookup").json(&json!({"items": items})).await;
    lookup(json!([{"backend": "fw", "kind": "rule"}])).await.problem(400, "invalid_request");
    lookup(json!([{"backend": "fw", "kind": "rule", "cmp_id": "a", "backend_id": "rule-1"}]))
        .await
        .problem(400, "invalid_request");
    let many = vec![json!({"backend": "fw", "kind": "rule", "cmp_id": "a"}); 1001];
    lookup(Value::from(many)).await.problem(400, "invalid_request");
}

#[tokio::test]
async fn what_a_backend_has_is_listed_by_its_own_pages() {
    let scene = Scene::start().await;
    five_rules(&scene).await;
    let path = "/v1/backends/fw/objects/rule?limit=2";
    let mut seen = Vec::new();
    let mut page = scene.acme().get(path).await.expect(200);
    let mut exchanges = 1;
    loop {
        seen.extend(page.items().iter().map(|item| item["backend_id"].clone()));
        let Some(next) = page["/next_page"].as_str() else { break };
        page = scene.acme().get(&format!("{path}&page={next}")).await.expect(200);
        exchanges += 1;
    }
    assert_eq!((seen.len(), exchanges), (5, 3));
    assert_eq!(scene.appliance.count("GET", "/api/v1/rules?"), exchanges);
}
