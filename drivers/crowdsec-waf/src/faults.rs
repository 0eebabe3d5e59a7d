//! Replies that are no success: `{"message": "…"}`, at most. Its status 500 says little: the Local API gives it also for
//! what is not there and for what it does not like about a request, and then has done nothing.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

/// How the Local API says that it has nothing of the kind that was to be deleted.
const ABSENT: [&str; 2] = ["doesn't exist: unable to delete", "alert not found"];

/// How it says what is wrong with a decision, and where that stands in the spec. It checks before it stores anything.
const WRONG: [(&str, &str); 3] =
    [("invalid addr/range", "/value"), ("decision duration", "/duration"), ("validation failure list", "")];

/// What a reply that is no success means for the call.
pub fn fault(call: &Call, reply: &HttpReply) -> Fault {
    let body: Value = reply.json().unwrap_or_default();
    let hint = reply.hint();
    let message = match body.get("message").and_then(Value::as_str) {
        Some(message) => message.to_owned(),
        None => format!("CrowdSec answered {}: {hint}", reply.status),
    };
    if reply.status == 500 && call.verb == Verb::Delete && ABSENT.iter().any(|phrase| message.contains(phrase)) {
        return Fault::NotFound(message);
    }
    let wrong = WRONG.iter().find(|(phrase, _)| message.contains(phrase));
    if let (500, Verb::Create, Some((_, pointer))) = (reply.status, &call.verb, wrong) {
        return Fault::invalid(*pointer, message);
    }
    // Without a spec there is nothing that the caller could correct, and without an object none that is absent: the
    // address leads elsewhere, or to another generation of the API.
    let lost = matches!(call.verb, Verb::Create | Verb::Find | Verb::List | Verb::Probe | Verb::Login);
    if (reply.status == 400 && call.spec.is_null()) || (reply.status == 404 && lost) {
        return Fault::Rejected(Rejection { code: reply.status.to_string(), message, retryable: false });
    }
    fault_for_status(reply, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(verb: Verb, status: u16, message: &str) -> &'static str {
        let body = format!("{{\"message\": \"{message}\"}}");
        let reply = HttpReply { status, headers: Vec::new(), body: body.as_str().into() };
        fault(&Call::new(verb, "decision"), &reply).name()
    }

    #[test]
    fn a_500_is_clear_only_where_its_words_are_known() {
        assert_eq!(said(Verb::Delete, 500, "ent: alert not found"), "not-found");
        assert_eq!(said(Verb::Delete, 500, "decision with id '9' doesn't exist: unable to delete"), "not-found");
        assert_eq!(said(Verb::Create, 500, "unable to create alerts: invalid addr/range x"), "invalid");
        assert_eq!(said(Verb::Create, 500, "unable to create alerts: database is locked"), "other");
        assert_eq!(said(Verb::Delete, 500, "database is locked"), "other");
    }

    #[test]
    fn a_wrong_address_is_not_taken_for_an_absent_object() {
        assert_eq!(said(Verb::Create, 404, ""), "rejected");
        assert_eq!(said(Verb::Read, 404, "object not found"), "not-found");
        assert_eq!(said(Verb::Create, 403, "access forbidden"), "denied");
    }
}
