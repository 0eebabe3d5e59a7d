//! What every driver has to show.

use crosspoint_tests::suite::{Subject, merged};
use serde_json::{Value, json};

use super::Scene;
use super::simulator::{POLICY, SIGNATURE, SYSTEM, TEMPLATE};

fn policy() -> Subject {
    let spec = |n: u32| json!({"name": format!("shop-{n}"), "description": "the shop", "template": TEMPLATE});
    Subject::of("policy", spec)
        .replacing(move |n| merged(&spec(n), &json!({"description": "the store", "enforcementMode": "blocking"})))
        .patching(json!({"enforcementMode": "transparent"}))
        .bad(json!({"enforcementMode": "learning"}), "/enforcementMode")
        .bad(json!({"name": ""}), "/name")
        .bad(json!({"description": "x".repeat(221)}), "/description")
        .bad(json!({"template": "../x"}), "/template")
        .bad_patch(json!({"enforcementMode": 1}), "/enforcementMode")
        .refused(json!({"applicationLanguage": "klingon"}), 422, "invalid_spec")
        .refused(json!({"template": "no-such-template"}), 422, "invalid_spec")
        .action("apply-policy", json!({}))
}

fn signature_set() -> Subject {
    let spec = |n: u32| json!({"name": format!("set-{n}"), "type": "manual", "signatures": [SIGNATURE]});
    Subject::of("signature-set", spec)
        .replacing(move |n| merged(&spec(n), &json!({"signatures": [], "systems": [SYSTEM], "defaultBlock": false})))
        .patching(json!({"signatures": [SIGNATURE], "assignToPolicyByDefault": true}))
        .bad(json!({"type": "automatic"}), "/type")
        .bad(json!({"filter": {}}), "/filter")
        .bad(json!({"signatures": [".."]}), "/signatures/0")
        .bad_patch(json!({"defaultBlock": "no"}), "/defaultBlock")
        .refused(json!({"signatures": ["no-such-signature"]}), 422, "invalid_spec")
}

fn whitelist_ip() -> Subject {
    let spec = |n: u32| json!({"policy": POLICY, "ipAddress": format!("192.0.2.{n}"), "description": "office"});
    Subject::of("whitelist-ip", spec)
        .replacing(move |n| merged(&spec(n), &json!({"description": "branch", "blockRequests": "never"})))
        .patching(json!({"ignoreAnomalies": true, "blockRequests": "always"}))
        .bad(json!({"policy": ".."}), "/policy")
        .bad(json!({"blockRequests": "sometimes"}), "/blockRequests")
        .bad_patch(json!({"neverLogRequests": "yes"}), "/neverLogRequests")
        .refused(json!({"ipAddress": "everywhere"}), 422, "invalid_spec")
        .refused(json!({"policy": "no-such-policy"}), 422, "invalid_spec")
}

#[tokio::test]
async fn a_policy_lives_its_life_with_one_exchange_a_call() {
    Scene::set().await.stage.life(&policy()).await;
}

#[tokio::test]
async fn a_signature_set_lives_its_life_with_one_exchange_a_call() {
    Scene::set().await.stage.life(&signature_set()).await;
}

#[tokio::test]
async fn an_ip_address_exception_lives_its_life_with_one_exchange_a_call() {
    Scene::set().await.stage.life(&whitelist_ip()).await;
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let scene = Scene::set().await;
    for subject in [policy(), signature_set(), whitelist_ip()] {
        scene.stage.refusals(&subject).await;
    }
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    Scene::set().await.stage.troubles(&policy()).await;
}

#[tokio::test]
async fn each_trouble_of_a_set_without_a_marker_is_told_as_it_is() {
    Scene::set().await.stage.troubles(&signature_set()).await;
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    let scene = Scene::set().await;
    for subject in [policy(), signature_set(), whitelist_ip()] {
        scene.stage.doubt(&subject).await;
    }
}

/// A filter, too, is what was asked for, and nothing that is shown names a host.
#[tokio::test]
async fn a_set_with_a_filter_shows_it_and_no_links() {
    let scene = Scene::set().await;
    let filter = json!({"riskFilter": "ge", "riskValue": "high", "signatureType": "request"});
    let spec = json!({"name": "risky", "type": "filter-based", "filter": filter, "systems": [SYSTEM]});
    let made = scene.stage.one("a creation", scene.put("signature-set", "risky", &spec)).await.expect(201);
    crosspoint_tests::suite::assert_holds(&made["/result"], &spec, "created");
    let list = scene.stage.one("a list", scene.stage.acme().get("/v1/backends/far/objects/policy")).await.expect(200);
    for reply in [made, list] {
        let text = Value::to_string(&reply.body);
        assert!(!text.contains("localhost") && !text.contains("selfLink"), "{text}");
    }
}

#[tokio::test]
async fn an_address_that_the_appliance_writes_in_another_way_is_still_the_same_to_a_replacement() {
    let scene = Scene::set().await;
    let spec = json!({"policy": POLICY, "ipAddress": "2001:DB8:0::1", "blockRequests": "always"});
    let made = scene.stage.one("a creation", scene.put("whitelist-ip", "six", &spec)).await.expect(201);
    assert_eq!(made["/result/ipAddress"], "2001:db8::1");
    scene.stage.one("a replacement", scene.put("whitelist-ip", "six", &spec)).await.expect(200);
    let other = merged(&spec, &json!({"ipAddress": "2001:db8::2"}));
    let refused = scene.stage.none("a replacement by another", scene.put("whitelist-ip", "six", &other)).await;
    assert_eq!(refused.problem(422, "invalid_spec")["/errors/0/pointer"], "/ipAddress");
}
