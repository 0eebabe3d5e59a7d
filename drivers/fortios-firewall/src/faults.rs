//! What a refusal means. FortiOS tells by a negative number; the status of the reply is coarse, and differs between
//! versions.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::envelope::Envelope;

/// The fault of a reply that is no success.
pub fn fault(call: &Call, reply: &HttpReply) -> Fault {
    let envelope = reply.json::<Envelope>().ok().filter(|envelope| envelope.status == "error");
    let said = said(envelope.as_ref(), reply);
    // These come from before the configuration, and with bodies of any sort.
    if matches!(reply.status, 401 | 403 | 405 | 413 | 429 | 503) {
        return fault_for_status(reply, &said);
    }
    let Some(envelope) = envelope else {
        return match reply.status {
            // Not an answer about an object: the address is wrong, or something else stands there.
            404 => rejected("404", said),
            _ => fault_for_status(reply, &said),
        };
    };
    if envelope.revision_changed == Some(true) {
        return Fault::Other(said);
    }
    match envelope.error {
        Some(code) => of_code(call, reply.status, code, &envelope, said),
        None => match reply.status {
            404 => absent(call, said),
            // A value that is wrong, missing, or names something that is not there; which of them is not said.
            400 | 424 => invalid(call, "", said),
            _ => fault_for_status(reply, &said),
        },
    }
}

fn of_code(call: &Call, status: u16, code: i64, envelope: &Envelope, said: String) -> Fault {
    match code {
        -3 if status == 404 || matches!(call.verb, Verb::Read | Verb::Delete) => absent(call, said),
        // The entry that is not found is one that the spec names; the others are about values.
        -1 | -2 | -3 | -8 | -9 | -10 | -20 | -50 | -56 | -61 | -651 => {
            let pointer = envelope.cli_error.as_deref().and_then(|text| place(call, text)).unwrap_or_default();
            invalid(call, &pointer, said)
        }
        -5 | -15 if call.verb == Verb::Create => {
            Fault::AlreadyExists(Existing { message: said, backend_id: existing(call) })
        }
        // Taken, used by others, or at odds with something else.
        -5 | -15 | -23 | -100 => Fault::Conflict(said),
        -14 | -37 => Fault::Denied(said),
        code => rejected(&code.to_string(), said),
    }
}

/// The id of the object that is there already. A policy's number is not known.
fn existing(call: &Call) -> Option<String> {
    let named = crate::kinds::named(&call.kind)?.key == crate::resource::Key::Name;
    call.spec.value().get("name").and_then(Value::as_str).filter(|_| named).map(str::to_owned)
}

fn absent(call: &Call, said: String) -> Fault {
    match call.verb {
        // There is no object yet: the table or the virtual domain is not there.
        Verb::Create | Verb::Find | Verb::List | Verb::Probe => rejected("404", said),
        _ => Fault::NotFound(said),
    }
}

/// About the spec, where the call has one.
fn invalid(call: &Call, pointer: &str, said: String) -> Fault {
    match call.verb {
        Verb::Create | Verb::Replace | Verb::Update | Verb::Action(_) => Fault::invalid(pointer, said),
        _ => rejected("400", said),
    }
}

fn rejected(code: &str, message: String) -> Fault {
    Fault::Rejected(Rejection { code: code.to_owned(), message, retryable: false })
}

/// Where the spec holds a text that the command line complained about, in quotes.
fn place(call: &Call, complaint: &str) -> Option<String> {
    let spec = call.spec.value();
    complaint.split('\'').skip(1).step_by(2).find_map(|quoted| find(&spec, quoted))
}

/// The JSON Pointer of the first text that is the one looked for; FortiOS's lists and ours are one list deep.
fn find(spec: &Value, text: &str) -> Option<String> {
    spec.as_object()?.iter().find_map(|(name, value)| match value {
        Value::String(value) if value == text => Some(format!("/{name}")),
        Value::Array(items) => items.iter().position(|item| item == text).map(|place| format!("/{name}/{place}")),
        _ => None,
    })
}

/// What FortiOS says, on one line: the number's meaning, and the command line's complaint.
fn said(envelope: Option<&Envelope>, reply: &HttpReply) -> String {
    let Some(envelope) = envelope else {
        return format!("FortiOS answered {}: {}", reply.status, reply.hint());
    };
    let mut said = match envelope.error {
        Some(code) => format!("FortiOS answered {} with error {code}{}", reply.status, meaning(code)),
        None => format!("FortiOS answered {}", reply.status),
    };
    let complaint: Vec<&str> = envelope.cli_error.iter().flat_map(|text| text.split_whitespace()).collect();
    if !complaint.is_empty() {
        said.push_str(": ");
        said.push_str(&complaint.join(" "));
    }
    said
}

