use serde_json::{Value, json};

use super::{Server, refused};

fn answer() -> Value {
    json!({
        "mapping": {
            "tenant": "acme", "backend": "dc1", "kind": "network", "cmp_id": "net-42", "backend_id": "8c0f",
            "state": "active", "revision": 7, "backend_revision": "3", "labels": {"env": "prod"},
            "attributes": null, "marker": "xp-abc", "operation": null, "created_at": "c", "updated_at": "u",
        },
        "result": {"name": "blue"},
        "operation": {"id": "0190-7", "state": "succeeded"},
    })
}

#[test]
fn a_put_sends_spec_labels_and_preconditions_and_shows_the_mapping() {
    let server = Server::answering(201, &[("etag", "\"7\"")], &answer());
    let ran = server.run(&[
        "object",
        "put",
        "dc1",
        "network",
        "net/42",
        "--spec",
        r#"{"name":"blue"}"#,
        "--label",
        "env=prod",
        "--label",
        "a=b=c",
        "--if-none-match",
        "--idempotency-key",
        "k-1",
        "--tenant",
        "acme",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.expect_out(&[
        "cmp id:           net-42\n",
        "8c0f",
        "env=prod",
        "operation:        0190-7",
        "etag:             \"7\"\n\n{",
        "\"blue\"",
    ]);
    let seen = server.only_request();
    assert_eq!(seen.line(), "PUT /v1/backends/dc1/objects/network/net%2F42?tenant=acme");
    assert_eq!(seen.json(), json!({"spec": {"name": "blue"}, "labels": {"env": "prod", "a": "b=c"}}));
    assert_eq!(seen.header("authorization"), Some("Bearer xp_test"));
    assert_eq!((seen.header("if-none-match"), seen.header("idempotency-key")), (Some("*"), Some("k-1")));
}

#[test]
fn a_spec_is_read_from_standard_input() {
    let server = Server::answering(200, &[], &answer());
    let url = server.url();
    let ran = super::run(
        &["object", "patch", "dc1", "network", "net-42", "-f", "-", "--if-match", "7", "--url", &url],
        &[],
        r#"{"name":"green"}"#,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = server.only_request();
    assert_eq!(seen.json(), json!({"spec": {"name": "green"}}));
    assert_eq!(seen.header("if-match"), Some("\"7\""));
    assert_eq!(seen.header("authorization"), None);
}

#[test]
fn machines_get_the_answer_as_it_came() {
    let server = Server::answering(200, &[], &answer());
    let ran = server.run(&["object", "get", "dc1", "network", "net-42", "-o", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), answer());
    assert_eq!(ran.err, "");
}

#[test]
fn an_action_without_a_key_gets_one_that_is_told() {
    let server = Server::answering(200, &[], &json!({"mapping": null, "result": {}, "operation": null}));
    let ran = server.run(&["object", "action", "dc1", "router", "r-1", "add_interface"]);
    let seen = server.only_request();
    assert_eq!(seen.line(), "POST /v1/backends/dc1/objects/router/r-1/actions/add_interface");
    assert_eq!(seen.json(), json!({"spec": {}}));
    let key = seen.header("idempotency-key").unwrap();
    assert_eq!(ran.err, format!("idempotency key: {key}\n"));
}

#[test]
fn an_action_on_a_whole_backend_has_its_own_address() {
    let server = Server::answering(200, &[], &json!({"mapping": null, "result": {}, "operation": null}));
    server.run(&["backend", "action", "fw", "commit", "--idempotency-key", "k", "--spec", "{}"]);
    assert_eq!(server.only_request().line(), "POST /v1/backends/fw/actions/commit");
}

#[test]
fn a_replay_and_a_pending_answer_are_told_to_people() {
    let server = Server::answering(202, &[("idempotency-replayed", "true")], &answer());
    let ran = server.run(&["object", "delete", "dc1", "network", "net-42"]);
    ran.expect_err(0, &["nothing was done again", "crosspoint operation refresh 0190-7"]);
}

#[test]
fn a_dry_run_shows_the_exchange_as_it_would_be() {
    let server = Server::answering(
        200,
        &[],
        &json!({"dry_run": true, "exchange": {
            "endpoint": "default", "method": "POST", "url": "http://fw/v2.0/networks",
            "headers": [["x-auth-token", "***"]], "body": {"network": {"name": "blue"}},
        }}),
    );
    let ran = server.run(&["object", "put", "dc1", "network", "n", "--spec", "{}", "--dry-run"]);
    assert_eq!(server.only_request().target, "/v1/backends/dc1/objects/network/n?dry_run=true");
    ran.expect_out(&["nothing was sent", "POST http://fw/v2.0/networks\nx-auth-token: ***\n\n{", "\"blue\""]);
}

#[test]
fn a_list_shows_what_is_mapped_and_how_to_go_on() {
    let server = Server::answering(
        200,
        &[],
        &json!({"items": [
            {"backend_id": "8c0f", "revision": "3", "result": {}, "cmp_id": "net-42"},
            {"backend_id": "9d1a", "revision": null, "result": {}, "cmp_id": null},
        ], "next_page": "p 2"}),
    );
    let ran = server.run(&["object", "list", "dc1", "network", "--limit", "2", "--page", "p&1"]);
    assert_eq!(server.only_request().target, "/v1/backends/dc1/objects/network?limit=2&page=p%261");
    ran.expect_out(&["8c0f        net-42  3", "9d1a", "more with --page p 2"]);
}

#[test]
fn adopt_and_release_name_the_object_and_nothing_more() {
    let server = Server::answering(200, &[], &answer());
    server.run(&["object", "adopt", "dc1", "network", "net-42", "--backend-id", "8c0f", "--label", "env=prod"]);
    let seen = server.only_request();
    assert_eq!(seen.line(), "POST /v1/backends/dc1/objects/network/net-42:adopt");
    assert_eq!(seen.json(), json!({"backend_id": "8c0f", "labels": {"env": "prod"}}));

    let server = Server::answering(200, &[], &answer());
    server.run(&["object", "release", "dc1", "network", "net-42"]);
    assert_eq!(server.only_request().line(), "POST /v1/backends/dc1/objects/network/net-42:release");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let server = Server::answering(200, &[], &answer());
    server.run(&["object", "put", "dc1", "network", "n"]).expect_err(2, &["--spec JSON or -f FILE"]);
    server.run(&["object", "put", "dc1", "network", "n", "--spec", "{"]).expect_err(2, &["--spec is no JSON"]);
    server.run(&["object", "put", "dc1", "network", "n", "-f", "/nowhere.json"]).expect_err(1, &["/nowhere.json"]);
    assert!(server.seen.lock().unwrap().is_empty());
    assert!(refused(&["object", "put", "dc1", "network", ""]).contains("<CMP_ID>"));
    assert!(refused(&["object", "put", "b", "k", "n", "--spec", "{}", "-f", "x"]).contains("cannot be used with"));
    assert!(refused(&["object", "put", "b", "k", "n", "--label", "env"]).contains("key=value"));
}
