//! Replies that are no success.
//!
//! Neutron answers in one of these forms, and a proxy in front of it in any other:
//!
//! - `{"NeutronError": {"type": "OverQuota", "message": "…", "detail": ""}}`: its own errors
//! - `{"NotImplementedError": {…}}`: the same, for what a plug-in does not have
//! - `{"error": {"code": 401, "title": "Unauthorized", "message": "…"}}`: Keystone and its middleware
//! - `{"message": "…", "code": "503 …", "title": "…"}`: the middleware where Keystone is not there; in HTML unless it was
//!   asked for JSON

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::kinds;
use crate::part::join;

/// What a reply that is no success means for the call.
pub fn fault(call: &Call, reply: &HttpReply) -> Fault {
    let said = Said::read(reply);
    match reply.status {
        400 => bad_request(call, said),
        404 => absent(call, said),
        409 => conflict(call, said),
        413 | 429 => Fault::Throttled(Throttle { message: said.message, seconds: reply.retry_after() }),
        503 if changes(call) && !said.known => Fault::Other(said.message),
        _ => fault_for_status(reply, &said.message),
    }
}

/// How those in front of Neutron say that they have not passed a request on: Keystone's middleware, and `HAProxy`. Other
/// proxies answer 503 also where a connection broke when the request was on its way.
const PASSED_ON_NOTHING: [&str; 2] =
    ["The Keystone service is temporarily unavailable", "No server is available to handle this request"];

/// What an error body says.
struct Said {
    /// The type of Neutron's exception, or the status.
    code: String,
    message: String,
    /// Whether it was Neutron, Keystone's middleware, or a proxy that had not passed the request on.
    known: bool,
}

impl Said {
    fn read(reply: &HttpReply) -> Self {
        let value: Value = reply.json().unwrap_or_default();
        let error = ["/NeutronError", "/NotImplementedError", "/error", ""].map(|place| value.pointer(place));
        let error = error.into_iter().flatten().find(|error| error.get("message").is_some_and(Value::is_string));
        let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str).map(str::to_owned);
        let hint = reply.hint();
        let body = String::from_utf8_lossy(reply.body.as_ref());
        let refused = PASSED_ON_NOTHING.iter().any(|phrase| body.contains(phrase));
        Self {
            code: text("type").unwrap_or_else(|| reply.status.to_string()),
            message: text("message").unwrap_or_else(|| format!("Neutron answered {}: {hint}", reply.status)),
            known: value.get("NeutronError").is_some() || refused,
        }
    }

    fn rejection(self, retryable: bool) -> Fault {
        Fault::Rejected(Rejection { code: self.code, message: self.message, retryable })
    }
}

/// Whether the call's effect can be in doubt.
fn changes(call: &Call) -> bool {
    matches!(call.verb, Verb::Create | Verb::Replace | Verb::Update | Verb::Delete | Verb::Action(_))
}

fn bad_request(call: &Call, said: Said) -> Fault {
    if said.message.contains("Router already has a port on subnet") {
        return Fault::AlreadyExists(Existing { message: said.message, backend_id: None });
    }
    if call.spec.is_null() {
        return said.rejection(false);
    }
    let names = attributes(&said.message);
    if names.is_empty() {
        return Fault::invalid("", said.message);
    }
    let at = |name: &str| Violation { pointer: format!("/{name}"), message: said.message.clone() };
    Fault::Invalid(names.into_iter().map(at).collect())
}

/// The attributes that a message about a bad request names. The phrases are those of neutron-lib's `attributes.py`.
fn attributes(message: &str) -> Vec<&str> {
    const PHRASES: [(&str, &str); 5] = [
        ("Invalid input for ", ". "),
        ("Required attribute '", "'"),
        ("Attribute '", "'"),
        ("Unrecognized attribute(s) '", "'"),
        ("Cannot update read-only attribute ", ""),
    ];
    let named = |(before, after): (&str, &str)| {
        let (_, rest) = message.split_once(before)?;
        let names = if after.is_empty() { rest } else { rest.split_once(after)?.0 };
        let names: Vec<&str> = names.split(", ").collect();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte);
        names.iter().all(|name| !name.is_empty() && name.bytes().all(plain)).then_some(names)
    };
    PHRASES.into_iter().find_map(named).unwrap_or_default()
}

/// 404 is about the object itself, or about another one that the spec names.
fn absent(call: &Call, said: Said) -> Fault {
    if call.verb == Verb::List && call.page_token.is_some() {
        return said.rejection(false);
    }
    // The message about a sub-port that a trunk does not carry names both.
    let other = said.code == "SubPortNotFound";
    // A part that is gone is named itself, or the whole that went with it.
    if !other && call.backend_id.as_ref().is_some_and(|id| id.split('/').any(|id| said.message.contains(id))) {
        return Fault::NotFound(said.message);
    }
    if let Some(pointer) = named(&call.spec.parse().unwrap_or_default(), &said.message, DEPTH) {
        return Fault::invalid(pointer, said.message);
    }
    match call.verb {
        // There is no object yet: the address is wrong, or Neutron lacks the extension.
        Verb::Create | Verb::Find | Verb::List => said.rejection(false),
        _ => Fault::NotFound(said.message),
    }
}

/// How deep in a spec the id of another object stands at most, as in `/sub_ports/0/port_id`.
const DEPTH: u8 = 3;

