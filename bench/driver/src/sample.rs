//! Policies of a given size, for measuring with.

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::KIND;

/// The revision of every sample.
pub const REVISION: &str = "\"7\"";
const MARKER: &str = "xp-0f3a9c5e7b1d2468ace0";

/// A call that replaces policy `id` with one whose spec has `size` bytes of JSON.
#[must_use]
pub fn replace(id: &str, size: usize) -> Call {
    Call {
        operation_id: "0191d3a2-7c5e-7b1f-9a44-5d0e3c2b1a09".to_owned(),
        tenant: "acme".to_owned(),
        cmp_id: Some("policy-4711".to_owned()),
        backend_id: Some(id.to_owned()),
        marker: MARKER.to_owned(),
        spec: spec(size).into(),
        precondition: Some(REVISION.to_owned()),
        backend_name: "fw-dc1".to_owned(),
        configuration: json!({}).into(),
        ..Call::new(Verb::Replace, KIND)
    }
}

/// A spec of `size` bytes of JSON, for 200 bytes or more.
#[must_use]
pub fn spec(size: usize) -> Value {
    fill(size, |rules, description| {
        let rules = (0..rules).zip(PICK.iter().cycle()).map(|(rule, (action, _))| {
            json!({
                "name": format!("r{rule}"), "action": action, "protocol": "tcp",
                "from": format!("10.{}.{}.0/24", rule % 200, rule % 7), "to": "192.0.2.16/28",
                "ports": format!("80{:02}-8443", rule % 100), "log": rule % 2 == 1, "rank": rule,
            })
        });
        json!({"name": "edge-in", "description": description, "rules": rules.collect::<Vec<_>>()})
    })
}

/// The backend's reply with policy `id`, whose body has `size` bytes of JSON.
#[must_use]
pub fn reply(id: &str, size: usize) -> Reply {
    let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.into() };
    let headers = vec![
        header("content-type", "application/json"),
        header("etag", REVISION),
        header("date", "Sat, 21 Nov 2026 13:00:00 GMT"),
        header("server", "bench"),
    ];
    Reply::Http(HttpReply { status: 200, headers, body: stored(id, size).to_string().into() })
}

/// Policy `id` as the backend shows it, in `size` bytes of JSON, for 250 bytes or more.
#[must_use]
pub fn stored(id: &str, size: usize) -> Value {
    fill(size, |rules, description| {
        let entries = (0..rules).zip(PICK.iter().cycle()).map(|(rule, (_, verdict))| {
            json!({
                "label": format!("r{rule}"), "verdict": verdict, "ip-protocol": 6,
                "src": {"addr": format!("10.{}.{}.0", rule % 200, rule % 7), "mask": "255.255.255.0"},
                "dst": {"addr": "192.0.2.16", "mask": "255.255.255.240"},
                "dport": {"low": 8000 + rule % 100, "high": 8443}, "syslog": rule % 2, "sequence": rule,
            })
        });
        let remark = format!("{description} [{MARKER}]");
        let entries = entries.collect::<Vec<_>>();
        json!({"id": id, "revision": 7, "policy-name": "edge-in", "remark": remark, "entries": entries})
    })
}

/// An action, and what the backend calls it.
const PICK: [(&str, &str); 4] = [("allow", "PERMIT"), ("deny", "DROP"), ("allow", "PERMIT"), ("reject", "RESET")];

/// As many rules as fit into `size` bytes, and a description that fills what is left.
fn fill(size: usize, make: impl Fn(usize, &str) -> Value) -> Value {
    let length = |rules, description: &str| make(rules, description).to_string().len();
    let rules = (1..size).take_while(|rules| length(*rules, "") <= size).last().unwrap_or(0);
    let left = size.saturating_sub(length(rules, ""));
    make(rules, &"for the shop ".chars().cycle().take(left).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bench;

    #[test]
    fn samples_have_the_size_that_was_asked_for_and_can_be_translated() {
        for size in [256, 1024, 16 << 10] {
            let (call, reply) = (replace("pol-7", size), reply("pol-7", size));
            assert_eq!((spec(size).to_string().len(), stored("pol-7", size).to_string().len()), (size, size));
            assert_eq!(Bench::encode(&call).map(|_| ()), Ok(()));
            let outcome = Bench::decode(&call, &[], &reply);
            assert_eq!(
                outcome.map(|it| (it.backend_id, it.revision)),
                Ok((Some("pol-7".to_owned()), Some(REVISION.to_owned())))
            );
        }
    }
}
