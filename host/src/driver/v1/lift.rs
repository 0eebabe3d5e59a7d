//! From what a driver returned to the contract's types. JSON texts are checked here: nothing behind this file meets a
//! `Json` that is not JSON.

use crosspoint_contract::{
    Exchange, Existing, Fault, Found, Header, HttpRequest, Json, Outcome, Rejection, Request, SessionGrant, State,
    Throttle, Violation,
};

use super::super::error::CallErrorKind;
use super::wit;

/// Takes a JSON text of the driver's. `what` names it for the error.
pub fn json(text: String, what: impl FnOnce() -> String) -> Result<Json, CallErrorKind> {
    Json::new(text).map_err(|error| CallErrorKind::Malformed { message: format!("{} is no JSON: {error}", what()) })
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
                .map(|violation| Violation { pointer: violation.pointer, message: violation.message })
                .collect(),
        ),
        wit::Fault::Unsupported(message) => Fault::Unsupported(message),
        wit::Fault::NotFound(message) => Fault::NotFound(message),
        wit::Fault::AlreadyExists(existing) => {
            Fault::AlreadyExists(Existing { message: existing.message, backend_id: existing.backend_id })
        }
        wit::Fault::Conflict(message) => Fault::Conflict(message),
        wit::Fault::Stale(message) => Fault::Stale(message),
        wit::Fault::Unauthenticated(message) => Fault::Unauthenticated(message),
        wit::Fault::Denied(message) => Fault::Denied(message),
        wit::Fault::Throttled(throttle) => {
            Fault::Throttled(Throttle { message: throttle.message, seconds: throttle.seconds })
        }
        wit::Fault::Unavailable(message) => Fault::Unavailable(message),
        wit::Fault::Rejected(rejection) => Fault::Rejected(Rejection {
            code: rejection.code,
            message: rejection.message,
            retryable: rejection.retryable,
        }),
        wit::Fault::MalformedReply(message) => Fault::MalformedReply(message),
        wit::Fault::Other(message) => Fault::Other(message),
    }
}
