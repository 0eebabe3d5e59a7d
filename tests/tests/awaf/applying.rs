//! Changes are in force once the policy is applied, which takes a task.

use crosspoint_tests::host::Reply;
use serde_json::{Value, json};

use super::simulator::POLICY;
use super::{Scene, object};

impl Scene {
    async fn apply(&self, cmp_id: &str) -> Reply {
        let path = object("policy", cmp_id) + "/actions/apply-policy";
        self.stage.one("an application", self.stage.acme().post(&path).key("apply").json(&json!({}))).await.expect(202)
    }

    async fn refresh(&self, accepted: &Reply) -> Reply {
        let path = format!("/v1/operations/{}:refresh", accepted.string("/operation/id"));
        self.stage.one("a question", self.stage.acme().post(&path)).await
    }

    async fn is_modified(&self, cmp_id: &str) -> Value {
        let read = self.stage.acme().get(&object("policy", cmp_id));
        self.stage.one("a read", read).await.expect(200)["/result/isModified"].clone()
    }
}

#[tokio::test]
async fn an_exception_is_in_force_when_the_task_that_applies_its_policy_is_done() {
    let scene = Scene::set().await;
    let adopt = scene.stage.operator().post(&(object("policy", "shop") + ":adopt?tenant=acme"));
    scene.stage.one("an adoption", adopt.json(&json!({"backend_id": POLICY}))).await.expect(200);
    let spec = json!({"policy": POLICY, "ipAddress": "192.0.2.1"});
    let made = scene.stage.one("a creation", scene.put("whitelist-ip", "office", &spec)).await.expect(201);
    assert_eq!(made["/result/ipMask"], "255.255.255.255");
    let (policy, _) = made["/mapping/backend_id"].as_str().unwrap().split_once('/').unwrap();
    assert_eq!((policy, &made["/mapping/attributes/policy"]), (POLICY, &json!(POLICY)));
    assert_eq!(scene.is_modified("shop").await, true);

    let accepted = scene.apply("shop").await;
    assert_eq!(accepted["/operation/state"], "pending", "{accepted:#?}");
    assert_eq!(scene.refresh(&accepted).await.expect(202)["/operation/state"], "pending");
    assert_eq!(scene.is_modified("shop").await, true);
    let done = scene.refresh(&accepted).await.expect(200);
    assert_eq!((&done["/operation/state"], &done["/result/status"]), (&json!("succeeded"), &json!("COMPLETED")));
    assert_eq!(scene.is_modified("shop").await, false);
}

#[tokio::test]
async fn a_policy_that_cannot_be_applied_says_why_and_stays() {
    let scene = Scene::set().await;
    scene.policy("shop").await;
    scene.appliance.fail_applying();
    let accepted = scene.apply("shop").await;
    scene.refresh(&accepted).await.expect(202);
    let failed = scene.refresh(&accepted).await.success();
    let problem = &failed["/operation/problem"];
    assert_eq!((&failed["/operation/state"], &problem["code"]), (&json!("failed"), &json!("backend_rejected")));
    assert!(problem["detail"].as_str().unwrap().contains("The enforcer did not take the policy"), "{problem:#}");
    assert_eq!(failed["/mapping/state"], "active");
}
