//! Changes that NEO works on: pending, and one exchange each time that somebody asks.

use crosspoint_tests::host::Reply;
use serde_json::{Value, json};

use super::simulator::{Changes, Trouble};
use super::{Scene, blue, service};

impl Scene {
    async fn refresh(&self, accepted: &Reply) -> Reply {
        let path = format!("/v1/operations/{}:refresh", accepted.string("/operation/id"));
        self.stage.one("a question", self.stage.acme().post(&path)).await
    }

    async fn accepted(&self) -> Reply {
        self.stage.one("a creation", self.put("blue", &blue())).await.expect(202)
    }

    /// A service that is there.
    async fn there(&self) -> Reply {
        self.stage.change("a creation", self.put("blue", &blue())).await.expect(200)
    }
}

#[tokio::test]
async fn a_creation_is_pending_until_its_job_is_done_and_its_service_found() {
    let scene = Scene::set(Changes::ByJob).await;
    let accepted = scene.accepted().await;
    assert_eq!((&accepted["/mapping/state"], &accepted["/mapping/backend_id"]), (&json!("pending"), &Value::Null));
    // The job runs; it is done; the service that it made is found by its marker.
    for _ in 0..2 {
        assert_eq!(scene.refresh(&accepted).await.expect(202)["/operation/state"], "pending");
    }
    let done = scene.refresh(&accepted).await.expect(200);
    assert_eq!((&done["/operation/state"], &done["/mapping/state"]), (&json!("succeeded"), &json!("active")));
    assert_eq!(done["/mapping/backend_id"], scene.neo.services("blue")[0]["instanceID"]);
    crosspoint_tests::suite::assert_holds(&done["/result"], &blue(), "made");
}

#[tokio::test]
async fn a_creation_with_errors_leaves_a_service_that_says_so() {
    let scene = Scene::set(Changes::ByJob).await;
    scene.neo.trouble(Trouble::Errors);
    let accepted = scene.accepted().await;
    scene.refresh(&accepted).await.expect(202);
    scene.refresh(&accepted).await.expect(202);
    let done = scene.refresh(&accepted).await.expect(200);
    assert_eq!(done["/mapping/state"], "active");
    let problem = done.string("/result/problem");
    assert!(problem.contains("1 of 2 switches did not answer"), "{problem}");
}

#[tokio::test]
async fn a_creation_that_failed_leaves_nothing() {
    let scene = Scene::set(Changes::ByJob).await;
    scene.neo.trouble(Trouble::Failed);
    let accepted = scene.accepted().await;
    scene.refresh(&accepted).await.expect(202);
    scene.refresh(&accepted).await.expect(202);
    let failed = scene.refresh(&accepted).await.success();
    let problem = &failed["/operation/problem"];
    assert_eq!((&failed["/operation/state"], &problem["code"]), (&json!("failed"), &json!("backend_rejected")));
    assert!(problem["detail"].as_str().unwrap().contains("No switch answered"), "{problem:#}");
    assert_eq!((&failed["/mapping"], scene.neo.services("blue").len()), (&Value::Null, 0));
}

#[tokio::test]
async fn a_replacement_with_errors_failed_and_the_service_stays() {
    let scene = Scene::set(Changes::ByJob).await;
    scene.there().await;
    scene.neo.trouble(Trouble::Errors);
    let accepted = scene.stage.one("a replacement", scene.put("blue", &blue())).await.expect(202);
    scene.refresh(&accepted).await.expect(202);
    let failed = scene.refresh(&accepted).await.success();
    assert_eq!((&failed["/operation/state"], &failed["/mapping/state"]), (&json!("failed"), &json!("active")));
}

#[tokio::test]
async fn a_deletion_is_pending_until_its_job_is_done() {
    let scene = Scene::set(Changes::ByJob).await;
    scene.there().await;
    let accepted = scene.stage.one("a deletion", scene.stage.acme().delete(&service("blue"))).await.expect(202);
    assert_eq!(accepted["/mapping/state"], "pending");
    scene.refresh(&accepted).await.expect(202);
    let done = scene.refresh(&accepted).await.success();
    assert_eq!((&done["/operation/state"], &done["/mapping"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(scene.neo.services("blue").len(), 0);
}

#[tokio::test]
async fn a_job_that_neo_has_forgotten_decides_nothing() {
    let scene = Scene::set(Changes::ByJob).await;
    let accepted = scene.accepted().await;
    scene.neo.forget_jobs();
    scene.refresh(&accepted).await.problem(404, "backend_not_found");
    let pending = scene.stage.acme().get("/v1/operations?state=pending").await.expect(200);
    assert_eq!(pending.items().len(), 1);
}

/// The session may end while NEO works.
#[tokio::test]
async fn asking_about_a_job_logs_in_again_where_it_must() {
    let scene = Scene::set(Changes::ByJob).await;
    let accepted = scene.accepted().await;
    scene.neo.end_sessions();
    let path = format!("/v1/operations/{}:refresh", accepted.string("/operation/id"));
    let asked = scene.stage.making(2, "a question", scene.stage.acme().post(&path)).await.expect(202);
    assert_eq!((&asked["/operation/state"], scene.neo.logins()), (&json!("pending"), 2));
}
