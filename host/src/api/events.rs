//! The event stream: server-sent events whose id is the log index, so that a follower can go on where it stopped.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Sse;
use axum::response::sse::{Event as Frame, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::App;
use super::access::Access;
use super::extract::{Params, malformed};
use super::problem::Problem;
use super::render::time;
use crate::auth::{Permission, Principal};
use crate::mapping::query;
use crate::mapping::{Code, Event, EventType, Failure};
use crate::relay::Relay;
use crate::telemetry::GaugeGuard;

/// Events read from the store at once.
const BATCH: usize = 256;
/// How often a quiet stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The query of the event stream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventQuery {
    /// Only events after this log index; 0 for all that are kept. Left out, only new ones. `Last-Event-ID` counts more.
    pub after: Option<u64>,
    /// The tenant, for tokens that are bound to none; left out, all of them.
    pub tenant: Option<String>,
}

/// What an event tells.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventBody {
    /// The log index.
    pub index: u64,
    /// RFC 3339.
    pub at: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind_of_event: EventType,
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The kind of object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The CMP's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmp_id: Option<String>,
    /// The backend's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_id: Option<String>,
    /// The operation that brought it about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// The driver, for its own events: `name@version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

impl From<Event> for EventBody {
    fn from(event: Event) -> Self {
        Self {
            index: event.index,
            at: time(event.at),
            kind_of_event: event.kind_of_event,
            tenant: event.tenant,
            backend: event.backend,
            kind: event.kind,
            cmp_id: event.cmp_id,
            backend_id: event.backend_id,
            operation_id: event.operation_id.map(|id| id.to_string()),
            driver: event.driver,
        }
    }
}

/// `GET /v1/events`.
pub async fn stream(
    State(app): State<App>,
    access: Access,
    headers: HeaderMap,
    Params(query): Params<EventQuery>,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Problem> {
    access.require(Permission::ReadRecords)?;
    let tenant = access.scope(query.tenant.as_deref())?;
    let applied = app.relay.store().applied();
    let mut ids = headers.get_all("last-event-id").iter();
    let last = match (ids.next(), ids.next()) {
        (None, _) => query.after,
        (Some(value), None) if let Some(index) = index(value) => Some(index),
        _ => return Err(malformed("Last-Event-ID is a number that an event gave as its id, given once")),
    };
    let reached = *applied.borrow();
    let after = match last {
        None => reached,
        Some(after) => {
            let forgotten = app.relay.view(query::events_forgotten)?;
            if after > 0 && after < forgotten {
                return Err(gone(&format!("events up to {forgotten} are no longer kept")));
            }
            if after > reached {
                return Err(gone("the event is not one of this store, which may have been brought back from a backup"));
            }
            after
        }
    };
    let follower = Follower {
        principal: access.principal().clone(),
        tenant,
        after,
        applied,
        ready: VecDeque::new(),
        _counted: GaugeGuard::enter(&app.relay.metrics().event_subscribers),
        relay: Arc::clone(&app.relay),
    };
    let frames =
        unfold(follower, |mut follower| async move { follower.next().await.map(|frame| (Ok(frame), follower)) });
    Ok(Sse::new(frames).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// The log index that a follower says it has come to: digits alone.
fn index(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn gone(why: &str) -> Problem {
    let text = format!("{why}: read /v1/mappings anew, then follow from now on");
    Problem(Failure::new(Code::EventsCompacted, text))
}

struct Follower {
    principal: Principal,
    tenant: Option<String>,
    after: u64,
    applied: watch::Receiver<u64>,
    ready: VecDeque<Event>,
    relay: Arc<Relay>,
    _counted: GaugeGuard,
}

impl Follower {
    /// The next event that the follower may see; none when the store has ended, fails, or has forgotten what comes next.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            while let Some(event) = self.ready.pop_front() {
                if self.sees(&event) {
                    return frame(event);
                }
            }
            // Marked as seen before it is read, so that whatever is applied meanwhile wakes the wait below.
            let applied = *self.applied.borrow_and_update();
            let read = self
                .relay
                .view(|state| Ok((query::events_forgotten(state)?, query::events_after(state, self.after, BATCH)?)));
            let (forgotten, events) = read.ok()?;
            // Who is so slow that events were forgotten before they were read, must not miss them unawares: the end of
            // the stream makes the follower resume, and the answer to that says what happened.
            if self.after > 0 && self.after < forgotten {
                return None;
            }
            match events.last() {
                Some(last) => {
                    self.after = last.index;
                    self.ready.extend(events);
                }
                None => {
                    self.after = self.after.max(applied);
                    tokio::select! {
                        changed = self.applied.changed() => changed.ok()?,
                        () = self.relay.closed() => return None,
                    }
                }
            }
        }
    }

    fn sees(&self, event: &Event) -> bool {
        match (&event.tenant, &event.backend) {
            (Some(tenant), Some(backend)) => {
                self.tenant.as_ref().is_none_or(|own| own == tenant)
                    && self.principal.sees(tenant, backend, event.kind.as_deref())
            }
            // Events without a tenant are about the system itself.
            _ => self.principal.may(Permission::ReadSystem).is_ok(),
        }
    }
}

fn frame(event: Event) -> Option<Frame> {
    let index = event.index;
    let body = EventBody::from(event);
    let name = serde_json::to_value(body.kind_of_event).ok()?;
    let thing = name.as_str()?.split('.').next()?.to_owned();
    Frame::default().id(index.to_string()).event(thing).json_data(&body).ok()
}
