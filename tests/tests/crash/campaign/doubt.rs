//! How callers learn what came of the calls that they got no answer to.

use std::collections::BTreeMap;

use crosspoint_tests::host::{Scene, until};
use serde_json::{Value, json};

use super::book::{Asked, Book, What};
use super::chance::Chance;

/// How many calls without an answer came to what end.
pub type Ended = BTreeMap<String, usize>;

/// Ends every doubt: by repeating the call with its key, by asking to resolve it, or by a decision where nothing at the
/// backend can tell. What a call's end says about its object is narrowed down to that.
pub async fn end(scene: &Scene, books: &mut [Book], unknown: &[Value], chance: &mut Chance, ended: &mut Ended) {
    for book in books {
        for asked in &mut book.unanswered {
            let operation = unknown.iter().find(|operation| belongs(operation, asked));
            let repeats = asked.key.is_some() && chance.below(2) == 0;
            let end = match operation {
                _ if repeats => repeated(scene, asked, operation).await,
                Some(operation) => resolved(scene, asked, operation).await,
                None => "left to be looked at".to_owned(),
            };
            let doubt = if operation.is_some() { "in doubt" } else { "no doubt" };
            *ended.entry(format!("{doubt}: {:?} {end}", asked.what)).or_default() += 1;
        }
    }
}

fn belongs(operation: &Value, asked: &Asked) -> bool {
    match asked.what {
        What::Commit => asked.key.as_deref().is_some_and(|key| operation["idempotency_key"] == key),
        _ => operation["cmp_id"] == *asked.cmp_id,
    }
}

/// The same call again, until it has an answer that is one.
async fn repeated(scene: &Scene, asked: &mut Asked, operation: Option<&Value>) -> String {
    let client = scene.acme();
    let reply = until("the doubt to end", async || {
        let reply = asked.request(&client).await;
        let over = reply["/code"] != "in_doubt" && (reply["/sent"] != "maybe" || reply["/code"] == "not_resolvable");
        over.then_some(reply)
    })
    .await;
    match (reply.status, reply["/code"].as_str().unwrap_or_default(), operation) {
        (200..300, ..) => {
            asked.before = asked.after;
            let how = reply["/operation/resolution/by"].as_str();
            let replayed = reply.header("idempotency-replayed").map(|_| "from the record");
            format!("repeated, {}", replayed.or(how).unwrap_or("ran afresh"))
        }
        (409, "not_executed", Some(_)) => {
            asked.after = asked.before;
            "repeated, not executed".to_owned()
        }
        (409, "not_resolvable", Some(operation)) if asked.what == What::Commit => {
            decided(scene, operation).await;
            "decided".to_owned()
        }
        _ => panic!("{asked:?}: {reply:#?}"),
    }
}

async fn resolved(scene: &Scene, asked: &mut Asked, operation: &Value) -> String {
    if asked.what == What::Commit {
        scene.resolve(operation).await.problem(409, "not_resolvable");
        decided(scene, operation).await;
        return "decided".to_owned();
    }
    let reply = scene.resolve_after_deadline(operation).await.expect(200);
    let (state, by) = (reply.string("/operation/state"), reply.string("/operation/resolution/by"));
    match state.as_str() {
        "succeeded" => asked.before = asked.after,
        "failed" => asked.after = asked.before,
        "observed" => {}
        _ => panic!("{asked:?}: {reply:#?}"),
    }
    format!("resolved, {state} by {by}")
}

/// Decides that the backend did it.
pub async fn decided(scene: &Scene, operation: &Value) {
    let path = format!("/v1/operations/{}:resolve", operation["id"].as_str().unwrap());
    scene.acme().post(&path).json(&json!({"decision": "applied"})).await.expect(200);
}
