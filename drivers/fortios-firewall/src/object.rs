//! Objects of any kind: the requests, and what FortiOS shows.

use crosspoint_sdk::Target;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::envelope::{Envelope, key};
use crate::in_vdom;
use crate::kinds::policy::{MOVE, Moved, Place};
use crate::resource::{Key, Kind, Object};
use crate::spec;

/// Objects on a page where the call does not say.
const PAGE: u32 = 200;

/// The request of a call.
pub fn encode(kind: &Kind, call: &Call) -> Result<Exchange, Fault> {
    let http = match &call.verb {
        Verb::Create => Http::post(table(kind, call)?).json(&spec::creation(kind, call)?),
        Verb::Read => Http::get(entry(kind, call)?),
        Verb::Replace => Http::put(entry(kind, call)?).json(&spec::replacement(kind, call)?),
        Verb::Update => Http::put(entry(kind, call)?).json(&spec::patch(kind, call)?),
        Verb::Delete => Http::delete(entry(kind, call)?),
        // FortiOS finds a part of a text; that it is the whole marker is checked in its reply.
        Verb::Find => Http::get(table(kind, call)?.query("filter", format!("{}=@{}", kind.comment.0, call.marker))),
        Verb::List => {
            let (start, count) = page(call)?;
            Http::get(table(kind, call)?.query("start", start).query("count", count))
        }
        Verb::Action(name) if kind.key == Key::PolicyId && name == MOVE => Http::put(place(kind, call)?),
        Verb::Poll | Verb::Probe | Verb::Login | Verb::Action(_) => return Err(call.unsupported()),
    };
    http.into_exchange()
}

/// What a reply means.
pub fn decode(kind: &Kind, call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let envelope = Envelope::of_success(call, reply)?;
    match &call.verb {
        Verb::Delete => outcome(&())?.into(),
        Verb::Create => {
            let id = envelope.key()?;
            outcome(&changed(kind, &id)?)?.id(id).into()
        }
        Verb::Replace | Verb::Update => outcome(&changed(kind, call.backend_id()?)?)?.into(),
        Verb::Action(_) => outcome(&Moved { policyid: number(call.backend_id()?)? })?.into(),
        Verb::Find => {
            let shown = envelope.objects()?.into_iter().map(|object| Shown::of(kind, object, Some(&call.marker)));
            let found = shown.filter(|shown| shown.as_ref().map_or(true, |shown| shown.marker.is_some()));
            outcome(&())?.found(found.map(|shown| shown?.found()).collect::<Result<_, Fault>>()?).into()
        }
        Verb::List => {
            let (start, count) = page(call)?;
            let objects = envelope.objects()?;
            // A page that is full may be the last: then the next one is empty.
            let full = u32::try_from(objects.len()).is_ok_and(|length| length >= count);
            let next = start.checked_add(count).filter(|_| full).map(|next| next.to_string());
            let found = objects.into_iter().map(|object| Shown::of(kind, object, None)?.found());
            outcome(&())?.found(found.collect::<Result<_, Fault>>()?).next_page(next).into()
        }
        _ => {
            let object = envelope.objects()?.into_iter().next();
            let object = object.ok_or_else(|| Fault::NotFound("FortiOS shows no such object".to_owned()))?;
            let shown = Shown::of(kind, object, Some(&call.marker))?;
            outcome(&shown.object)?.id(shown.id).into()
        }
    }
}

fn table(kind: &Kind, call: &Call) -> Result<Target, Fault> {
    in_vdom(path("/api/v2/cmdb/firewall/{table}", &[("table", kind.path)])?, call)
}

fn entry(kind: &Kind, call: &Call) -> Result<Target, Fault> {
    let values = [("table", kind.path), ("key", call.backend_id()?)];
    in_vdom(path("/api/v2/cmdb/firewall/{table}/{key}", &values)?, call)
}

fn place(kind: &Kind, call: &Call) -> Result<Target, Fault> {
    let target = entry(kind, call)?.query("action", MOVE);
    match call.spec()? {
        Place { before: Some(policy), after: None } => Ok(target.query("before", policy)),
        Place { before: None, after: Some(policy) } => Ok(target.query("after", policy)),
        _ => Err(Fault::invalid("", "name either `before` or `after`")),
    }
}

/// Where the page starts, and how long it is at most.
fn page(call: &Call) -> Result<(u32, u32), Fault> {
    let start = match call.page_token.as_deref() {
        None => 0,
        Some(token) => token.parse().map_err(|_| Fault::Unsupported(format!("`{token}` is no page token")))?,
    };
    Ok((start, call.page_size.unwrap_or(PAGE).max(1)))
}

/// All that FortiOS says of an object that was changed.
fn changed(kind: &Kind, id: &str) -> Result<Value, Fault> {
    Ok(match kind.key {
        Key::Name => json!({"name": id}),
        Key::PolicyId => json!({"policyid": number(id)?}),
    })
}

fn number(id: &str) -> Result<u64, Fault> {
    id.parse().map_err(|_| Fault::MalformedReply(format!("`{id}` is no number of a policy")))
}

/// An object as FortiOS shows it, in the shapes of a spec and without the marker.
struct Shown {
    id: String,
    marker: Option<String>,
    object: Object,
}

impl Shown {
    /// Takes `marker` from the end of the comment, or if there is none whatever looks like a marker.
    fn of(kind: &Kind, mut object: Object, marker: Option<&str>) -> Result<Self, Fault> {
        let id = object.get(kind.key.member()).and_then(key).ok_or_else(|| {
            Fault::MalformedReply(format!("the reply holds an object without its `{}`", kind.key.member()))
        })?;
        let mut carried = None;
        if let Some(Value::String(comment)) = object.get_mut(kind.comment.0) {
            let (text, found) = marker::split(comment);
            if let Some(found) = found.filter(|found| marker.is_none_or(|marker| marker == *found)) {
                carried = Some(found.to_owned());
                *comment = text.to_owned();
            }
        }
        spec::read(kind, &mut object);
        Ok(Self { id, marker: carried, object })
    }

    fn found(self) -> Result<Found, Fault> {
        Ok(Found { marker: self.marker, ..found(self.id, &self.object)? })
    }
}
