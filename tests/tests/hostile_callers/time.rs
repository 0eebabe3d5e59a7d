//! Callers who take their time: a connection is not kept for somebody who sends nothing, nor memory for somebody who
//! never comes to an end.

use crosspoint_tests::host::{Options, Scene, create, rule};
use serde_json::{Value, json};

use super::raw::{Raw, head, put};

async fn hurried() -> Scene {
    let limits = "idle_timeout = '1s'\nbody_timeout = '1s'";
    Scene::with(Options { limits, ..Options::default() }, json!({})).await
}

#[tokio::test]
async fn a_slow_body_is_answered_408_and_was_not_sent() {
    let scene = hurried().await;
    let mut raw = Raw::connect(&scene).await;
    let body = create("a").to_string();
    let whole = put(&rule("a"), &body);
    let (most, last) = whole.split_at(whole.len() - 1);
    raw.send(most).await.unwrap();
    let answer = raw.answer().await.unwrap();
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &problem["code"], &problem["sent"]), (408, &json!("request_timeout"), &json!("no")));
    assert_eq!(problem["retryable"], true);
    // What comes too late is no request of its own.
    let _ = raw.send(last).await;
    assert!(raw.answers_to_end().await.is_empty());
    assert_eq!((scene.appliance.requests().len(), scene.mapping("a").await), (0, Value::Null));
}

#[tokio::test]
async fn a_body_that_trickles_is_as_slow_as_one_that_stops() {
    let scene = hurried().await;
    let mut raw = Raw::connect(&scene).await;
    raw.send(head(&format!("PUT {}", rule("a")), &["Transfer-Encoding: chunked"])).await.unwrap();
    let answer = loop {
        // Each chunk comes in time; the whole never does.
        if raw.send("1\r\n \r\n").await.is_err() {
            break raw.answer().await;
        }
        let answered = tokio::time::timeout(std::time::Duration::from_millis(50), raw.answer()).await;
        if let Ok(answer) = answered {
            break answer;
        }
    };
    assert_eq!(answer.unwrap().status, 408);
}

#[tokio::test]
async fn a_connection_without_a_whole_request_is_closed() {
    let scene = hurried().await;
    let whole = head("GET /livez", &[]);
    for beginning in [
        "",
        "G",
        &whole[..whole.len() - 1],
        "PRI * HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        // Settings, and the beginning of a head that goes on in the next frame, which never comes.
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\0\0\0\0\x01\x02",
    ] {
        let mut raw = Raw::connect(&scene).await;
        raw.send(beginning).await.unwrap();
        raw.closed().await;
    }
}

#[tokio::test]
async fn a_connection_that_was_used_is_closed_once_it_is_idle() {
    let scene = hurried().await;
    let mut raw = Raw::connect(&scene).await;
    for _ in 0..3 {
        raw.send(head("GET /livez", &[])).await.unwrap();
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    assert!(raw.answers_to_end().await.is_empty());
}

#[tokio::test]
async fn a_call_may_take_longer_than_a_connection_may_be_idle() {
    let scene = hurried().await;
    scene.appliance.hold(firewall_appliance::Moment::BeforeEffect);
    let mut raw = Raw::connect(&scene).await;
    raw.send(put(&rule("a"), &create("a").to_string())).await.unwrap();
    scene.appliance.arrived("POST", "/api/v1/rules", 1).await;
    // Until a connection that was opened later is closed for being idle, twice over.
    for _ in 0..2 {
        Raw::connect(&scene).await.closed().await;
    }
    scene.appliance.release();
    assert_eq!(raw.answer().await.unwrap().status, 201);
}

#[tokio::test]
async fn slow_callers_do_not_slow_the_others() {
    let scene = hurried().await;
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut raw = Raw::connect(&scene).await;
        let body = put(&rule(&format!("slow-{n}")), &create("slow").to_string());
        raw.send(&body[..if n % 2 == 0 { 20 } else { body.len() - 1 }]).await.unwrap();
        slow.push(raw);
    }
    scene.created("quick").await;
    assert_eq!(scene.appliance.requests().len(), 1);
    for mut raw in slow {
        let answers = raw.answers_to_end().await;
        assert!(answers.iter().all(|answer| answer.status == 408), "{answers:?}");
    }
}
