//! What objects of each kind look like here.

use crosspoint_tests::suite::Subject;
use serde_json::{Value, json};

/// FortiOS answers a change with the object's key alone. Of a policy it is a number that only FortiOS knows.
fn name_alone(spec: &Value) -> Value {
    json!({"name": spec["name"]})
}

pub fn address() -> Subject {
    Subject::of(
        "address",
        |n| json!({"name": format!("web/{n}"), "type": "ipmask", "subnet": format!("192.0.2.{n}/32"), "comment": "a web server"}),
    )
    .replacing(|n| json!({"name": format!("web/{n}"), "type": "iprange", "start-ip": "192.0.2.1", "end-ip": "192.0.2.9"}))
    .patching(json!({"comment": "the shop", "color": 7}))
    .confirming(name_alone)
    .bad(json!({"type": "geography"}), "/type")
    .bad(json!({"name": "<script>"}), "/name")
    .bad(json!({"subnet": "192.0.2.1/24"}), "/subnet")
    .bad(json!({"subnet": null}), "/subnet")
    .bad(json!({"type": "iprange", "start-ip": "192.0.2.9", "end-ip": "192.0.2.1"}), "/end-ip")
    .bad(json!({"comment": "x".repeat(221)}), "/comment")
    .bad_patch(json!({"start-ip": "192.0.2"}), "/start-ip")
    .bad_patch(json!({"name": "other"}), "")
    .refused(json!({"associated-interface": "nowhere"}), 422, "invalid_spec")
}

pub fn group() -> Subject {
    Subject::of("address-group", |n| json!({"name": format!("group-{n}"), "member": ["all"], "comment": "everybody"}))
        .replacing(|n| json!({"name": format!("group-{n}"), "member": ["all", "server"]}))
        .patching(json!({"member": ["server"]}))
        .confirming(name_alone)
        .bad(json!({"member": []}), "/member")
        .bad(json!({"member": "all"}), "/member")
        .bad_patch(json!({"member": null}), "/member")
        .refused(json!({"member": ["all", "nobody"]}), 422, "invalid_spec")
}

pub fn policy() -> Subject {
    let spec = |n: u32, action: &str| {
        json!({
            "name": format!("policy {n}"), "srcintf": ["wan1"], "dstintf": ["internal"], "srcaddr": ["all"],
            "dstaddr": ["server"], "service": ["HTTP", "HTTPS"], "action": action,
        })
    };
    Subject::of("policy", move |n| spec(n, "accept"))
        .replacing(move |n| spec(n, "deny"))
        .patching(json!({"status": "disable", "comments": "not yet"}))
        .confirming(|_| json!({}))
        .bad(json!({"action": "drop"}), "/action")
        .bad(json!({"srcaddr": []}), "/srcaddr")
        .bad_patch(json!({"service": null}), "/service")
        .refused(json!({"dstaddr": ["server", "nobody"]}), 422, "invalid_spec")
        .action("move", json!({"before": 1}))
}

pub fn virtual_ip() -> Subject {
    Subject::of(
        "virtual-ip",
        |n| json!({"name": format!("vip-{n}"), "extip": format!("198.51.100.{n}"), "mappedip": ["10.0.0.5"]}),
    )
    .replacing(|n| {
        json!({
            "name": format!("vip-{n}"), "extip": format!("198.51.100.{n}"), "mappedip": ["10.0.0.6"], "extintf": "wan1",
            "portforward": "enable", "extport": "443", "mappedport": "8443",
        })
    })
    .patching(json!({"comment": "the shop", "mappedport": "9443"}))
    .confirming(name_alone)
    .bad(json!({"portforward": "enable"}), "/mappedport")
    .bad(json!({"extport": "https"}), "/extport")
    .refused(json!({"extip": "198.51.100.256"}), 422, "invalid_spec")
}
