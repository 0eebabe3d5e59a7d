//! Scopes, through the suite.

use crosspoint_tests::suite::{HttpFarSide, Stage, Subject};
use serde_json::json;

use super::controller::Controller;

/// A controller, and a Crosspoint before it that lists the streams of scope `plant`.
pub async fn stage() -> (Stage<HttpFarSide>, Controller) {
    let controller = Controller::start().await;
    let far = HttpFarSide::before(controller.url()).await.unwrap();
    let settings = json!({
        "endpoints": {"default": far.url()},
        "authentication": {"scheme": "basic", "secrets": {"username": "admin", "password": "1111_aaaa"}},
        "configuration": {"scope": "plant"},
    });
    (Stage::set("pravega-controller", settings, far).await, controller)
}

pub fn scope() -> Subject {
    Subject::of("scope", |n| json!({"scopeName": format!("scope-{n}")}))
        .bad(json!({"scopeName": "a/b"}), "/scopeName")
        .bad(json!({"scopeName": 5}), "/scopeName")
        .refused(json!({"scopeName": "RGscope"}), 422, "invalid_spec")
}

#[tokio::test]
async fn a_scope_lives_its_life_with_one_exchange_a_call() {
    let (stage, _controller) = stage().await;
    stage.life(&scope()).await;
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let (stage, _controller) = stage().await;
    stage.refusals(&scope()).await;
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    let (stage, _controller) = stage().await;
    stage.troubles(&scope()).await;
}
