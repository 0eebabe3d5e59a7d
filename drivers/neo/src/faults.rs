//! Replies that are no success. NEO uses HTTP's statuses; what its error bodies hold is not documented.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

/// What a reply that is no success means for the call.
pub fn fault(call: &Call, reply: &HttpReply) -> Fault {
    let message = said(reply);
    match reply.status {
        // Whoever has no session is sent to the login page; whoever gave a wrong password, back to it.
        301..=303 | 307 | 308 if to_login(reply) => {
            Fault::Unauthenticated("NEO sends to its login page: the session has ended, or was never there".to_owned())
        }
        401 | 403 if call.verb == Verb::Login => Fault::Unauthenticated(message),
        400 | 422 if call.spec.is_null() => rejected(reply, message),
        404 if matches!(call.verb, Verb::Create | Verb::Find | Verb::List) => rejected(reply, message),
        409 if call.verb == Verb::Create => Fault::AlreadyExists(Existing { message, backend_id: None }),
        // The web server in front of NEO says so of a NEO that did not answer it, too.
        503 if changes(call) => Fault::Other(message),
        _ => fault_for_status(reply, &message),
    }
}

fn to_login(reply: &HttpReply) -> bool {
    let location = reply.header_text("location").unwrap_or_default();
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').ends_with("/login")
}

fn said(reply: &HttpReply) -> String {
    let body: Value = reply.json().unwrap_or_default();
    let member = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    match ["message", "error", "description"].into_iter().find_map(member) {
        Some(text) => text.to_owned(),
        None => format!("NEO answered {}: {}", reply.status, reply.hint()),
    }
}

fn rejected(reply: &HttpReply, message: String) -> Fault {
    Fault::Rejected(Rejection { code: reply.status.to_string(), message, retryable: false })
}

/// Whether the call's effect can be in doubt.
fn changes(call: &Call) -> bool {
    matches!(call.verb, Verb::Create | Verb::Replace | Verb::Delete)
}
