//! Entries of the candidate configuration.

use crosspoint_tests::host::Reply;
use crosspoint_tests::suite::{FarSide as _, Subject};

use super::*;

fn address() -> Subject {
    Subject::of("address", |n| {
        json!({"name": format!("web {n}"), "type": "ip-netmask", "value": format!("192.0.2.{n}/32"), "description": "R&D <web>"})
    })
    .replacing(|n| json!({"name": format!("web {n}"), "type": "fqdn", "value": "web.example.com", "description": "moved"}))
    .bad(json!({"type": "mac"}), "/type")
    .bad(json!({"description": "x".repeat(989)}), "/description")
    .bad(json!({"description": "a\u{7}b"}), "")
    .bad(json!({"name": "a']|/config"}), "/name")
    .refused(json!({"value": "300.0.0.1"}), 422, "invalid_spec")
    .refused(json!({"tags": ["nobody"]}), 422, "invalid_spec")
}

fn service() -> Subject {
    Subject::of("service", |n| json!({"name": format!("s-{n}"), "protocol": "tcp", "port": "443,8000-8080"}))
        .replacing(|n| json!({"name": format!("s-{n}"), "protocol": "udp", "port": "53", "source_port": "1024-65535"}))
        .bad(json!({"port": "http"}), "/port")
        .refused(json!({"port": "70000"}), 422, "invalid_spec")
}

fn tag() -> Subject {
    Subject::of("tag", |n| json!({"name": format!("t-{n}"), "color": "color7", "comments": "\"live\""}))
        .replacing(|n| json!({"name": format!("t-{n}"), "comments": "moved"}))
        .bad(json!({"color": "red"}), "/color")
}

fn rule() -> Subject {
    Subject::of("security-rule", |n| {
        json!({
            "name": format!("r-{n}"), "action": "allow", "from": ["trust"], "to": ["untrust", "dmz"],
            "destination": ["192.0.2.0/24"], "service": ["any"], "description": "web",
        })
    })
    .replacing(|n| json!({"name": format!("r-{n}"), "action": "drop", "disabled": true, "source": ["10.0.0.0/8"]}))
    .bad(json!({"from": []}), "/from")
    .bad(json!({"action": "permit"}), "/action")
    .refused(json!({"destination": ["nobody"]}), 422, "invalid_spec")
    .refused(json!({"service": ["nothing"]}), 422, "invalid_spec")
    .action("move", json!({"where": "top"}))
}

