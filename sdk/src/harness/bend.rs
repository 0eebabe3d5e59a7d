//! Replies bent out of shape: a backend, or what stands between, may send anything.

use crosspoint_contract::{Bytes, HttpReply, Reply};
use serde_json::Value;

use super::fixtures::parse;
use super::{assert_none, guarded};
use crate::Driver;

/// Gives `decode` the replies of all fixtures, bent in every simple way: cut short, emptied, with another status, without
/// headers, with each JSON value in turn missing or of another type. Whatever it answers, it must not panic.
///
/// # Panics
/// With every reply that made the driver panic.
pub fn bend_replies<D: Driver>(json: &[u8]) {
    let mut wrong = Vec::new();
    for fixture in parse(json) {
        let Some(reply) = &fixture.reply else { continue };
        let Ok(Ok(exchange)) = guarded(|| D::encode(&fixture.call)) else { continue };
        for bent in bend(reply) {
            if let Err(panic) = guarded(|| D::decode(&fixture.call, exchange.context.as_ref(), &bent)) {
                wrong.push(format!("fixture `{}`, with {}: {panic}", fixture.name, show(&bent)));
            }
        }
    }
    assert_none("a reply made the driver panic", &wrong);
}

/// Statuses that stand for their class or are treated apart.
const STATUSES: [u16; 21] =
    [0, 100, 200, 201, 202, 204, 206, 302, 400, 401, 403, 404, 409, 412, 422, 429, 500, 502, 503, 504, 999];

fn bend(reply: &Reply) -> Vec<Reply> {
    match reply {
        Reply::Http(http) => {
            let with_body = |body| Reply::Http(HttpReply { body, ..http.clone() });
            let statuses = STATUSES.map(|status| Reply::Http(HttpReply { status, ..http.clone() }));
            let bare = Reply::Http(HttpReply { headers: Vec::new(), ..http.clone() });
            bodies(&http.body).into_iter().map(with_body).chain(statuses).chain([bare]).collect()
        }
        Reply::Message(message) => bodies(message).into_iter().map(Reply::Message).collect(),
        Reply::Command(command) => {
            let mut bent: Vec<Reply> = Vec::new();
            for output in bodies(&command.output) {
                bent.push(Reply::Command(crosspoint_contract::CommandReply { output, ..command.clone() }));
            }
            for status in [None, Some(-1), Some(0), Some(1), Some(255)] {
                bent.push(Reply::Command(crosspoint_contract::CommandReply { status, ..command.clone() }));
            }
            bent
        }
    }
}

fn bodies(body: &Bytes) -> Vec<Bytes> {
    let bytes = body.as_ref();
    let mut bent: Vec<Bytes> = (0..=bytes.len()).filter_map(|end| bytes.get(..end)).map(Bytes::from).collect();
    bent.extend(["null", "[]", "{}", "\"\"", "0", "<html></html>", "\u{fffd}"].map(Bytes::from));
    bent.push(Bytes(vec![0xff, 0x00, 0xfe]));
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        bent.extend(values(&value).into_iter().map(|value| Bytes::from(value.to_string())));
    }
    bent
}

/// The value with each of its parts in turn replaced or, in objects and arrays, removed.
fn values(value: &Value) -> Vec<Value> {
    let strange = [Value::Null, Value::from(-1), Value::from("é"), Value::from(""), Value::Array(vec![Value::Null])];
    let mut bent: Vec<Value> = strange.to_vec();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let mut without = members.clone();
                without.remove(name);
                bent.push(Value::Object(without));
                bent.extend(values(member).into_iter().map(|member| {
                    let mut with = members.clone();
                    with.insert(name.clone(), member);
                    Value::Object(with)
                }));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                bent.extend(values(item).into_iter().map(|bent| {
                    let replaced = items.iter().enumerate();
                    Value::Array(replaced.map(|(i, item)| if i == index { &bent } else { item }.clone()).collect())
                }));
            }
        }
        _ => {}
    }
    bent
}

fn show(reply: &Reply) -> String {
    let mut text = format!("{reply:?}");
    if let Some((end, _)) = text.char_indices().nth(300) {
        text.truncate(end);
        text.push('…');
    }
    text
}
