//! The driver for Pravega's controller: scopes and streams, through its REST API.
//!
//! What is in a stream is the segment stores' business, and another driver's: `pravega`.

mod scope;
mod stream;

use crosspoint_sdk::prelude::*;

const NAME: &str = "pravega-controller";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct PravegaController;

/// What a backend's configuration says besides addresses and secrets.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// The scope whose streams are listed: the controller lists those of one scope at a time. Without it, streams
    /// cannot be listed.
    #[schemars(length(min = 1, max = 255))]
    scope: Option<String>,
}

impl Driver for PravegaController {
    fn describe() -> Description {
        driver(NAME, VERSION, "Pravega: scopes and streams")
            .auth(AuthScheme::None)
            .auth(AuthScheme::Basic)
            .auth(AuthScheme::Bearer)
            .configuration::<Configuration>()
            .probe()
            .kind(scope::kind())
            .kind(stream::kind())
            // The controller makes a stream by a workflow of its own, which takes its time.
            .limits(Limits {
                mutation_concurrency: 4,
                read_concurrency: 8,
                reply_timeout_ms: Some(60_000),
                ..Limits::default()
            })
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let request = match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => Http::get(path("/v1/health/readiness", &[])?),
            (_, scope::NAME) => scope::encode(call)?,
            (_, stream::NAME) => stream::encode(call)?,
            _ => return Err(call.unsupported()),
        };
        request.header("accept", "application/json").into_exchange()
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        if !reply.is_success() {
            return Err(fault(call, reply));
        }
        match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) if reply.json::<bool>()? => outcome(&serde_json::json!({"ready": true}))?.into(),
            (Verb::Probe, _) => Err(Fault::Unavailable("the controller says that it is not ready".to_owned())),
            (Verb::Delete, scope::NAME | stream::NAME) => outcome(&())?.into(),
            (_, scope::NAME) => scope::decode(call, reply),
            (_, stream::NAME) => stream::decode(call, reply),
            _ => Err(call.unsupported()),
        }
    }
}

/// What the controller's statuses mean. Its errors have no bodies worth reading.
fn fault(call: &Call, reply: &HttpReply) -> Fault {
    match (reply.status, &call.verb) {
        (404, Verb::Create | Verb::Find) if call.kind == stream::NAME => {
            Fault::invalid("/scopeName", "there is no such scope")
        }
        (404, Verb::List) => Fault::Conflict("the scope that the configuration names does not exist".to_owned()),
        (404, _) => Fault::NotFound(format!("Pravega has no such {}", call.kind)),
        (409, Verb::Create) => Fault::AlreadyExists(Existing {
            message: format!("Pravega has a {} of this name", call.kind),
            backend_id: named(call),
        }),
        (412, Verb::Delete) if call.kind == scope::NAME => {
            Fault::Conflict("the scope still has streams: delete them first".to_owned())
        }
        (412, Verb::Delete) => Fault::Conflict("the stream is not sealed: action `seal` comes first".to_owned()),
        (status, _) => fault_for_status(reply, &format!("the controller answered {status}")),
    }
}

/// The id of what a spec names: names are ids.
fn named(call: &Call) -> Option<String> {
    match call.kind.as_str() {
        scope::NAME => scope::id(call).ok(),
        stream::NAME => stream::id(call).ok(),
        _ => None,
    }
}

/// A page of a list: the controller gives all at once, so pages are cut here, in the order of the ids.
fn paged(call: &Call, mut found: Vec<Found>) -> Result<Outcome, Fault> {
    found.sort_by(|a, b| a.backend_id.cmp(&b.backend_id));
    if let Some(after) = &call.page_token {
        found.retain(|object| object.backend_id > *after);
    }
    let size = call.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX).max(1);
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|object| object.backend_id.clone());
    outcome(&())?.found(found).next_page(next).into()
}

crosspoint_sdk::export!(PravegaController, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
