//! Qualities of service: policies, the rules that are part of them, and the networks and ports that have them.

use super::*;

const POLICY: &str = "qos-policy";
const RULE: &str = "qos-bandwidth-limit-rule";
const RULES: &str = "/v1/backends/net/objects/qos-bandwidth-limit-rule";

#[tokio::test]
async fn a_policy_and_its_rule_live_their_lives_with_one_exchange_a_call() -> Result<()> {
    let Some(stage) = Stage::set("qos-life").await? else { return Ok(()) };
    let acme = stage.acme();
    let policy = stage.create(POLICY, "gold", &json!({"name": "gold", "description": "for those who pay"})).await;
    let spec = json!({"qos_policy_id": policy, "max_kbps": 10_000, "max_burst_kbps": 500});
    let rule = stage.create(RULE, "gold-up", &spec).await;
    let (whole, part) = rule.split_once('/').unwrap();
    assert_eq!(whole, policy);
    let truth = stage.truth(&format!("/v2.0/qos/policies/{policy}")).await?;
    assert!(truth["policy"]["description"].as_str().unwrap().starts_with("for those who pay [xp-"), "{truth:#}");
    assert_eq!(truth["policy"]["rules"][0]["id"], part);

    let read = stage.one(Method::GET, acme.get(&object(RULE, "gold-up"))).await.expect(200);
    assert_eq!((&read["/result/id"], &read["/result/qos_policy_id"]), (&json!(part), &json!(policy)));
    assert_eq!(read["/mapping/backend_revision"], Value::Null, "a rule has no revision");
    let patch = acme.patch(&object(RULE, "gold-up")).json(&json!({"spec": {"max_kbps": 20_000}}));
    let patched = stage.one(Method::PUT, patch).await.expect(200);
    assert_eq!((&patched["/result/max_kbps"], &patched["/result/max_burst_kbps"]), (&json!(20_000), &json!(500)));
    let whole = json!({"spec": {"qos_policy_id": policy, "max_kbps": 30_000}});
    let replaced = stage.one(Method::PUT, acme.put(&object(RULE, "gold-up")).json(&whole)).await.expect(200);
    assert_eq!((&replaced["/result/max_kbps"], &replaced["/result/max_burst_kbps"]), (&json!(30_000), &json!(0)));
    let listed = stage.one(Method::GET, acme.get(RULES)).await.expect(200);
    assert_eq!((&listed["/items/0/cmp_id"], &listed["/items/0/backend_id"]), (&json!("gold-up"), &json!(rule)));

    let read = stage.one(Method::GET, acme.get(&object(POLICY, "gold"))).await.expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    let rename =
        || acme.patch(&object(POLICY, "gold")).header("if-match", &tag).json(&json!({"spec": {"name": "silver"}}));
    assert_eq!(stage.one(Method::PUT, rename()).await.expect(200)["/result/name"], "silver");
    stage.one(Method::PUT, rename()).await.problem(412, "stale");
    let replace = acme.put(&object(POLICY, "gold")).json(&json!({"spec": {"name": "bronze"}}));
    assert_eq!(stage.one(Method::PUT, replace).await.expect(200)["/result/description"], "");

    stage.one(Method::DELETE, acme.delete(&object(RULE, "gold-up"))).await.expect(200);
    stage.one(Method::DELETE, acme.delete(&object(POLICY, "gold"))).await.expect(200);
    assert_eq!(stage.truth("/v2.0/qos/policies").await?["policies"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_network_and_a_port_get_a_policy_and_lose_it() -> Result<()> {
    let Some(stage) = Stage::set("qos-given").await? else { return Ok(()) };
    let acme = stage.acme();
    let policy = stage.create(POLICY, "gold", &json!({})).await;
    let network = stage.create("network", "n", &json!({"qos_policy_id": policy})).await;
    stage.create("port", "p", &json!({"network_id": network, "qos_policy_id": policy})).await;
    for (kind, cmp_id) in [("network", "n"), ("port", "p")] {
        let in_use = stage.one(Method::DELETE, acme.delete(&object(POLICY, "gold"))).await;
        in_use.problem(409, "backend_conflict");
        let patch =
            |policy: &Value| acme.patch(&object(kind, cmp_id)).json(&json!({"spec": {"qos_policy_id": policy}}));
        let strange = json!("11111111-2222-4333-8444-555555555555");
        let strange = stage.one(Method::PUT, patch(&strange)).await.problem(422, "invalid_spec");
        assert_eq!((&strange["/errors/0/pointer"], &strange["/sent"]), (&json!("/qos_policy_id"), &json!("yes")));
        let free = stage.one(Method::PUT, patch(&Value::Null)).await.expect(200);
        assert_eq!(free["/result/qos_policy_id"], Value::Null);
    }
    stage.one(Method::DELETE, acme.delete(&object(POLICY, "gold"))).await.expect(200);
    Ok(())
}

#[tokio::test]
async fn a_second_rule_for_a_direction_is_told_with_the_id_of_the_first_by_which_it_can_be_adopted() -> Result<()> {
    let Some(stage) = Stage::set("qos-twice").await? else { return Ok(()) };
    let policy = stage.create(POLICY, "gold", &json!({})).await;
    let token = stage.openstack.keystone().token(&stage.project).await?;
    let path = format!("/v2.0/qos/policies/{policy}/bandwidth_limit_rules");
    let body = json!({"bandwidth_limit_rule": {"max_kbps": 1000}});
    let made = stage.openstack.neutron().ask(&token, Method::POST, &path, Some(&body)).await?.success()?;
    let rule = format!("{policy}/{}", made.text("/bandwidth_limit_rule/id")?);

    let spec = json!({"qos_policy_id": policy, "max_kbps": 2000});
    let put = || stage.acme().put(&object(RULE, "up")).json(&json!({"spec": spec}));
    let refused = stage.one(Method::POST, put()).await.problem(409, "backend_already_exists");
    assert!(refused.string("/detail").contains(&rule), "{refused:#?}");
    let operator = stage.host.client(Who::Operator);
    let adopt = operator.post(&(object(RULE, "up") + ":adopt?tenant=acme")).json(&json!({"backend_id": rule}));
    stage.one(Method::GET, adopt).await.success();
    assert_eq!(stage.one(Method::PUT, put()).await.expect(200)["/result/max_kbps"], 2000);
    Ok(())
}

#[tokio::test]
async fn a_lost_policy_is_found_by_its_marker_and_a_lost_rule_in_the_list() -> Result<()> {
    let Some(stage) = Stage::set("qos-doubt").await? else { return Ok(()) };
    let acme = stage.acme();
    stage.neutron.lose_reply(Method::POST, "/v2.0/qos/policies");
    let put = acme.put(&object(POLICY, "gold")).json(&json!({"spec": {"name": "gold"}}));
    let lost = stage.one(Method::POST, put).await.problem(502, "backend_connection_lost");
    let resolve = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
    let resolved = stage.one(Method::GET, acme.post(&resolve).json(&json!({}))).await.expect(200);
    assert_eq!(resolved["/operation/resolution/by"], "find");
    let policy = resolved.string("/mapping/backend_id");

    // A rule has no room for a marker: nothing but its policy and direction says which one it is.
    stage.neutron.lose_reply(Method::POST, "/v2.0/qos/policies");
    let put = acme.put(&object(RULE, "up")).json(&json!({"spec": {"qos_policy_id": policy, "max_kbps": 1000}}));
    let lost = stage.one(Method::POST, put).await.problem(502, "backend_connection_lost");
    assert_eq!(lost["/sent"], "maybe");
    let resolve = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
    let (asked, seen) = stage.exchanges(acme.post(&resolve).json(&json!({}))).await;
    asked.problem(409, "not_resolvable");
    assert!(seen.is_empty(), "there is nothing to ask Neutron");

    let operator = stage.host.client(Who::Operator);
    let listed = stage.one(Method::GET, operator.get(&format!("{RULES}?tenant=acme"))).await.expect(200);
    let rule = listed.items().iter().find(|rule| rule["result"]["qos_policy_id"] == policy.as_str()).unwrap().clone();
    assert_eq!(rule["result"]["direction"], "egress");
    let decision = json!({"decision": "applied", "backend_id": rule["backend_id"]});
    let (decided, seen) = stage.exchanges(acme.post(&resolve).json(&decision)).await;
    assert_eq!(decided.expect(200)["/mapping/state"], "active");
    assert!(seen.is_empty(), "a decision asks nobody");
    let read = stage.one(Method::GET, acme.get(&object(RULE, "up"))).await.expect(200);
    assert_eq!(read["/result/max_kbps"], 1000);
    Ok(())
}
