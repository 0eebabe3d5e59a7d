//! What the device's errors mean (RFC 6241, appendix A).

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use crate::interface;

/// Fails where the reply holds an error. Warnings are none.
///
/// # Errors
/// The first error, with the words of all of them.
pub fn check(call: &Call, reply: &Element) -> Result<(), Fault> {
    let errors: Vec<_> =
        reply.named("rpc-error").filter(|error| error.text_at("error-severity") != Some("warning")).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let words: Vec<_> = errors.iter().map(|error| words(error)).collect();
    Err(fault(call, first, words.join("; ")))
}

fn words(error: &Element) -> String {
    let tag = error.text_at("error-tag").unwrap_or("an error without a tag");
    let place = error.text_at("error-path").map(|path| format!(" at {path}")).unwrap_or_default();
    let message = error.text_at("error-message").map(|message| format!(": {message}")).unwrap_or_default();
    format!("{tag}{place}{message}")
}

fn fault(call: &Call, error: &Element, words: String) -> Fault {
    let tag = error.text_at("error-tag").unwrap_or_default();
    let rejected = |retryable| {
        Fault::Rejected(Rejection {
            // Where a model has an error of its own, its name says more than the protocol's.
            code: error.text_at("error-app-tag").unwrap_or(tag).to_owned(),
            message: words.clone(),
            retryable,
        })
    };
    match (tag, &call.verb) {
        ("data-exists", _) => Fault::AlreadyExists(Existing { backend_id: interface::named_in(call), message: words }),
        // At a creation, what is missing is something that the new object refers to.
        ("data-missing", Verb::Create) | ("in-use" | "lock-denied", _) => Fault::Conflict(words),
        ("data-missing", _) => Fault::NotFound(words),
        ("access-denied", _) => Fault::Denied(words),
        ("resource-denied", _) => Fault::Throttled(Throttle { message: words, seconds: None }),
        (
            "invalid-value" | "missing-element" | "bad-element" | "too-big",
            Verb::Create | Verb::Replace | Verb::Update,
        ) => {
            let pointer = error.text_at("error-path").map(interface::pointer).unwrap_or_default();
            Fault::Invalid(vec![Violation { pointer: pointer.to_owned(), message: words }])
        }
        // A model, or a part of one, that the device does not have.
        (
            "operation-not-supported" | "unknown-element" | "unknown-namespace" | "unknown-attribute" | "bad-attribute",
            _,
        ) => Fault::Unsupported(words),
        // It may stand half-way.
        ("rollback-failed" | "partial-operation", _) => Fault::Other(words),
        ("", _) => Fault::MalformedReply(words),
        _ => rejected(false),
    }
}
