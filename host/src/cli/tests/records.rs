use serde_json::{Value, json};

use super::{Server, refused};

fn mapping(cmp_id: &str) -> Value {
    json!({"tenant": "acme", "backend": "dc1", "kind": "network", "cmp_id": cmp_id, "backend_id": "8c0f", "state": "unknown"})
}

#[test]
fn mappings_are_narrowed_by_everything_that_was_said() {
    let server = Server::answering(200, &[], &json!({"items": [mapping("net-42")], "next_cursor": "c2"}));
    let ran = server.run(&[
        "mapping",
        "list",
        "--backend",
        "dc1",
        "--kind",
        "network",
        "--state",
        "unknown",
        "--label",
        "env=prod",
        "--label",
        "a=b",
        "--limit",
        "1",
        "--cursor",
        "c1",
    ]);
    ran.expect_out(&["acme    dc1      network  net-42  8c0f        unknown", "more with --cursor c2"]);
    assert_eq!(
        server.only_request().target,
        "/v1/mappings?backend=dc1&kind=network&label=env%3Dprod%2Ca%3Db&state=unknown&limit=1&cursor=c1"
    );
}

#[test]
fn a_lookup_goes_both_ways_and_shows_what_is_not_mapped() {
    let server = Server::answering(200, &[], &json!({"items": [{"mapping": mapping("net-42")}, {"mapping": null}]}));
    let lookup = ["mapping", "lookup", "dc1", "network", "--backend-id", "9d1a", "--cmp-id", "net-42"];
    let ran = server.run(&[&lookup[..], &["--tenant", "acme"]].concat());
    ran.expect_out(&["net-42", "9d1a        not mapped"]);
    let seen = server.only_request();
    assert_eq!(seen.line(), "POST /v1/mappings:lookup");
    assert_eq!(
        seen.json(),
        json!({"items": [
            {"backend": "dc1", "kind": "network", "cmp_id": "net-42", "tenant": "acme"},
            {"backend": "dc1", "kind": "network", "backend_id": "9d1a"},
        ]})
    );
    assert!(refused(&["mapping", "lookup", "dc1", "network"]).contains("required"));
}

#[test]
fn an_operation_in_doubt_shows_the_command_that_settles_it() {
    let server = Server::answering(
        200,
        &[],
        &json!({
            "id": "0190-7", "tenant": "acme", "backend": "dc1", "kind": "network", "cmp_id": "net-42", "verb": "create",
            "state": "unknown", "sent": "maybe", "caller": "cmp", "driver": "neutron@1.0.0", "result": null,
            "problem": {"code": "backend_timeout", "detail": "no reply within 30 s"}, "resolution": null,
        }),
    );
    let ran = server.run(&["operation", "show", "0190-7"]);
    ran.expect_out(&[
        "state:   unknown",
        "because: no reply within 30 s",
        "next:    crosspoint operation resolve 0190-7",
    ]);
    assert_eq!(server.only_request().line(), "GET /v1/operations/0190-7");
}

#[test]
fn operations_are_listed_with_their_state_and_problem() {
    let server = Server::answering(
        200,
        &[],
        &json!({"items": [{"id": "0190-7", "state": "failed", "sent": "no", "verb": "create", "backend": "dc1",
            "kind": null, "cmp_id": null, "started_at": "t", "problem": {"code": "queue_full"}}], "next_cursor": null}),
    );
    let ran = server.run(&["operation", "list", "--state", "failed"]);
    ran.expect_out(&["0190-7  failed  no    create  dc1", "queue_full"]);
    assert_eq!(server.only_request().target, "/v1/operations?state=failed");
}

#[test]
fn a_resolution_asks_the_backend_unless_somebody_decides() {
    let decisions: [(&[&str], Value); 4] = [
        (&[], json!({})),
        (&["--applied", "--backend-id", "8c0f"], json!({"decision": "applied", "backend_id": "8c0f"})),
        (&["--applied"], json!({"decision": "applied"})),
        (&["--not-applied"], json!({"decision": "not_applied"})),
    ];
    for (flags, body) in decisions {
        let server = Server::answering(200, &[], &json!({"mapping": mapping("n"), "result": {}, "operation": null}));
        let ran = server.run(&[&["operation", "resolve", "0190-7"], flags].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let seen = server.only_request();
        assert_eq!((seen.line().as_str(), seen.json()), ("POST /v1/operations/0190-7:resolve", body));
    }
    assert!(refused(&["operation", "resolve", "x", "--applied", "--not-applied"]).contains("cannot be used with"));
    assert!(refused(&["operation", "resolve", "x", "--backend-id", "y"]).contains("--applied"));
}

#[test]
fn a_refresh_asks_about_one_operation() {
    let server = Server::answering(202, &[], &json!({"mapping": null, "result": null, "operation": {"id": "0190-7"}}));
    let ran = server.run(&["operation", "refresh", "0190-7"]);
    assert_eq!((ran.code, server.only_request().line().as_str()), (0, "POST /v1/operations/0190-7:refresh"));
}
