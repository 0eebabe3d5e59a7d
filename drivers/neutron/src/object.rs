//! Objects of any kind: the requests, and what Neutron shows.

use crosspoint_sdk::Target;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::kinds::router::{ADD_INTERFACE, Interface, REMOVE_INTERFACE};
use crate::resource::{Kind, Object};
use crate::spec;

/// Objects on a page where the call does not say.
const PAGE: u32 = 200;

/// The request of a call.
pub fn encode(kind: &Kind, call: &Call) -> Result<Exchange, Fault> {
    let request = match &call.verb {
        Verb::Create => Http::post(collection(kind)?).json(&json!({kind.member: spec::creation(kind, call)?})),
        Verb::Read => Http::get(member(kind, call)?),
        Verb::Replace if kind.updatable => conditional(
            call,
            Http::put(member(kind, call)?).json(&json!({kind.member: spec::replacement(kind, call)?})),
        )?,
        Verb::Update if kind.updatable => {
            conditional(call, Http::put(member(kind, call)?).json(&json!({kind.member: spec::patch(kind, call)?})))?
        }
        Verb::Delete => conditional(call, Http::delete(member(kind, call)?))?,
        Verb::Find => Http::get(collection(kind)?.query("description", spec::description(kind, call)?)),
        Verb::List => {
            let page = collection(kind)?.query("limit", call.page_size.unwrap_or(PAGE).max(1));
            Http::get(page.query_if("marker", call.page_token.as_deref()))
        }
        Verb::Action(action) => interface(kind, action, call)?,
        Verb::Poll | Verb::Probe | Verb::Login | Verb::Replace | Verb::Update => return Err(call.unsupported()),
    };
    crate::ask(request)
}

/// What a successful reply means.
pub fn decode(kind: &Kind, call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Delete => outcome(&())?.into(),
        Verb::Action(_) => outcome(&reply.json::<Object>()?)?.into(),
        Verb::Find => {
            let found = Page::read(kind, reply)?.objects.into_iter();
            // A Neutron that ignores the filter must not make a stranger's object ours.
            let found = found.filter(|shown| shown.marker.as_ref() == Some(&call.marker));
            outcome(&())?.found(found.map(|shown| shown.found(kind, call)).collect::<Result<_, _>>()?).into()
        }
        Verb::List => {
            let page = Page::read(kind, reply)?;
            let next = page.next();
            let found = page.objects.into_iter().map(|shown| shown.found(kind, call)).collect::<Result<_, _>>()?;
            outcome(&())?.found(found).next_page(next).into()
        }
        _ => {
            let mut body: Object = reply.json()?;
            let shown = Shown::new(body.remove(kind.member).unwrap_or_default(), Some(&call.marker))?;
            let made = outcome(&shown.object)?.id(&shown.id).revision(shown.revision);
            // What is kept already came from the creation's own spec, which no later reply can know better.
            if call.attributes.is_null() {
                return made.attributes(&spec::kept(kind, &call.spec, &shown.object))?.into();
            }
            made.into()
        }
    }
}

fn collection(kind: &Kind) -> Result<Target, Fault> {
    path("/v2.0/{collection}", &[("collection", kind.path)])
}

fn member(kind: &Kind, call: &Call) -> Result<Target, Fault> {
    path("/v2.0/{collection}/{id}", &[("collection", kind.path), ("id", call.backend_id()?)])
}

/// Adds the condition that Neutron knows: the object must still have this revision.
fn conditional(call: &Call, request: Http) -> Result<Http, Fault> {
    let Some(revision) = &call.precondition else { return Ok(request) };
    // Neutron may ignore what it does not understand here, and would then act without a condition.
    if revision.parse::<u64>().is_err() {
        return Err(Fault::Stale(format!("`{revision}` is no revision that Neutron gives")));
    }
    Ok(request.if_match(Some(&format!("revision_number={revision}"))))
}

fn interface(kind: &Kind, action: &str, call: &Call) -> Result<Http, Fault> {
    if kind.name != "router" || ![ADD_INTERFACE, REMOVE_INTERFACE].contains(&action) {
        return Err(call.unsupported());
    }
    let spec: Interface = call.spec()?;
    if spec.subnet_id.is_some() == spec.port_id.is_some() {
        return Err(Fault::invalid("", "name either `subnet_id` or `port_id`"));
    }
    let target = path("/v2.0/routers/{id}/{action}", &[("id", call.backend_id()?), ("action", action)])?;
    Ok(Http::put(target).json(&spec))
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
    more: bool,
}

impl Page {
    fn read(kind: &Kind, reply: &HttpReply) -> Result<Self, Fault> {
        let mut body: Object = reply.json()?;
        let plural = format!("{}s", kind.member);
        let Some(Value::Array(objects)) = body.remove(&plural) else {
            return Err(Fault::MalformedReply(format!("the reply holds no list `{plural}`")));
        };
        let objects = objects.into_iter().map(|object| Shown::new(object, None)).collect::<Result<_, _>>()?;
        let links = body.get(&format!("{plural}_links")).and_then(Value::as_array);
        let more = links.is_some_and(|links| links.iter().any(|link| link.get("rel") == Some(&json!("next"))));
        Ok(Self { objects, more })
    }

    /// Where to go on: Neutron wants the id of the last object that was seen.
    fn next(&self) -> Option<String> {
        self.objects.last().filter(|_| self.more).map(|shown| shown.id.clone())
    }
}
