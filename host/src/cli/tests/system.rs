use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Server, refused, run};
use crate::config::{Config, Overrides};

fn driver() -> Value {
    json!({
        "name": "neutron", "state": "active", "version": "1.1.0", "digest": "sha256:ab", "generation": 4,
        "loaded_at": "t", "source": "upload", "kinds": ["network"], "backends": ["dc1"], "calls_in_flight": 2,
        "history": [{"version": "1.0.0", "digest": "sha256:aa"}], "last_failure": null,
    })
}

#[test]
fn a_driver_is_uploaded_as_it_is() {
    let file = tempfile::NamedTempFile::with_suffix(".wasm").unwrap();
    std::fs::write(file.path(), b"\0asm\x0d").unwrap();
    let path = file.path().display().to_string();
    let mut answer = driver();
    answer["activated"] = json!(false);
    answer["package"] = json!({"version": "1.2.0", "digest": "sha256:ac"});
    let server = Server::answering(201, &[], &answer);
    let ran = server.run(&["driver", "load", &path, "--no-activate"]);
    ran.expect_out(&[
        "name:            neutron",
        "kept versions:   1.0.0  sha256:aa",
        "activate neutron --digest sha256:ac",
    ]);
    let seen = server.only_request();
    assert_eq!(seen.line(), "POST /v1/drivers?activate=false");
    assert_eq!((seen.header("content-type"), seen.body.as_slice()), (Some("application/wasm"), &b"\0asm\x0d"[..]));
}

#[test]
fn a_driver_is_put_in_place_by_digest_or_version_rolled_back_and_removed() {
    let cases: [(&[&str], &str, Option<Value>); 4] = [
        (
            &["activate", "neutron", "--digest", "sha256:aa"],
            "POST /v1/drivers/neutron:activate",
            Some(json!({"digest": "sha256:aa"})),
        ),
        (
            &["activate", "neutron", "--version", "1.0.0"],
            "POST /v1/drivers/neutron:activate",
            Some(json!({"version": "1.0.0"})),
        ),
        (&["rollback", "neutron"], "POST /v1/drivers/neutron:rollback", Some(json!({}))),
        (&["remove", "neutron"], "DELETE /v1/drivers/neutron", None),
    ];
    for (args, line, body) in cases {
        let server = Server::answering(200, &[], &if body.is_some() { driver() } else { Value::Null });
        let ran = server.run(&[&["driver"], args].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let seen = server.only_request();
        assert_eq!(seen.line(), line);
        assert_eq!((!seen.body.is_empty()).then(|| seen.json()), body);
    }
    assert!(refused(&["driver", "activate", "neutron"]).contains("--digest"));
}

#[test]
fn a_package_is_inspected_without_a_server_and_a_name_with_one() {
    let ran = run(&["driver", "inspect", "-"], &[], "12345");
    ran.expect_out(&["name:    fw", "size:    5"]);
    let server = Server::answering(200, &[], &driver());
    server.run(&["driver", "inspect", "neutron"]).expect_out(&["1.1.0"]);
    assert_eq!(server.only_request().line(), "GET /v1/drivers/neutron");
}

fn backend() -> Value {
    json!({
        "name": "dc1", "revision": 9, "driver": "neutron", "endpoints": {"default": "https://n:9696"},
        "authentication": {"scheme": "login", "secrets": {"password": {"set": true}}}, "tls": {}, "limits": {},
        "http_version": "auto", "configuration": {"region": "one"},
        "problem": {"code": "driver_unavailable", "detail": "The driver is not loaded."},
        "lanes": [{"class": "read", "active": 1, "waiting": 2}],
    })
}

#[test]
fn a_backend_is_put_with_its_secrets_looked_up_and_shown_without_them() {
    let server = Server::answering(200, &[], &backend());
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = json!({
        "driver": "neutron", "endpoints": {"default": "https://n:9696"},
        "authentication": {"scheme": "login", "secrets": {"password": {"env": "DC1_PASSWORD"}}},
    });
    std::fs::write(file.path(), settings.to_string()).unwrap();
    let (url, path) = (server.url(), file.path().display().to_string());
    let args = ["backend", "put", "dc1", "-f", &path, "--url", &url];
    let ran = run(&args, &[("DC1_PASSWORD", "hunter2")], "");
    ran.expect_out(&["secrets:        password", "default  https://n:9696"]);
    assert!(!ran.out.contains("hunter2"));
    let seen = server.only_request();
    assert_eq!(seen.line(), "PUT /v1/backends/dc1");
    assert_eq!(seen.json()["authentication"]["secrets"]["password"], "hunter2");
    run(&args, &[], "").expect_err(1, &["DC1_PASSWORD is not set"]);
}

#[test]
fn what_backend_get_prints_can_be_put_back() {
    let server = Server::answering(200, &[], &backend());
    let url = server.url();
    server.run(&["backend", "get", "dc1"]).expect_out(&["read  1 under way, 2 waiting", "The driver is not loaded."]);
    let got = server.run(&["backend", "get", "dc1", "-o", "json"]);
    run(&["backend", "put", "dc1", "-f", "-", "--url", &url], &[], &got.out);
    let put = server.seen.lock().unwrap().last().unwrap().json();
    assert_eq!(put["authentication"]["secrets"]["password"], json!({"set": true}));
    for own in ["name", "revision", "problem", "lanes"] {
        assert!(put.get(own).is_none(), "{own}");
    }
}

#[test]
fn backends_are_listed_and_probed() {
    let server = Server::answering(200, &[], &json!({"items": [backend()]}));
    server.run(&["backend", "list"]).expect_out(&["dc1   neutron  https://n:9696  login           driver_unavailable"]);
    let server = Server::answering(200, &[], &json!({"backend": "dc1", "ok": true, "latency_ms": 4.2, "result": {}}));
    server.run(&["backend", "probe", "dc1"]).expect_out(&["answered in: 4.2 ms"]);
    assert_eq!(server.only_request().line(), "POST /v1/backends/dc1:probe");
}

#[test]
fn events_are_shown_until_the_server_has_no_more() {
    const EVENTS: &str = ": hello\n\nid: 7\nevent: mapping\ndata: {\"index\":7,\"at\":\"t\",\"type\":\"mapping.active\",\
        \"tenant\":\"acme\",\"backend\":\"dc1\",\"kind\":\"network\",\"cmp_id\":\"net-42\",\"backend_id\":\"8c0f\"}\n\n";
    let server = Server::with(|_| {
        Response::builder().header("content-type", "text/event-stream").body(Body::from(EVENTS)).unwrap()
    });
    let ran = server.run(&["events", "--after", "6"]);
    ran.expect_out(&["7  t  mapping.active", "acme/dc1/network/net-42  = 8c0f"]);
    let seen = server.only_request();
    assert_eq!((seen.target.as_str(), seen.header("accept")), ("/v1/events?after=6", Some("text/event-stream")));
    let ran = server.run(&["events", "-o", "json"]);
    assert_eq!(server.seen.lock().unwrap()[1].target, "/v1/events?after=0");
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["index"], 7, "{ran:?}");
}

