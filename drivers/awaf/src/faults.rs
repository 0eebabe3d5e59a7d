//! Replies that are no success.
//!
//! The appliance answers `{"code": 400, "message": "…", "errorStack": […], "kind": ":resterrorresponse"}`, nearly
//! always with status 400: the message alone tells what is wrong. The web server in front of it answers in HTML.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::whitelist_ip;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default)]
    code: Option<Value>,
    message: Option<String>,
    #[serde(default)]
    error_stack: Vec<String>,
}

/// What a reply that is no success means for the call.
pub fn fault(call: &Call, reply: &HttpReply) -> Fault {
    // To decide by the status alone is right where the body says nothing.
    let envelope: Envelope = reply.json().unwrap_or_default();
    let known = envelope.code.is_some();
    let message = match &envelope.message {
        Some(message) if !message.trim().is_empty() => message.clone(),
        _ => format!("the appliance answered {}: {}", reply.status, reply.hint()),
    };
    let says = |text: &str| message.contains(text);
    match reply.status {
        // The part of the appliance that does the work did not answer the part that we speak to.
        _ if says("TimeoutException") || envelope.error_stack.iter().any(|line| line.contains("TimeoutException")) => {
            Fault::Other(message)
        }
        400 if says("maximum active login tokens") => Fault::Throttled(Throttle { message, seconds: None }),
        400 | 409 if says("already exists") && call.verb == Verb::Create => {
            Fault::AlreadyExists(Existing { message, backend_id: None })
        }
        // What it says while it stores a change: an accident among its own tables, and the change is rolled back.
        400 if says("Failed on insert to") => rejected(400, message, true),
        400 if call.spec.is_null() => rejected(400, message, false),
        // The same status for a user who may not do this, with a token that is good.
        401 if says("Authorization failed: user") => Fault::Denied(message),
        404 => absent(call, message),
        503 if !known && changes(call) => Fault::Other(message),
        _ => fault_for_status(reply, &message),
    }
}

/// 404 is about the object, or about the policy that it shall be in.
fn absent(call: &Call, message: String) -> Fault {
    match call.verb {
        Verb::Create if call.kind == whitelist_ip::NAME => Fault::invalid("/policy", message),
        // There is no object yet: the address is wrong, or the appliance lacks the module.
        Verb::Create | Verb::Find | Verb::List => rejected(404, message, false),
        _ => Fault::NotFound(message),
    }
}

fn rejected(status: u16, message: String, retryable: bool) -> Fault {
    Fault::Rejected(Rejection { code: status.to_string(), message, retryable })
}

/// Whether the call's effect can be in doubt.
fn changes(call: &Call) -> bool {
    matches!(call.verb, Verb::Create | Verb::Replace | Verb::Update | Verb::Delete | Verb::Action(_))
}
