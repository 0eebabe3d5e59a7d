//! Who is who: host keys and logins at a real SSH server, and what a session leaves behind.

use crosspoint_tests::host::until;
use crosspoint_tests::suite::{FarSide as _, Stage, Subject, Trouble};
use serde_json::{Value, json};

use crate::far_side::NetconfFarSide;
use crate::possible;
use crate::testbed::Target;

/// A key that is nobody's, and a fingerprint that no key has.
const STRANGER: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn stage(change: impl FnOnce(&mut Value)) -> Stage<NetconfFarSide> {
    let far = NetconfFarSide::start(Target::Running).await.expect("a NETCONF server behind an SSH server");
    let mut settings = far.settings().await;
    change(&mut settings);
    Stage::set("netconf-switch", settings, far).await
}

fn interface() -> Subject {
    Subject::of("interface", |n| json!({"name": format!("eth{n}")}))
}

async fn creation(stage: &Stage<NetconfFarSide>) -> crosspoint_tests::host::Reply {
    let port = interface();
    let put = stage.acme().put(&stage.object(&port, 1)).key(&stage.key()).json(&json!({"spec": port.spec(1)}));
    stage.none("a creation at a backend that lets nobody in", put).await
}

#[tokio::test]
async fn a_backend_with_another_host_key_is_sent_nothing() {
    if !possible("netconf host key").await {
        return;
    }
    let stage = stage(|settings| settings["ssh"]["host_keys"] = json!([STRANGER])).await;
    let refused = creation(&stage).await.problem(502, "backend_unreachable");
    assert_eq!(refused["/sent"], "no");
    assert!(refused.string("/detail").contains("ssh-ed25519 SHA256:"), "{refused:#?}");
    assert_eq!(stage.far.sessions(), (0, 0));
}

#[tokio::test]
async fn a_key_that_the_backend_does_not_know_is_told_apart_from_a_backend_that_is_gone() {
    if !possible("netconf login").await {
        return;
    }
    let stage = stage(|settings| {
        settings["authentication"]["secrets"] = json!({"username": "root", "password": "wrong-horse"});
    })
    .await;
    let refused = creation(&stage).await.problem(502, "backend_unauthenticated");
    assert_eq!(refused["/sent"], "no");
    assert!(!format!("{refused:?}").contains("wrong-horse"), "{refused:#?}");
    assert_eq!(stage.far.sessions(), (0, 0));
}

#[tokio::test]
async fn settings_without_a_host_key_are_refused_and_say_where_to_get_it() {
    if !possible("netconf settings").await {
        return;
    }
    let stage = stage(|_| ()).await;
    let mut settings = stage.far.settings().await;
    settings["driver"] = "netconf-switch".into();
    settings["ssh"] = json!({});
    let put = stage.operator().put("/v1/backends/keyless").json(&settings);
    let refused = stage.none("a configuration", put).await.problem(422, "invalid_spec");
    assert_eq!(refused["/errors/0/pointer"], "/ssh/host_keys", "{refused:#?}");
    assert!(refused.string("/errors/0/message").contains("ssh-keyscan"), "{refused:#?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_its_session_at_the_backend_and_others_share_one() {
    if !possible("netconf sessions").await {
        return;
    }
    let stage = stage(|settings| settings["limits"] = json!({})).await;
    let port = interface();
    stage.create(&port, 1).await;
    for _ in 0..5 {
        stage.one("a read", stage.acme().get(&stage.object(&port, 1))).await.expect(200);
    }
    assert_eq!(stage.far.sessions(), (1, 0), "one session serves all");
    stage.far.trouble(Trouble::Malformed);
    stage
        .one("a reply that makes no sense", stage.acme().get(&stage.object(&port, 1)))
        .await
        .problem(502, "backend_malformed_reply");
    assert_eq!(stage.far.sessions(), (1, 0), "the session itself is sound");
    stage.far.trouble(Trouble::Truncated);
    stage.one("half a reply", stage.acme().get(&stage.object(&port, 1))).await.problem(502, "backend_connection_lost");
    stage.one("a read in a new session", stage.acme().get(&stage.object(&port, 1))).await.expect(200);
    until("the broken session to end", async || (stage.far.sessions() == (2, 1)).then_some(())).await;
}
