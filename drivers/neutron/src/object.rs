//! Objects of any kind: the requests, and what Neutron shows.

use crosspoint_sdk::Target;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::part::{Within, join};
use crate::resource::{Kind, Object};
use crate::spec;

/// Objects on a page where the call does not say.
const PAGE: u32 = 200;

/// The request of a call.
pub fn encode(kind: &Kind, call: &Call) -> Result<Exchange, Fault> {
    let request = match &call.verb {
        Verb::Create => Http::post(collection(kind, call)?).json(&json!({kind.member: spec::creation(kind, call)?})),
        Verb::Read => Http::get(member(kind, call)?),
        Verb::Replace if kind.updatable => conditional(
            kind,
            call,
            Http::put(member(kind, call)?).json(&json!({kind.member: spec::replacement(kind, call)?})),
        )?,
        Verb::Update if kind.updatable => {
            let body = json!({kind.member: spec::patch(kind, call)?});
            conditional(kind, call, Http::put(member(kind, call)?).json(&body))?
        }
        Verb::Delete => conditional(kind, call, Http::delete(member(kind, call)?))?,
        Verb::Find if kind.within.is_none() => {
            Http::get(collection(kind, call)?.query("description", spec::description(kind, call)?))
        }
        Verb::List => {
            let size = call.page_size.unwrap_or(PAGE) / kind.within.map_or(1, |within| within.most);
            let page = listed(kind)?.query("limit", size.max(1));
            Http::get(page.query_if("marker", call.page_token.as_deref()))
        }
        Verb::Action(action) => {
            let body = (kind.act)(action, call)?;
            let target = path(
                &format!("/v2.0/{}/{{id}}/{{action}}", kind.path),
                &[("id", call.backend_id()?), ("action", action)],
            )?;
            Http::put(target).json(&body)
        }
        Verb::Find | Verb::Poll | Verb::Probe | Verb::Login | Verb::Replace | Verb::Update => {
            return Err(call.unsupported());
        }
    };
    crate::ask(request)
}

/// What a successful reply means.
pub fn decode(kind: &Kind, call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Delete => outcome(&())?.into(),
        Verb::Action(_) => {
            let shown = Shown::new(reply.json()?, Some(&call.marker))?;
            let done = outcome(&shown.object)?.revision(shown.revision);
            match spec::moved(kind, call, &shown.object)? {
                Some(attributes) => done.attributes(&attributes)?.into(),
                None => done.into(),
            }
        }
        Verb::Find => {
            let found = Page::read(kind, reply)?.objects.into_iter();
            // A Neutron that ignores the filter must not make a stranger's object ours.
            let found = found.filter(|shown| shown.marker.as_ref() == Some(&call.marker));
            outcome(&())?.found(found.map(|shown| shown.found(kind, call)).collect::<Result<_, _>>()?).into()
        }
        Verb::List => {
            let page = Page::read(kind, reply)?;
            let next = page.next;
            let found = page.objects.into_iter().map(|shown| shown.found(kind, call)).collect::<Result<_, _>>()?;
            outcome(&())?.found(found).next_page(next).into()
        }
        _ => {
            let mut body: Object = reply.json()?;
            let mut shown = Shown::new(body.remove(kind.member).unwrap_or_default(), Some(&call.marker))?;
            if let Some(within) = kind.within {
                shown = shown.part_of(&within, &within.whole(call)?);
            }
            let made = outcome(&shown.object)?.id(&shown.id).revision(shown.revision);
            // What is kept already came from the creation's own spec, which no later reply can know better, but for what
            // actions have changed since.
            if call.attributes.is_null() {
                return made.attributes(&spec::kept(kind, &call.spec, &shown.object))?.into();
            }
            match spec::moved(kind, call, &shown.object)? {
                Some(attributes) => made.attributes(&attributes)?.into(),
                None => made.into(),
            }
        }
    }
}

/// Where objects are made, and found by their description.
fn collection(kind: &Kind, call: &Call) -> Result<Target, Fault> {
    match kind.within {
        Some(within) => within.collection(kind, call),
        None => listed(kind),
    }
}

