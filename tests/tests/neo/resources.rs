//! What NEO has discovered can be listed, adopted and read, and nothing else.

use serde_json::json;

use super::Scene;
use super::simulator::Changes;

#[tokio::test]
async fn systems_and_ports_are_listed_page_by_page_adopted_and_read() {
    let scene = Scene::set(Changes::AtOnce).await;
    let (acme, operator) = (scene.stage.acme(), scene.stage.operator());
    for (kind, count, id) in [("system", 2, "10.0.0.2.system"), ("port", 4, "10.0.0.2.port.1")] {
        let objects = format!("/v1/backends/far/objects/{kind}");
        let whole = scene.stage.one("a list", operator.get(&format!("{objects}?tenant=acme"))).await.expect(200);
        assert_eq!((whole.items().len(), &whole["/next_page"]), (count, &json!(null)), "{whole:#?}");
        let first =
            scene.stage.one("a page", operator.get(&format!("{objects}?tenant=acme&limit=1"))).await.expect(200);
        let next = format!("{objects}?tenant=acme&limit=1&page={}", first.string("/next_page"));
        let second = scene.stage.one("the next page", operator.get(&next)).await.expect(200);
        assert_ne!(first["/items/0/backend_id"], second["/items/0/backend_id"]);

        let adopt = operator.post(&format!("{objects}/mine:adopt?tenant=acme")).json(&json!({"backend_id": id}));
        scene.stage.one("an adoption", adopt).await.expect(200);
        let read = scene.stage.one("a read", acme.get(&format!("{objects}/mine"))).await.expect(200);
        assert_eq!(read["/result/instanceID"], id);
        let put = acme.put(&format!("{objects}/new")).json(&json!({"spec": {}}));
        scene.stage.none("a creation", put).await.problem(405, "unsupported_verb");
        scene.stage.none("a deletion", acme.delete(&format!("{objects}/mine"))).await.problem(405, "unsupported_verb");
        let missing = operator.post(&format!("{objects}/other:adopt?tenant=acme")).json(&json!({"backend_id": "none"}));
        scene.stage.one("an adoption", missing).await.problem(404, "backend_not_found");
    }
}
