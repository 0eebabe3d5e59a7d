//! Any two calls under one idempotency key: they have one fingerprint if they are the same request, and only then.

use std::collections::BTreeMap;

use crosspoint::relay::{Caller, Method, ObjectCall, Precondition, fingerprint};
use serde_json::Value;

use crate::input::Input;

/// Any bytes as two calls; the second may be the first with one thing changed.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let one = call(&mut input);
    let other = if input.flag() { changed(&one, &mut input) } else { call(&mut input) };
    let print = fingerprint(&one);
    assert_eq!(print, fingerprint(&one.clone()), "a fingerprint is always the same");
    assert!(print.len() == 64 && print.bytes().all(|digit| digit.is_ascii_hexdigit()), "{print}");
    assert_eq!(print == fingerprint(&other), same(&one, &other), "{one:?}\n{other:?}");
    // Who asks, and what is demanded of the object's revision, is not what is asked for.
    let caller = Caller { name: "another".to_owned(), ..one.caller.clone() };
    assert_eq!(print, fingerprint(&ObjectCall { caller, precondition: Precondition::Present, ..one }));
}

/// Whether two calls ask for the same.
fn same(one: &ObjectCall, other: &ObjectCall) -> bool {
    // Numbers are compared as they are written: 1 and 1.0 are two requests.
    let written = |call: &ObjectCall| (call.spec.to_string(), call.labels.clone());
    one.method == other.method
        && one.backend == other.backend
        && one.object == other.object
        && written(one) == written(other)
}

fn call(input: &mut Input<'_>) -> ObjectCall {
    ObjectCall {
        caller: Caller { name: "cmp".to_owned(), tenant: "acme".to_owned(), sees_unmapped: false },
        backend: name(input),
        object: input.flag().then(|| (name(input), name(input))),
        method: method(input),
        spec: value(input, 0),
        labels: input.flag().then(|| labels(input)),
        precondition: Precondition::None,
        idempotency_key: Some("key".to_owned()),
    }
}

fn changed(call: &ObjectCall, input: &mut Input<'_>) -> ObjectCall {
    let mut call = call.clone();
    match input.byte() % 5 {
        0 => call.backend = name(input),
        1 => call.object = call.object.map(|(kind, cmp_id)| (cmp_id, kind)),
        2 => call.method = method(input),
        3 => call.spec = value(input, 0),
        _ => call.labels = Some(labels(input)),
    }
    call
}

/// Never empty, as the API has it.
fn name(input: &mut Input<'_>) -> String {
    format!("n{}", input.text())
}

fn method(input: &mut Input<'_>) -> Method {
    match input.byte() % 5 {
        0 => Method::Put,
        1 => Method::Get,
        2 => Method::Patch,
        3 => Method::Delete,
        _ => Method::Action(input.text()),
    }
}

fn labels(input: &mut Input<'_>) -> BTreeMap<String, String> {
    (0..input.byte() % 3).map(|_| (input.text(), input.text())).collect()
}

fn value(input: &mut Input<'_>, depth: usize) -> Value {
    match input.byte() % 8 {
        0 => Value::Null,
        1 => input.flag().into(),
        2 => u64::from(input.byte()).into(),
        3 => f64::from(input.byte()).into(),
        4 if depth < 4 => (0..input.byte() % 4).map(|_| value(input, depth + 1)).collect(),
        5 if depth < 4 => (0..input.byte() % 4).map(|_| (input.text(), value(input, depth + 1))).collect(),
        _ => input.text().into(),
    }
}
