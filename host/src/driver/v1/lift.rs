//! From what a driver returned to the contract's types. JSON texts are checked here: nothing behind this file meets a
//! `Json` that is not JSON.

use crosspoint_contract::{
    Exchange, Existing, Fault, Found, Header, HttpRequest, Json, Outcome, Rejection, Request, SessionGrant, State,
    Throttle, Violation,
};

use super::super::error::CallErrorKind;
use super::wit;

/// How deep a JSON text may be nested. What is deeper, no ordinary reader takes.
const DEPTH: usize = 127;
/// The longest text of a fault, in bytes: it stands in answers, records and logs. What is longer is cut off.
const TEXT: usize = 4096;
/// How many violations are taken over.
const VIOLATIONS: usize = 100;

/// Takes a JSON text of the driver's. `what` names it for the error.
pub fn json(text: String, what: impl FnOnce() -> String) -> Result<Json, CallErrorKind> {
    let malformed = |problem: String| CallErrorKind::Malformed { message: problem };
    if depth(&text) > DEPTH {
        return Err(malformed(format!("{:.200} is nested deeper than {DEPTH} levels", what())));
    }
    Json::new(text).map_err(|error| malformed(format!("{:.200} is no JSON: {error}", what())))
}

/// How deep a JSON text is nested; anything for a text that is none.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn text(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT));
    text
}

pub fn exchange(exchange: wit::Exchange) -> Exchange {
    Exchange {
        context: exchange.context.into(),
        endpoint: exchange.endpoint,
        request: match exchange.request {
            wit::Request::Http(request) => Request::Http(HttpRequest {
                method: request.method,
                target: request.target,
                headers: headers(request.headers),
                body: request.body.into(),
            }),
            wit::Request::Message(message) => Request::Message(message.into()),
            wit::Request::Command(command) => Request::Command(command.into()),
        },
        extensions: exchange.extensions,
    }
}

fn headers(headers: Vec<wit::HeaderResult>) -> Vec<Header> {
    headers.into_iter().map(|header| Header { name: header.name, value: header.value }).collect()
}

pub fn outcome(outcome: wit::Outcome) -> Result<Outcome, CallErrorKind> {
    Ok(Outcome {
        backend_id: outcome.backend_id,
        state: match outcome.state {
            wit::State::Active => State::Active,
            wit::State::Pending(token) => State::Pending(token),
        },
        revision: outcome.revision,
        attributes: json(outcome.attributes, || "outcome.attributes".to_owned())?,
        result: json(outcome.result, || "outcome.result".to_owned())?,
        found: outcome.found.into_iter().enumerate().map(found).collect::<Result<_, _>>()?,
        next_page: outcome.next_page,
        session: outcome.session.map(|session| SessionGrant {
            headers: headers(session.headers),
            query: session.query,
            expires_in: session.expires_in,
            extensions: session.extensions,
        }),
        extensions: outcome.extensions,
    })
}

fn found((index, found): (usize, wit::Found)) -> Result<Found, CallErrorKind> {
    Ok(Found {
        backend_id: found.backend_id,
        revision: found.revision,
        marker: found.marker,
        attributes: json(found.attributes, || format!("outcome.found[{index}].attributes"))?,
        result: json(found.result, || format!("outcome.found[{index}].result"))?,
    })
}

pub fn fault(fault: wit::Fault) -> Fault {
    match fault {
        wit::Fault::Invalid(violations) => Fault::Invalid(
            violations
                .into_iter()
                .take(VIOLATIONS)
                .map(|violation| Violation { pointer: text(violation.pointer), message: text(violation.message) })
                .collect(),
        ),
        wit::Fault::Unsupported(message) => Fault::Unsupported(text(message)),
        wit::Fault::NotFound(message) => Fault::NotFound(text(message)),
        wit::Fault::AlreadyExists(existing) => Fault::AlreadyExists(Existing {
            message: text(existing.message),
            backend_id: existing.backend_id.map(text),
        }),
        wit::Fault::Conflict(message) => Fault::Conflict(text(message)),
        wit::Fault::Stale(message) => Fault::Stale(text(message)),
        wit::Fault::Unauthenticated(message) => Fault::Unauthenticated(text(message)),
        wit::Fault::Denied(message) => Fault::Denied(text(message)),
        wit::Fault::Throttled(throttle) => {
            Fault::Throttled(Throttle { message: text(throttle.message), seconds: throttle.seconds })
        }
        wit::Fault::Unavailable(message) => Fault::Unavailable(text(message)),
        wit::Fault::Rejected(rejection) => Fault::Rejected(Rejection {
            code: text(rejection.code),
            message: text(rejection.message),
            retryable: rejection.retryable,
        }),
        wit::Fault::MalformedReply(message) => Fault::MalformedReply(text(message)),
        wit::Fault::Other(message) => Fault::Other(text(message)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_taken_over_can_be_read_again() {
        let nested = |depth: usize| json(format!("{}{}", "[".repeat(depth), "]".repeat(depth)), || "it".to_owned());
        assert!(!nested(DEPTH).unwrap().value().is_null());
        assert!(nested(DEPTH + 1).unwrap_err().to_string().contains("it is nested deeper than 127 levels"));
        assert!(nested(1_000_000).is_err());
    }

    #[test]
    fn brackets_in_texts_do_not_nest() {
        assert_eq!(depth(r#"{"a": ["[[[\"[[[", {"{": 1}], "b\\": []}"#), 3);
        assert_eq!(depth("17"), 0);
    }
}
