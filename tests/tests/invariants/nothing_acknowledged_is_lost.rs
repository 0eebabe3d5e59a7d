//! What was acknowledged is there after a crash, at whatever moment it comes, and nothing was done twice. What the moments
//! are, and many crashes under load, is the business of `tests/tests/crash`.

use crosspoint_tests::host::{Scene, Who, rule};
use serde_json::json;

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