/// Where pages of objects are.
fn listed(kind: &Kind) -> Result<Target, Fault> {
    path(&format!("/v2.0/{}", kind.within.map_or(kind.path, |within| within.path)), &[])
}

fn member(kind: &Kind, call: &Call) -> Result<Target, Fault> {
    match kind.within {
        Some(within) => within.member(kind, call),
        None => path(&format!("/v2.0/{}/{{id}}", kind.path), &[("id", call.backend_id()?)]),
    }
}

/// Adds the condition that Neutron knows: the object must still have this revision.
fn conditional(kind: &Kind, call: &Call, request: Http) -> Result<Http, Fault> {
    let Some(revision) = &call.precondition else { return Ok(request) };
    if kind.within.is_some() {
        return Err(Fault::Unsupported(format!("Neutron gives a {} no revision", kind.name)));
    }
    // Neutron may ignore what it does not understand here, and would then act without a condition.
    if revision.parse::<u64>().is_err() {
        return Err(Fault::Stale(format!("`{revision}` is no revision that Neutron gives")));
    }
    Ok(request.if_match(Some(&format!("revision_number={revision}"))))
}

/// An object as Neutron shows it, without the marker.
struct Shown {
    id: String,
    revision: Option<String>,
    marker: Option<String>,
    object: Object,
}

impl Shown {
    /// Takes `marker` from the end of the description, or if there is none whatever looks like a marker.
    fn new(object: Value, marker: Option<&str>) -> Result<Self, Fault> {
        let Value::Object(mut object) = object else {
            return Err(Fault::MalformedReply("the reply holds no object where one should be".to_owned()));
        };
        let Some(id) = object.get("id").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Fault::MalformedReply("the reply holds an object without an id".to_owned()));
        };
        let revision = object.get("revision_number").and_then(Value::as_u64).map(|revision| revision.to_string());
        let mut found = None;
        if let Some(Value::String(description)) = object.get_mut("description") {
            let (text, carried) = marker::split(description);
            if let Some(carried) = carried.filter(|carried| marker.is_none_or(|marker| marker == *carried)) {
                found = Some(carried.to_owned());
                *description = text.to_owned();
            }
        }
        Ok(Self { id, revision, marker: found, object })
    }

    /// As a part of this whole, which Neutron does not name where it shows a part alone.
    fn part_of(mut self, within: &Within, whole: &str) -> Self {
        self.id = join(whole, &self.id);
        self.object.insert(within.attribute.to_owned(), whole.into());
        self
    }

    fn found(self, kind: &Kind, call: &Call) -> Result<Found, Fault> {
        let mut found = found(self.id, &self.object)?;
        found.revision = self.revision;
        found.marker = self.marker;
        if call.verb == Verb::Find {
            found.attributes = Json::from(Value::from(spec::kept(kind, &call.spec, &self.object)));
        }
        Ok(found)
    }
}

/// A page of objects.
struct Page {
    objects: Vec<Shown>,
    /// Where to go on: Neutron wants the id of the last object that it listed.
    next: Option<String>,
}

impl Page {
    fn read(kind: &Kind, reply: &HttpReply) -> Result<Self, Fault> {
        let mut body: Object = reply.json()?;
        let plural = kind.within.map_or_else(|| kind.plural(), |within| within.plural());
        let Some(Value::Array(listed)) = body.remove(&plural) else {
            return Err(Fault::MalformedReply(format!("the reply holds no list `{plural}`")));
        };
        let links = body.get(&format!("{plural}_links")).and_then(Value::as_array);
        let more = links.is_some_and(|links| links.iter().any(|link| link.get("rel") == Some(&json!("next"))));
        let last = listed.last().and_then(|last| last.get("id")).and_then(Value::as_str).map(str::to_owned);
        let mut objects = Vec::with_capacity(listed.len());
        for listed in listed {
            let Some(within) = kind.within else {
                objects.push(Shown::new(listed, None)?);
                continue;
            };
            let (whole, parts) = within.parts(listed)?;
            for part in parts {
                objects.push(Shown::new(part, None)?.part_of(&within, &whole));
            }
        }
        Ok(Self { objects, next: last.filter(|_| more) })
    }
}
