//! The envelope of every reply, `<response status="…" code="…">`, and what its codes mean.
//!
//! `status` alone does not tell: an object that is not there is a success with code 7, for `get` and for `delete`. The
//! message is `<msg>`, with or without `<line>`s in it, sometimes within `<result>`. A request of several parts is answered
//! with a response in the response for each of them.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::{self, Element};

/// A reply that says that the firewall did as asked.
pub struct Answer {
    response: Element,
}

/// An object that the request is about is not there.
const ABSENT: [u32; 2] = [7, 13];

impl Answer {
    /// What is in `<result>`, if there is one.
    pub fn result(&self) -> Option<&Element> {
        self.response.child("result")
    }

    /// What the firewall says to people.
    pub fn message(&self) -> String {
        message(&self.response)
    }
}

/// Reads a reply.
///
/// # Errors
/// What the firewall's code means for the call; what the status means where something else than a firewall answered.
pub fn read(call: &Call, reply: &HttpReply) -> Result<Answer, Fault> {
    let response = match xml::parse(reply.body.as_ref()) {
        Ok(response) if response.name() == "response" => response,
        Ok(_) | Err(_) if !reply.is_success() => return Err(stranger(call, reply)),
        Ok(other) => {
            return Err(Fault::MalformedReply(format!("expected a `response`, got `{}`", shortened(other.name()))));
        }
        Err(fault) => return Err(fault),
    };
    // The part that failed says more than the whole.
    let failed = response.named("response").find(|part| part.attribute("status") == Some("error"));
    let part = failed.unwrap_or(&response);
    let code = part.attribute("code").and_then(|code| code.parse().ok());
    let message = message(part);
    match (response.attribute("status"), code) {
        // Nothing to show is an answer where one looks for something, and none where one thing is asked for.
        (Some("success"), Some(code)) if failed.is_none() && ABSENT.contains(&code) => match call.verb {
            Verb::Find | Verb::List => Ok(Answer { response }),
            _ => Err(absent(call, message)),
        },
        (Some("success"), _) if failed.is_none() && reply.is_success() => Ok(Answer { response }),
        (Some("success" | "error"), _) => Err(refusal(call, reply, part.attribute("id"), code, message)),
        _ => Err(Fault::MalformedReply("the response says neither `success` nor `error`".to_owned())),
    }
}

/// What a reply means that no firewall gave.
fn stranger(call: &Call, reply: &HttpReply) -> Fault {
    let message = format!("the backend answered {}: {}", reply.status, reply.hint());
    match reply.status {
        // A proxy says the same where the connection broke when the request was on its way.
        503 if changes(call) => Fault::Other(message),
        // Only a firewall knows whether it has an object; here, the address is wrong.
        404 | 410 => rejected(reply.status.to_string(), message, false),
        _ => fault_for_status(reply, &message),
    }
}

/// Codes: "PAN-OS XML API Error Codes" in the vendor's API guide; those from 400 on are HTTP's.
fn refusal(call: &Call, reply: &HttpReply, part: Option<&str>, code: Option<u32>, message: String) -> Fault {
    let code = code.unwrap_or(match reply.status {
        200 => 0,
        status => u32::from(status),
    });
    let said = message.to_lowercase();
    let taken = ["already exists", "already in use", "already being used"].iter().any(|words| said.contains(words));
    match code {
        // The new object could not take its name, see `object::creation`.
        8 | 14 if part == Some(crate::object::NAMING) => exists(call, message),
        _ if taken && call.verb == Verb::Create => exists(call, message),
        1 | 17 => Fault::Unsupported(message),
        7 | 13 if call.kind == crate::commit::NAME && call.verb == Verb::Create => Fault::Conflict(message),
        7 | 13 => absent(call, message),
        8 | 10 | 14 => Fault::Conflict(message),
        12 | 400 if !call.spec.is_null() => Fault::invalid(pointer(call, &message), message),
        22 | 401 => Fault::Unauthenticated(message),
        // One code for a key that is not known and for a role that may not.
        403 if said.contains("invalid credential") || said.contains("invalid key") => Fault::Unauthenticated(message),
        16 | 403 => Fault::Denied(message),
        429 => Fault::Throttled(Throttle { message, seconds: reply.retry_after() }),
        503 => Fault::Unavailable(message),
        // The vendor's "internal errors": nobody says how far the firewall came.
        2..=5 | 11 | 21 | 500..600 => Fault::Other(message),
        19 | 20 => Fault::MalformedReply(format!("the firewall says that it did it, and that it did not: {message}")),
        // Without a code, the firewall checked the request and did not like it: `web -> ip-netmask '300' is invalid`.
        0 if !call.spec.is_null() && ["is invalid", "not a valid"].iter().any(|words| said.contains(words)) => {
            Fault::invalid(pointer(call, &message), message)
        }
        0 if said.contains("try again") || said.contains("in progress") => rejected("busy".to_owned(), message, true),
        0 => rejected("error".to_owned(), message, false),
        code => rejected(code.to_string(), message, false),
    }
}

/// Whether the call's effect can be in doubt.
fn changes(call: &Call) -> bool {
    matches!(call.verb, Verb::Create | Verb::Replace | Verb::Delete | Verb::Action(_))
}

fn exists(call: &Call, message: String) -> Fault {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    // The name is the id.
    let backend_id = call.spec.parse::<Named>().ok().map(|spec| spec.name);
    Fault::AlreadyExists(Existing { message, backend_id })
}

fn absent(call: &Call, message: String) -> Fault {
    let message = if message.is_empty() { "the firewall has no such object".to_owned() } else { message };
    match call.verb {
        // There is no object yet: what is not there is the virtual system or the device group.
        Verb::Create | Verb::List | Verb::Find | Verb::Probe | Verb::Login => rejected("7".to_owned(), message, false),
        _ => Fault::NotFound(message),
    }
}

fn rejected(code: String, message: String, retryable: bool) -> Fault {
    Fault::Rejected(Rejection { code, message, retryable })
}

/// The place in the spec that a message is about: `web -> ip-netmask '300' is invalid`.
fn pointer(call: &Call, message: &str) -> String {
    let Some(kind) = crate::kinds::named(&call.kind) else { return String::new() };
    let named = |field: &&(&str, &str)| message.contains(&format!("-> {} ", field.0));
    kind.fields.iter().find(named).map_or_else(String::new, |(_, pointer)| format!("/{pointer}"))
}

fn message(response: &Element) -> String {
    let Some(message) = response.child("msg").or_else(|| response.at("result/msg")) else { return String::new() };
    let mut lines = Vec::new();
    collect(message, &mut lines);
    lines.join("; ")
}

fn collect<'a>(element: &'a Element, lines: &mut Vec<&'a str>) {
    if !element.text().is_empty() {
        lines.push(element.text());
    }
    for child in element.children() {
        collect(child, lines);
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(32).collect()
}
