//! What was acknowledged is there after a crash, at whatever moment it comes, and nothing was done twice.

mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::{Options, Scene, Who, rule, until};
use ledger::{Book, Known};
use serde_json::{Value, json};

/// Callers at once, and the objects that each has to itself.
const CALLERS: usize = 4;
const OBJECTS: usize = 6;
/// Crashes in a row on the same data.
const CRASHES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_acknowledged_is_there_after_each_of_five_crashes_under_load() {
    let limits = json!({"mutation_concurrency": 4, "connect_timeout_ms": 500, "reply_timeout_ms": 500});
    let mut scene = Scene::with(Options::default(), limits).await;
    let mut books: Vec<Book> = (0..CALLERS).map(|caller| Book::new(caller, OBJECTS)).collect();
    let mut chance = ledger::Chance::seeded(42);
    let mut doubts = 0;
    for _ in 0..CRASHES {
        let acknowledged = Arc::<AtomicUsize>::default();
        let callers: Vec<_> = books
            .drain(..)
            .map(|book| tokio::spawn(book.keep_calling(scene.acme(), Arc::clone(&acknowledged))))
            .collect();
        let enough = 10 + chance.below(40);
        until("enough load", async || (acknowledged.load(Ordering::Relaxed) >= enough).then_some(())).await;
        scene.host.kill().await;
        for caller in callers {
            books.push(caller.await.unwrap());
        }
        scene.host.restart().await;

        let unknown = all(&scene, "/v1/operations?state=unknown").await;
        assert!(unknown.len() <= CALLERS, "each caller has one call under way at most: {unknown:#?}");
        assert_eq!(all(&scene, "/v1/operations?state=open").await, Vec::<Value>::new());
        for book in &books {
            check(&scene, book).await;
        }
        doubts += unknown.len();
        for operation in unknown {
            scene.resolve_after_deadline(&operation).await.success();
        }
        for book in &mut books {
            settle(&scene, book).await;
        }
        both_sides_agree(&scene).await;
    }
    assert!(doubts > 0, "no crash fell into a call, which shows nothing");
    let attempts: usize = books.iter().map(|book| book.creations).sum();
    assert!(scene.appliance.count("POST", "/api/v1/rules") <= attempts, "no creation was sent twice");
}

async fn all(scene: &Scene, path: &str) -> Vec<Value> {
    scene.acme().get(path).await.expect(200).items().to_vec()
}

fn port_at_backend(scene: &Scene, backend_id: &Value) -> Option<u16> {
    scene.appliance.rules().into_iter().find(|rule| *backend_id == rule.id)?.spec.port
}

/// What was acknowledged last is what is recorded, and what the appliance has.
async fn check(scene: &Scene, book: &Book) {
    for (cmp_id, known) in &book.objects {
        let mapping = scene.mapping(cmp_id).await;
        match known {
            Known::Gone => assert_eq!(mapping, Value::Null, "{cmp_id}"),
            Known::Port(port) => {
                assert_eq!(mapping["state"], "active", "{cmp_id}: {mapping:#}");
                assert_eq!(port_at_backend(scene, &mapping["backend_id"]), Some(*port), "{cmp_id}");
            }
            // A call was under way, so either is true; that it is not forgotten is checked by counting.
            Known::Uncertain => {}
        }
    }
}

/// Finds out where the objects whose calls were cut off stand, now that no doubt is left.
async fn settle(scene: &Scene, book: &mut Book) {
    for (cmp_id, known) in &mut book.objects {
        if *known == Known::Uncertain {
            let mapping = scene.mapping(cmp_id).await;
            *known = match &mapping {
                Value::Null => Known::Gone,
                mapping => Known::Port(port_at_backend(scene, &mapping["backend_id"]).expect("a mapped rule is there")),
            };
        }
    }
}

/// Both look-ups and the appliance's own truth: one rule, one mapping.
async fn both_sides_agree(scene: &Scene) {
    let mappings = all(scene, "/v1/mappings?limit=1000").await;
    let rules = scene.appliance.rules();
    assert_eq!(mappings.len(), rules.len(), "{mappings:#?}\n{rules:#?}");
    for mapping in mappings {
        let rule_at_appliance = rules.iter().find(|rule| mapping["backend_id"] == rule.id);
        let comment = rule_at_appliance.map(|rule| rule.spec.comment.clone()).unwrap_or_default();
        assert!(comment.contains(mapping["marker"].as_str().unwrap()), "{mapping:#}: {comment}");
        let item = json!({"backend": "fw", "kind": "rule", "backend_id": mapping["backend_id"]});
        let found = scene.acme().post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
        assert_eq!(found["/items/0/mapping"], mapping);
    }
}

#[tokio::test]
async fn every_sort_of_record_outlives_a_crash() {
    let mut scene = Scene::start().await;
    scene.created("a").await;
    scene
        .acme()
        .patch(&rule("a"))
        .key("k")
        .json(&json!({"spec": {"port": 80}, "labels": {"tier": "web"}}))
        .await
        .expect(200);
    let shown = async |scene: &Scene| {
        let operator = scene.host.client(Who::Operator);
        let mut shown = Vec::new();
        for path in ["/v1/mappings", "/v1/operations", "/v1/backends"] {
            shown.push(operator.get(path).await.expect(200).body);
        }
        shown
    };
    let before = shown(&scene).await;
    scene.host.restart().await;
    assert_eq!(shown(&scene).await, before);
    let labelled = scene.acme().get("/v1/mappings?label=tier%3Dweb").await.expect(200);
    assert_eq!(labelled.items().len(), 1);
}
