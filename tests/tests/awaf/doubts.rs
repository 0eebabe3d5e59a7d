//! Refusals of this appliance that are none, and others that look like something else.

use bytes::Bytes;
use crosspoint_tests::proxy::Spoil;
use http::{Method, Response, header};
use serde_json::{Value, json};

use super::{Scene, object};

fn said(status: u16, message: &str, stack: &[&str]) -> Response<Bytes> {
    let body = json!({"code": status, "message": message, "errorStack": stack, "kind": ":resterrorresponse"});
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    response.body(body.to_string().into()).unwrap()
}

impl Scene {
    /// What the caller of a creation is told, where the appliance says this after it did as asked, or before.
    async fn creation_met(&self, spoil: Spoil) -> crosspoint_tests::host::Reply {
        self.stage
            .far
            .proxy()
            .spoil(|head| head.method == Method::POST && head.uri.path() == "/mgmt/tm/asm/policies", spoil);
        self.stage.one("a creation", self.put("policy", "shop", &json!({"name": "shop"}))).await
    }
}

/// The part that does the work had no time to answer the part that speaks to us, which calls that a bad request.
#[tokio::test]
async fn a_bad_request_that_timed_out_within_the_appliance_is_doubt_that_one_find_ends() {
    let scene = Scene::set().await;
    // The login shall not be in the way.
    scene.policy("other").await;
    let late = "java.util.concurrent.TimeoutException: remoteSender:127.0.0.1, method:POST ";
    let doubtful =
        scene.creation_met(Spoil::ReplaceReply(said(400, "remoteSender:127.0.0.1, method:POST ", &[late]))).await;
    let doubtful = doubtful.problem(502, "backend_fault");
    assert_eq!(doubtful["/sent"], "yes");
    let path = format!("/v1/operations/{}:resolve", doubtful.string("/operation_id"));
    let resolved = scene.stage.one("a resolution", scene.stage.acme().post(&path)).await.expect(200);
    assert_eq!(resolved["/operation/resolution/by"], "find", "{resolved:#?}");
    let truth = scene.appliance.policies("shop");
    assert_eq!(truth.iter().map(|policy| &policy["id"]).collect::<Vec<_>>(), [&resolved["/mapping/backend_id"]]);
}

#[tokio::test]
async fn a_user_who_may_not_do_it_is_denied_and_the_session_stays() {
    let scene = Scene::set().await;
    scene.policy("other").await;
    let text = "Authorization failed: user=https://localhost/mgmt/shared/authz/users/crosspoint resource=/mgmt/tm/asm";
    let denied = scene.creation_met(Spoil::Answer(said(401, text, &[]))).await.problem(502, "backend_denied");
    assert_eq!(denied["/sent"], "yes");
    assert_eq!((scene.appliance.logins(), scene.appliance.policies("shop").len()), (1, 0));
}

#[tokio::test]
async fn an_appliance_that_is_at_work_did_nothing_and_may_be_asked_again() {
    let scene = Scene::set().await;
    scene.policy("other").await;
    let busy = Spoil::Answer(said(503, "There is an active asynchronous task executing.", &[]));
    let refused = scene.creation_met(busy).await.problem(503, "backend_unavailable");
    assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("yes"), &json!(true)));
    let read = scene.stage.none("a read", scene.stage.acme().get(&object("policy", "shop"))).await;
    assert_eq!(read.problem(404, "not_mapped")["/operation_id"], Value::Null);
    scene.policy("shop").await;
}
