//! What went wrong: in HTTP, in JSON-RPC, or in a command.

use crosspoint_sdk::json_rpc::Error;
use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::plan::Plan;

/// A reply that is no JSON-RPC, by its status.
pub fn of_status(call: &Call, reply: &HttpReply) -> Fault {
    let message = format!("the switch answered {}: {}", reply.status, reply.hint());
    match reply.status {
        // A proxy says the same where the connection broke when the request was on its way.
        503 if changes(call) => Fault::Other(message),
        // eAPI has one address. It is not there, or what was asked is nothing to do with a spec.
        400 | 404 | 410 | 422 => rejected(reply.status.to_string(), message, false),
        _ => fault_for_status(reply, &message),
    }
}

/// Whether the call's effect can be in doubt.
fn changes(call: &Call) -> bool {
    matches!(call.verb, Verb::Create | Verb::Replace | Verb::Update | Verb::Delete | Verb::Action(_))
}

/// An error of JSON-RPC (-32xxx) or of a command (1xxx). For the latter, `data` holds a result for each command that was
/// run, and that of the last one says in `errors` why it failed.
pub fn of_error(call: &Call, plan: &Plan, error: &Error) -> Fault {
    let results = error.data.as_array();
    let failed = results.and_then(|results| results.len().checked_sub(1));
    let said: Vec<&str> = results
        .and_then(|results| results.last()?.get("errors")?.as_array())
        .map(|errors| errors.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let message = match said.join("; ") {
        said if said.is_empty() => error.to_string(),
        said => format!("{error}: {said}"),
    };
    match error.code {
        // The request was not taken at all.
        -32700 | -32602..=-32600 => return rejected(error.code.to_string(), message, false),
        1000..=1999 => {}
        _ => {
            return if changes(call) {
                Fault::Other(message)
            } else {
                rejected(error.code.to_string(), message, false)
            };
        }
    }
    if plan.may_have_acted(failed) {
        return Fault::Other(message);
    }
    let pointer = plan.pointer(failed);
    let lower = message.to_lowercase();
    let no_port = plan.asks_for_port(failed) && lower.contains("invalid input");
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if error.code == 1005
        || says(&["unauthorized", "authorization denied", "permission denied", "privileged mode required"])
    {
        Fault::Denied(message)
    } else if says(&["pending sessions", "session is being committed", "locked"]) {
        rejected(error.code.to_string(), message, true)
    } else if no_port || says(&["not found in current vlan database", "does not exist"]) {
        match call.verb {
            // The object is not there yet; what is missing is what the spec names.
            Verb::Create => Fault::invalid(pointer, message),
            _ => Fault::NotFound(message),
        }
    } else if says(&["in use", "used internally", "internal use", "reserved", "cannot be deleted"]) {
        Fault::Conflict(message)
    } else if pointer.is_empty() || call.spec.is_null() {
        // 1002: the switch does not know the command. 1003: it cannot show its result as JSON.
        match error.code {
            1002 | 1003 => Fault::Unsupported(message),
            code => rejected(code.to_string(), message, false),
        }
    } else {
        Fault::invalid(pointer, message)
    }
}

fn rejected(code: String, message: String, retryable: bool) -> Fault {
    Fault::Rejected(Rejection { code, message, retryable })
}