/// Where in a value an id stands that the message names.
fn named(value: &Value, message: &str, depth: u8) -> Option<String> {
    let depth = depth.checked_sub(1);
    match value {
        // A short text could stand in a message by chance; ids are long.
        Value::String(text) => (text.len() >= 32 && message.contains(text.as_str())).then(String::new),
        Value::Object(members) => {
            members.iter().find_map(|(name, value)| Some(format!("/{name}{}", named(value, message, depth?)?)))
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| Some(format!("/{at}{}", named(item, message, depth?)?)))
        }
        _ => None,
    }
}

fn conflict(call: &Call, said: Said) -> Fault {
    match said.code.as_str() {
        // Not for long pauses and not for short ones: somebody has to delete something or to raise the quota.
        "OverQuota" => said.rejection(false),
        "SecurityGroupRuleExists" => {
            let backend_id = said.message.rsplit_once("Rule id is ").map(|(_, id)| id.trim_end_matches('.').to_owned());
            Fault::AlreadyExists(Existing { message: said.message, backend_id })
        }
        "QoSRulesConflict" if call.verb == Verb::Create => {
            let rule = said.message.split_once("conflicts with rule ").and_then(|(_, rest)| rest.split_once(' '));
            let policy = kinds::named(&call.kind).and_then(|kind| kind.within?.whole(call).ok());
            let backend_id = policy.zip(rule).map(|(policy, (rule, _))| join(&policy, rule));
            // Neutron names the rule's own id, by which nobody could adopt it.
            let message = match &backend_id {
                Some(id) => format!("{} Its backend id is {id}.", said.message),
                None => said.message,
            };
            Fault::AlreadyExists(Existing { message, backend_id })
        }
        _ => Fault::Conflict(said.message),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    fn said(call: &Call, status: u16, body: &str) -> Fault {
        fault(call, &HttpReply { status, headers: Vec::new(), body: body.into() })
    }

    fn creation(spec: Value) -> Call {
        Call { spec: spec.into(), ..Call::new(Verb::Create, "network") }
    }

    /// What `oslo.middleware` answers where Neutron failed on the way.
    const FAILED: &str = r#"{"NeutronError": {"type": "HTTPInternalServerError", "message":
        "Request Failed: internal server error while processing your request.", "detail": ""}}"#;

    /// What `keystonemiddleware` answers where Keystone does not.
    const NO_KEYSTONE: [&str; 2] = [
        "{\"message\": \"The server is currently unavailable. Please try again at a later time.<br /><br />\\n\
         The Keystone service is temporarily unavailable.\\n\\n\", \"code\": \"503 Service Unavailable\", \
         \"title\": \"Service Unavailable\"}",
        "<html>\n <head>\n  <title>503 Service Unavailable</title>\n </head>\n <body>\n  <h1>503 Service Unavailable</h1>\n  \
         The server is currently unavailable. Please try again at a later time.<br /><br />\n\
         The Keystone service is temporarily unavailable.\n\n\n </body>\n</html>",
    ];

    #[test]
    fn a_failure_on_the_way_leaves_doubt() {
        let call = creation(json!({}));
        for (status, body) in [
            (500, FAILED),
            (502, "<html><h1>502 Bad Gateway</h1></html>"),
            (504, "upstream request timeout"),
            (503, "upstream connect error or disconnect/reset before headers"),
            (503, r#"{"message": "failure to get a peer from the ring-balancer"}"#),
            (503, ""),
        ] {
            assert!(said(&call, status, body).leaves_doubt(), "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_before_the_way_leaves_none() {
        let call = creation(json!({}));
        let haproxy = "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n";
        for body in [NO_KEYSTONE[0], NO_KEYSTONE[1], haproxy] {
            assert_eq!(said(&call, 503, body).name(), "unavailable", "{body}");
        }
        assert_eq!(said(&Call::new(Verb::Read, "network"), 503, "").name(), "unavailable");
        assert_eq!(said(&call, 429, "").name(), "throttled");
        assert_eq!(said(&call, 501, r#"{"NotImplementedError": {"message": "no"}}"#).name(), "unsupported");
    }

    #[test]
    fn every_phrase_for_a_bad_attribute_gives_its_pointer() {
        for (message, pointer) in [
            ("Invalid input for cidr. Reason: '1' is not a valid IP subnet.", "/cidr"),
            ("Failed to parse request. Required attribute 'network_id' not specified", "/network_id"),
            ("Attribute 'routes' not allowed in POST", "/routes"),
            ("Unrecognized attribute(s) 'binding:profile'", "/binding:profile"),
            ("Cannot update read-only attribute ip_version", "/ip_version"),
            ("Invalid input for operation: Gateway is not valid on subnet.", ""),
            ("Invalid input for /../. Reason: none.", ""),
        ] {
            let body = json!({"NeutronError": {"type": "HTTPBadRequest", "message": message, "detail": ""}});
            let fault = said(&creation(json!({})), 400, &body.to_string());
            assert_eq!(fault, Fault::invalid(pointer, message));
        }
        let body = json!({"NeutronError": {"message": "Unrecognized attribute(s) 'a, b'"}}).to_string();
        let Fault::Invalid(violations) = said(&creation(json!({})), 400, &body) else { panic!("not invalid") };
        assert_eq!(violations.iter().map(|v| v.pointer.as_str()).collect::<Vec<_>>(), ["/a", "/b"]);
    }

    #[test]
    fn a_wrong_address_is_not_taken_for_an_absent_object() {
        let fault = said(&creation(json!({"name": "x"})), 404, "The resource could not be found.");
        assert_eq!(fault.name(), "rejected");
        assert_eq!(said(&Call::new(Verb::List, "network"), 404, "").name(), "rejected");
    }
}
