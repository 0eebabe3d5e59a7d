//! Calls, exchanges, replies and schemas.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_sdk::prelude::*;
use serde_json::json;

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> HttpReply {
    let headers =
        headers.iter().map(|(name, value)| Header { name: (*name).to_owned(), value: (*value).into() }).collect();
    HttpReply { status, headers, body: body.into() }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Box<Rule>>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Port {
    number: u16,
}

#[test]
fn a_wrong_spec_is_the_callers_fault_and_a_wrong_configuration_is_not() {
    let mut call = Call::new(Verb::Create, "rule");
    call.spec = json!({"name": "a", "ports": [{"number": 70000}]}).into();
    call.configuration = json!({"name": 1}).into();
    let Fault::Invalid(violations) = call.spec::<Rule>().unwrap_err() else { panic!("not invalid") };
    assert_eq!(violations.first().unwrap().pointer, "/ports/0/number");
    let fault = call.configuration::<Rule>().unwrap_err();
    assert!(fault.name() == "other" && fault.to_string().contains("/name"), "{fault}");
    assert!(call.attributes::<Rule>().unwrap().is_none());
}

#[test]
fn a_body_that_json_cannot_express_is_a_fault_and_not_a_panic() {
    let body = std::collections::BTreeMap::from([((1, 2), 3)]);
    let fault = Http::post(path("/x", &[]).unwrap()).json(&body).into_exchange().unwrap_err();
    assert_eq!(fault.name(), "other");
}

#[test]
fn an_exchange_holds_what_the_builder_was_told() {
    let exchange = Http::put(path("/x", &[]).unwrap())
        .json(&json!({"a": 1}))
        .if_match(Some("\"3\""))
        .if_match(None)
        .at("identity")
        .context("c")
        .into_exchange()
        .unwrap();
    assert_eq!(
        serde_json::to_value(&exchange).unwrap(),
        json!({
            "context": "c",
            "endpoint": "identity",
            "http": {
                "method": "PUT",
                "target": "/x",
                "headers": [["content-type", "application/json"], ["if-match", "\"3\""]],
                "body": "{\"a\":1}"
            }
        })
    );
}

#[test]
fn a_body_of_another_shape_is_malformed_and_shown_shortly() {
    let long = format!("<html>\n\t{}</html>", "é".repeat(5000));
    let Fault::MalformedReply(text) = reply(200, &[], &long).json::<Rule>().unwrap_err() else {
        panic!("another fault")
    };
    assert!(text.contains("<html> é") && text.chars().count() < 300, "{text}");
    let Fault::MalformedReply(text) = reply(200, &[], r#"{"name":"x","ports":[{}]}"#).json::<Rule>().unwrap_err()
    else {
        panic!("another fault")
    };
    assert!(text.contains("missing field `number` at line 1"), "{text}");
    assert_eq!(reply(200, &[], r#"{"name":"x"} trailing"#).json::<Rule>().unwrap_err().name(), "malformed-reply");
}

#[test]
fn a_status_says_whether_anything_can_have_happened() {
    let fault = |status| reply(status, &[("Retry-After", "7")], "no").success().map(|_| ()).unwrap_err();
    let names = [400, 401, 403, 404, 405, 409, 412, 418, 429, 503].map(|status| fault(status).name());
    assert_eq!(
        names,
        [
            "invalid",
            "unauthenticated",
            "denied",
            "not-found",
            "unsupported",
            "conflict",
            "stale",
            "rejected",
            "throttled",
            "unavailable"
        ]
    );
    assert!([100, 500, 502, 504, 599, 999].into_iter().all(|status| fault(status).leaves_doubt()));
    assert!(matches!(fault(429), Fault::Throttled(Throttle { seconds: Some(7), .. })));
    assert!(reply(204, &[], "").success().is_ok());
}

#[test]
fn headers_that_are_no_text_are_ignored() {
    let mut strange = reply(200, &[("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")], "");
    strange.headers.push(Header { name: "ETag".to_owned(), value: vec![0xff] });
    assert_eq!((strange.retry_after(), strange.etag()), (None, None));
    assert_eq!(reply(200, &[("etag", "\"4\"")], "").etag().as_deref(), Some("\"4\""));
}

#[test]
fn schemas_stand_alone() {
    let schema = schema::<Rule>().value();
    assert_eq!(schema["properties"]["ports"]["items"]["properties"]["number"]["maximum"], json!(65535));
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
}

#[test]
fn a_driver_of_another_protocol_gets_a_fault_for_a_strange_reply() {
    let message = Reply::Message(Bytes::from("x"));
    assert_eq!(message.http().unwrap_err().name(), "malformed-reply");
    assert_eq!(message.message().unwrap(), b"x");
    assert_eq!(message.command().unwrap_err().name(), "malformed-reply");
}

#[test]
fn a_form_cannot_be_broken_out_of() {
    let exchange = Http::post(path("/api", &[]).unwrap())
        .form(&[("cmd", "<a b='c'>&</a>"), ("key&x", "1=2 +%\u{e9}")])
        .into_exchange()
        .unwrap();
    let Request::Http(request) = exchange.request else { panic!("no HTTP") };
    assert_eq!(request.headers[0].value, b"application/x-www-form-urlencoded");
    assert_eq!(request.body, Bytes::from("cmd=%3Ca%20b%3D%27c%27%3E%26%3C%2Fa%3E&key%26x=1%3D2%20%2B%25%C3%A9"));
}
