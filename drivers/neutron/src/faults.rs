//! Replies that are no success.
//!
//! Neutron answers in one of these forms, and a proxy in front of it in any other:
//!
//! - `{"NeutronError": {"type": "OverQuota", "message": "…", "detail": ""}}`: its own errors
//! - `{"NotImplementedError": {…}}`: the same, for what a plug-in does not have
//! - `{"error": {"code": 401, "title": "Unauthorized", "message": "…"}}`: Keystone and its middleware
//! - `{"message": "…", "code": "503 …", "title": "…"}`: the middleware, when Keystone is not there

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::resource::Object;

/// What a reply that is no success means for the call.
pub fn fault(call: &Call, reply: &HttpReply) -> Fault {
    let said = Said::read(reply);
    match reply.status {
        400 => bad_request(call, said),
        404 => absent(call, said),
        409 => conflict(said),
        413 | 429 => Fault::Throttled(Throttle { message: said.message, seconds: reply.retry_after() }),
        503 if changes(call) && !said.known => Fault::Other(said.message),
        _ => fault_for_status(reply, &said.message),
    }
}

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
        let body: Value = reply.json().unwrap_or_default();
        let error = ["/NeutronError", "/NotImplementedError", "/error", ""].map(|place| body.pointer(place));
        let error = error.into_iter().flatten().find(|error| error.get("message").is_some_and(Value::is_string));
        let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str).map(str::to_owned);
        let hint = reply.hint();
        // HAProxy says so when it has no server to pass a request to; other proxies use 503 also for a connection
        // that broke after the request was passed on.
        let refused_by_proxy = hint.contains("No server is available to handle this request");
        Self {
            code: text("type").unwrap_or_else(|| reply.status.to_string()),
            message: text("message").unwrap_or_else(|| format!("Neutron answered {}: {hint}", reply.status)),
            known: error.is_some() || refused_by_proxy,
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
    if call.backend_id.as_ref().is_some_and(|id| said.message.contains(id.as_str())) {
        return Fault::NotFound(said.message);
    }
    let spec: Object = call.spec.parse().unwrap_or_default();
    // A short text could stand in a message by chance; ids are long.
    let named = |value: &Value| value.as_str().is_some_and(|text| text.len() >= 32 && said.message.contains(text));
    if let Some((name, _)) = spec.iter().find(|(_, value)| named(value)) {
        return Fault::invalid(format!("/{name}"), said.message);
    }
    match call.verb {
        // There is no object yet: the address is wrong, or Neutron lacks the extension.
        Verb::Create | Verb::Find | Verb::List => said.rejection(false),
        _ => Fault::NotFound(said.message),
    }
}

fn conflict(said: Said) -> Fault {
    match said.code.as_str() {
        // Not for long pauses and not for short ones: somebody has to delete something or to raise the quota.
        "OverQuota" => said.rejection(false),
        "SecurityGroupRuleExists" => {
            let backend_id = said.message.rsplit_once("Rule id is ").map(|(_, id)| id.trim_end_matches('.').to_owned());
            Fault::AlreadyExists(Existing { message: said.message, backend_id })
        }
        _ => Fault::Conflict(said.message),
    }
}
