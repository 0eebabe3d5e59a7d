//! What is particular to FortiOS.

use crosspoint_tests::suite::BACKEND;
use serde_json::{Value, json};

use super::simulator::TOKEN;
use super::stage;
use super::subjects::{address, group, policy};

#[tokio::test]
async fn the_marker_stands_in_the_comment_on_the_appliance_and_nowhere_else() {
    let (appliance, stage) = stage().await;
    let made = stage.create(&address(), 0).await;
    let kept = appliance.entry("dmz", "address", "web/0").unwrap();
    let marker = made.string("/mapping/marker");
    assert_eq!(kept["comment"], format!("a web server [{marker}]"));
    assert_eq!(kept["subnet"], "192.0.2.0 255.255.255.255");
    assert_eq!(appliance.entry("root", "address", "web/0"), None, "another virtual domain");
}

#[tokio::test]
async fn a_policy_that_is_moved_comes_before_the_other() {
    let (appliance, stage) = stage().await;
    let made = [stage.create(&policy(), 0).await, stage.create(&policy(), 1).await];
    let ids: Vec<u64> = made.iter().map(|made| made.string("/mapping/backend_id").parse().unwrap()).collect();
    assert_eq!(appliance.policies("dmz"), [1, ids[0], ids[1]]);
    let path = format!("{}/actions/move", stage.object(&policy(), 1));
    let moving = |place: &Value| stage.acme().post(&path).key(&stage.key()).json(&json!({"spec": place}));
    let moved = stage.one("a move", moving(&json!({"before": 1}))).await.expect(200);
    assert_eq!(moved["/result"], json!({"policyid": ids[1]}));
    assert_eq!(appliance.policies("dmz"), [ids[1], 1, ids[0]]);
    stage.one("a move", moving(&json!({"after": ids[0]}))).await.expect(200);
    assert_eq!(appliance.policies("dmz"), [1, ids[0], ids[1]]);

    let nowhere = stage.none("a move to no place", moving(&json!({}))).await.problem(422, "invalid_spec");
    assert_eq!(nowhere["/sent"], "no");
    let beyond = stage.one("a move before what is not there", moving(&json!({"before": 999}))).await;
    assert_eq!(beyond.problem(422, "invalid_spec")["/sent"], "yes");
}

#[tokio::test]
async fn an_address_in_use_is_not_deleted_and_stays_mapped() {
    let (_appliance, stage) = stage().await;
    stage.create(&address(), 0).await;
    let body = json!({"spec": {"name": "shops", "member": ["web/0"]}});
    stage.one("a group", stage.acme().put(&stage.object(&group(), 0)).json(&body)).await.expect(201);
    let refused = stage.one("a deletion", stage.acme().delete(&stage.object(&address(), 0))).await;
    let refused = refused.problem(409, "backend_conflict");
    assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("yes"), &json!(false)));
    let read = stage.one("a read", stage.acme().get(&stage.object(&address(), 0))).await.expect(200);
    assert_eq!(read["/mapping/state"], "active");
}

#[tokio::test]
async fn what_the_command_line_of_fortios_complains_about_is_pointed_at() {
    let (_appliance, stage) = stage().await;
    let body = json!({"spec": {"name": "shops", "member": ["all", "nobody"]}});
    let refused = stage.one("a group", stage.acme().put(&stage.object(&group(), 0)).json(&body)).await;
    let refused = refused.problem(422, "invalid_spec");
    assert_eq!(refused["/errors/0/pointer"], "/member/1");
    assert!(refused.string("/detail").contains("entry not found"), "{refused:#?}");
}

#[tokio::test]
async fn an_object_cannot_be_given_another_name() {
    let (_appliance, stage) = stage().await;
    stage.create(&address(), 0).await;
    let body = json!({"spec": {"name": "other", "type": "fqdn", "fqdn": "shop.example"}});
    let renamed = stage.none("another name", stage.acme().put(&stage.object(&address(), 0)).json(&body)).await;
    assert_eq!(renamed.problem(422, "invalid_spec")["/errors/0/pointer"], "/name");
}

#[tokio::test]
async fn a_probe_tells_which_fortios_it_is() {
    let (_appliance, stage) = stage().await;
    let probe = stage.operator().post(&format!("/v1/backends/{BACKEND}:probe"));
    let probed = stage.one("a probe", probe).await.expect(200);
    assert!(probed.body.to_string().contains("v7.4"), "{probed:#?}");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_told_and_not_shown() {
    let (_appliance, stage) = stage().await;
    let wrong = "not-the-token-of-anybody";
    let settings = json!({
        "driver": "fortios-firewall",
        "endpoints": {"default": stage.far.url()},
        "authentication": {"scheme": "bearer", "secrets": {"token": wrong}},
    });
    stage.host.put_backend(BACKEND, &settings).await;
    let refused = stage.one("a read", stage.acme().get(&stage.objects(&address()))).await;
    let refused = refused.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "yes");
    for secret in [wrong, TOKEN] {
        assert!(!refused.body.to_string().contains(secret));
        assert!(!stage.host.log().contains(secret));
    }
    assert!(stage.far.proxy().exchanges().iter().all(|exchange| !exchange.target.contains(wrong)));
}