#[tokio::test]
async fn each_kind_lives_its_life_with_one_exchange_a_call() {
    let (simulator, stage) = keyed().await;
    for subject in [address(), service(), tag(), rule()] {
        stage.life(&subject).await;
    }
    for container in ["address", "service", "tag", "rulebase/security/rules"] {
        assert_eq!(simulator.names(container), Vec::<String>::new(), "nothing is left");
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_by_whom_it_should_be() {
    let (_simulator, stage) = keyed().await;
    for subject in [address(), service(), tag(), rule()] {
        stage.refusals(&subject).await;
    }
}

#[tokio::test]
async fn each_trouble_is_one_exchange_and_told_as_it_is() {
    let (_simulator, stage) = keyed().await;
    stage.troubles(&address()).await;
}

#[tokio::test]
async fn doubt_ends_with_one_exchange() {
    let (_simulator, stage) = keyed().await;
    for subject in [address(), tag(), rule()] {
        stage.doubt(&subject).await;
    }
}

fn points_at(refused: &Reply, pointer: &str) {
    assert_eq!(refused["/errors/0/pointer"], pointer, "{refused:#?}");
}

#[tokio::test]
async fn the_firewalls_own_words_point_at_the_member_that_they_are_about() {
    let (_simulator, stage) = keyed().await;
    let put = |kind: &str, spec: Value| {
        stage.acme().put(&format!("/v1/backends/far/objects/{kind}/x")).json(&json!({"spec": spec}))
    };
    let spec = json!({"name": "web", "type": "ip-netmask", "value": "300.0.0.1"});
    points_at(&stage.one("a bad address", put("address", spec)).await.problem(422, "invalid_spec"), "/value");
    let spec = json!({"name": "r", "action": "allow", "source": ["nobody"]});
    points_at(&stage.one("a bad reference", put("security-rule", spec)).await.problem(422, "invalid_spec"), "/source");
}

#[tokio::test]
async fn what_somebody_else_made_is_not_touched_by_a_creation_of_its_name() {
    let (simulator, stage) = keyed().await;
    simulator.by_hand("address", "web 0", "<fqdn>by.hand.example.com</fqdn><description>mine</description>");
    let before = simulator.entry("address", "web 0");
    let path = stage.object(&address(), 0);
    let put = || stage.acme().put(&path).json(&json!({"spec": address().spec(0)}));
    let refused = stage.one("a creation", put()).await.problem(409, "backend_already_exists");
    assert_eq!(refused["/sent"], "yes");
    assert_eq!((simulator.entry("address", "web 0"), simulator.names("address").len()), (before, 1));

    // It can be taken over, knowingly, and is then replaced as a whole.
    let adopt = stage.operator().post(&format!("{path}:adopt?tenant=acme")).json(&json!({"backend_id": "web 0"}));
    let adopted = stage.one("an adoption", adopt).await.expect(200);
    assert_eq!(adopted["/result/description"], "mine");
    stage.one("a replacement", put()).await.expect(200);
    let marker = adopted.string("/mapping/marker");
    let entry = simulator.entry("address", "web 0").unwrap();
    assert!(entry.contains(&format!("R&amp;D &lt;web&gt; [{marker}]")) && !entry.contains("fqdn"), "{entry}");
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let (simulator, stage) = keyed().await;
    stage.create(&address(), 0).await;
    let rule = json!({"name": "r", "action": "deny", "destination": ["web 0"]});
    let put = stage.acme().put("/v1/backends/far/objects/security-rule/r").json(&json!({"spec": rule}));
    stage.one("a rule", put).await.expect(201);
    let delete = || stage.acme().delete(&stage.object(&address(), 0));
    let refused = stage.one("a deletion", delete()).await.problem(409, "backend_conflict");
    assert!(refused.string("/detail").contains("rulebase/security/rules -> r -> destination"), "{refused:#?}");
    assert!(simulator.entry("address", "web 0").is_some());
    stage.one("a deletion", stage.acme().delete("/v1/backends/far/objects/security-rule/r")).await.expect(200);
    stage.one("a deletion", delete()).await.expect(200);
}

#[tokio::test]
async fn a_rule_goes_where_it_is_moved() {
    let (simulator, stage) = keyed().await;
    for n in 0..3 {
        stage.create(&rule(), n).await;
    }
    let go = |spec: Value| {
        let path = format!("{}/actions/move", stage.object(&rule(), 2));
        stage.acme().post(&path).key(&stage.key()).json(&json!({"spec": spec}))
    };
    let order = || simulator.names("rulebase/security/rules").join(" ");
    assert_eq!(order(), "r-0 r-1 r-2");
    stage.one("a move", go(json!({"where": "before", "rule": "r-1"}))).await.expect(200);
    assert_eq!(order(), "r-0 r-2 r-1");
    stage.one("a move", go(json!({"where": "top"}))).await.expect(200);
    assert_eq!(order(), "r-2 r-0 r-1");
    let refused = stage.none("a move beside nothing", go(json!({"where": "after"}))).await;
    refused.problem(422, "invalid_spec");
    stage
        .one("a move beside a stranger", go(json!({"where": "after", "rule": "r-9"})))
        .await
        .problem(404, "backend_not_found");
}

#[tokio::test]
async fn a_password_is_exchanged_for_a_key_once_and_appears_nowhere() {
    let (_simulator, stage) = logging_in().await;
    stage.create(&address(), 0).await;
    stage.one("a read", stage.acme().get(&stage.object(&address(), 0))).await.expect(200);
    let all = stage.far.proxy().exchanges();
    let logins = all.iter().filter(|exchange| exchange.target == "/api/?type=keygen").count();
    assert_eq!((logins, all.len()), (1, 3), "{all:#?}");
    for secret in [KEY, PASSWORD, "pan%26os"] {
        assert!(!stage.host.log().contains(secret));
        assert!(all.iter().all(|exchange| !exchange.target.contains(secret)));
    }
}

#[tokio::test]
async fn a_key_that_has_expired_costs_one_call_and_then_there_is_another() {
    let (simulator, stage) = logging_in().await;
    stage.create(&address(), 0).await;
    simulator.expire_keys();
    let put = || stage.acme().put(&stage.object(&address(), 1)).json(&json!({"spec": address().spec(1)}));
    // It is said with a 403, and only a 401 may be answered with a second exchange.
    let refused = stage.one("a creation with an expired key", put()).await.problem(502, "backend_unauthenticated");
    assert_eq!((&refused["/sent"], simulator.names("address").len()), (&json!("yes"), 1));
    stage.one("a creation with another key", put()).await.expect(201);
    let logins = stage.far.proxy().exchanges().iter().filter(|exchange| exchange.target == "/api/?type=keygen").count();
    assert_eq!(logins, 2);
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_key_are_told_apart_from_all_else() {
    let (_simulator, stage) =
        staged(json!({"scheme": "login", "secrets": {"username": USER, "password": "wrong"}})).await;
    let put = || stage.acme().put(&stage.object(&address(), 0)).json(&json!({"spec": address().spec(0)}));
    let refused = stage.none("a creation without a login", put()).await.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no");
    let (simulator, stage) = staged(json!({"scheme": "api-key", "secrets": {"key": "wrong"}})).await;
    let put = stage.acme().put(&stage.object(&address(), 0)).json(&json!({"spec": address().spec(0)}));
    let refused = stage.one("a creation with a wrong key", put).await.problem(502, "backend_unauthenticated");
    assert_eq!((&refused["/sent"], simulator.names("address").len()), (&json!("yes"), 0));
    assert_eq!(stage.far.exchanges(), 1);
}