#[test]
fn who_follows_events_goes_on_after_the_last_one_and_learns_when_it_is_too_late() {
    let server = Server::with(|seen| match seen.header("last-event-id") {
        None => Response::new(Body::from("id: 7\ndata: {}\n\n")),
        Some(_) => {
            let gone = json!({"title": "Compacted", "status": 410, "code": "events_compacted", "sent": "no"});
            Response::builder().status(410).body(Body::from(gone.to_string())).unwrap()
        }
    });
    let ran = server.run(&["events", "--follow", "--after", "3"]);
    ran.expect_err(1, &["connecting again", "events_compacted"]);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.iter().map(|seen| seen.target.as_str()).collect::<Vec<_>>(), ["/v1/events?after=3", "/v1/events"]);
    assert_eq!(seen[1].header("last-event-id"), Some("7"));
}

#[test]
fn a_new_token_comes_with_a_stanza_that_the_server_takes() {
    let ran = run(
        &[
            "token",
            "new",
            "--name",
            "cmp",
            "--role",
            "caller",
            "--tenant",
            "acme",
            "--backend",
            "dc1",
            "--kind",
            "network",
            "--expires-in",
            "90days",
        ],
        &[("CROSSPOINT_TENANT", "globex")],
        "",
    );
    let stanza = ran.out.split_once("configuration:").unwrap().1;
    let token = ran.out.lines().find_map(|line| line.trim().strip_prefix("xp_")).unwrap();
    assert!(!stanza.contains(token));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), stanza).unwrap();
    let config = Config::load(Some(file.path()), &Overrides::default()).unwrap();
    assert_eq!(config.auth.token[0].tenant.as_ref().unwrap().as_str(), "acme");
    assert!(config.auth.token[0].expires_at.is_some());
    let authenticator = crate::auth::Authenticator::with_tokens(&config.auth.token);
    let header = format!("Bearer xp_{token}");
    assert_eq!(authenticator.authenticate(Some(header.as_bytes()), [127, 0, 0, 1].into()).unwrap().name, "cmp");
}

#[test]
fn a_caller_token_without_a_tenant_is_not_made() {
    let ran = run(&["token", "new", "--name", "cmp", "--role", "caller"], &[("CROSSPOINT_TENANT", "globex")], "");
    ran.expect_err(2, &["--tenant"]);
    assert_eq!(ran.out, "");
}

#[test]
fn contexts_are_kept_used_and_shown_without_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contexts.toml").display().to_string();
    let variables = [("CROSSPOINT_CONTEXTS", path.as_str())];
    let server = Server::answering(200, &[], &json!({"items": []}));
    let url = server.url();
    let set = ["context", "set", "here", "--url", &url, "--token-file", "-", "--tenant", "acme"];
    run(&set, &variables, "xp_secret\n").expect_err(0, &["`here` is set"]);
    run(&["context", "set", "there", "--url", "https://there"], &variables, "").expect_err(0, &[]);
    run(&["context", "set", "nowhere"], &variables, "").expect_err(2, &["--url URL"]);

    run(&["mapping", "list"], &variables, "").expect_err(0, &[]);
    let seen = server.only_request();
    assert_eq!(
        (seen.header("authorization"), seen.target.as_str()),
        (Some("Bearer xp_secret"), "/v1/mappings?tenant=acme")
    );

    run(&["context", "list"], &variables, "").expect_out(&["*  here", "   there  https://there"]);
    let shown = run(&["context", "show"], &variables, "");
    shown.expect_out(&["token:  ***", "tenant: acme"]);
    assert!(!shown.out.contains("secret"));
    run(&["context", "use", "there"], &variables, "").expect_err(0, &[]);
    run(&["context", "show"], &variables, "").expect_out(&["https://there"]);
    run(&["context", "use", "nowhere"], &variables, "").expect_err(2, &["no context `nowhere`"]);
}