fn meaning(code: i64) -> &'static str {
    match code {
        -1 => " (wrong length)",
        -2 => " (out of range)",
        -3 => " (entry not found)",
        -4 => " (table full)",
        -5 | -15 => " (duplicate entry)",
        -8 => " (no IP address)",
        -9 => " (no netmask)",
        -10 => " (no gateway)",
        -14 | -37 => " (permission denied)",
        -20 => " (blank entry)",
        -23 => " (entry in use)",
        -56 => " (empty value)",
        -61 | -651 => " (value not accepted)",
        -100 => " (conflicts with other entries)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    fn of(call: &Call, status: u16, body: &str) -> Fault {
        fault(call, &HttpReply { status, headers: Vec::new(), body: body.into() })
    }

    fn refused(verb: Verb, status: u16, code: i64) -> Fault {
        let call = Call { spec: json!({"name": "web"}).into(), ..Call::new(verb, "address") };
        of(&call, status, &json!({"status": "error", "http_status": status, "error": code}).to_string())
    }

    #[test]
    fn a_number_says_what_the_status_does_not() {
        let name = |verb: &Verb, status, code| refused(verb.clone(), status, code).name();
        for (code, fault) in [
            (-5, "already-exists"),
            (-15, "already-exists"),
            (-3, "invalid"),
            (-651, "invalid"),
            (-4, "rejected"),
            (-14, "denied"),
            (-9999, "rejected"),
        ] {
            for status in [424, 500] {
                assert_eq!(name(&Verb::Create, status, code), fault, "{code}");
            }
        }
        assert_eq!(name(&Verb::Delete, 500, -23), "conflict");
        assert_eq!(name(&Verb::Delete, 404, -3), "not-found");
        assert_eq!(name(&Verb::Delete, 500, -3), "not-found");
        assert_eq!(name(&Verb::Replace, 404, -3), "not-found");
        assert_eq!(name(&Verb::Replace, 500, -5), "conflict");
    }

    #[test]
    fn a_duplicate_by_name_is_told_with_its_id() {
        let Fault::AlreadyExists(existing) = refused(Verb::Create, 500, -5) else { panic!("not already-exists") };
        assert_eq!(existing.backend_id.as_deref(), Some("web"));
    }

    #[test]
    fn what_the_command_line_complains_about_is_pointed_at() {
        let spec = json!({"name": "web", "srcaddr": ["all"], "dstaddr": ["all", "nowhere"]});
        let call = Call { spec: spec.into(), ..Call::new(Verb::Create, "policy") };
        let cli_error =
            "entry not found in datasource\n\nvalue parse error before 'nowhere'\nCommand fail. Return code -3\n";
        let body = json!({"status": "error", "error": -3, "cli_error": cli_error}).to_string();
        let Fault::Invalid(violations) = of(&call, 500, &body) else { panic!("not invalid") };
        assert_eq!(violations[0].pointer, "/dstaddr/1");
        assert!(violations[0].message.contains("(entry not found): entry not found in datasource value parse error"));
    }

    #[test]
    fn what_does_not_say_that_nothing_happened_leaves_doubt() {
        let call = Call::new(Verb::Create, "address");
        let changed = json!({"status": "error", "error": -5, "revision_changed": true}).to_string();
        let silent = json!({"status": "error", "http_status": 500}).to_string();
        for (status, body) in [(500, changed.as_str()), (500, silent.as_str()), (500, "<html>"), (502, ""), (504, "")] {
            assert!(of(&call, status, body).leaves_doubt(), "{status} {body}");
        }
    }

    #[test]
    fn a_page_that_is_not_about_an_object_is_not_taken_for_its_absence() {
        let call = Call::new(Verb::Read, "address");
        assert_eq!(of(&call, 404, "<html>Not Found</html>").name(), "rejected");
        assert_eq!(of(&call, 404, r#"{"status": "error", "http_status": 404}"#).name(), "not-found");
        assert_eq!(of(&call, 401, "<html>").name(), "unauthenticated");
        assert_eq!(of(&call, 403, "").name(), "denied");
        assert_eq!(of(&call, 429, "Access temporarily blocked").name(), "throttled");
    }
}
