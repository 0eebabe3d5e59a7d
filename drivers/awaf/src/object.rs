//! Objects of any kind: the requests, and what the appliance shows.

use crosspoint_sdk::prelude::*;

use crate::kind::{Kind, Object, Shown};
use crate::{page, policy, task};

/// The request of a call.
pub fn encode(kind: &dyn Kind, call: &Call) -> Result<Exchange, Fault> {
    if let Verb::Action(_) | Verb::Poll = call.verb {
        return if kind.name() == policy::NAME { task::encode(call) } else { Err(call.unsupported()) };
    }
    if !kind.verbs().contains(&call.verb) {
        return Err(call.unsupported());
    }
    let http = match call.verb {
        Verb::Create => Http::post(kind.collection(call)?).json(&kind.creation(call)?),
        Verb::Read => Http::get(kind.member(call)?),
        // PATCH with all that may change: the appliance has no PUT that leaves its own members alone.
        Verb::Replace => Http::patch(kind.member(call)?).json(&kind.replacement(call)?),
        Verb::Update => Http::patch(kind.member(call)?).json(&kind.patch(call)?),
        Verb::Delete => Http::delete(kind.member(call)?),
        Verb::Find => Http::get(page::carrying(kind.collection(call)?, &call.marker)),
        Verb::List => Http::get(page::at(kind.collection(call)?, call)?),
        _ => return Err(call.unsupported()),
    };
    http.into_exchange()
}

/// What a successful reply means.
pub fn decode(kind: &dyn Kind, call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match call.verb {
        Verb::Action(_) | Verb::Poll => task::decode(call, reply),
        Verb::Delete => outcome(&())?.into(),
        Verb::Find => {
            let shown = page::read(kind, call, reply)?.shown.into_iter();
            // The appliance looks for a part of the description; only the whole marker counts.
            let found = shown.filter(|shown| shown.marker.as_ref() == Some(&call.marker)).map(found_shown);
            outcome(&())?.found(found.collect::<Result<_, _>>()?).into()
        }
        Verb::List => {
            let page = page::read(kind, call, reply)?;
            let found = page.shown.into_iter().map(found_shown).collect::<Result<_, _>>()?;
            outcome(&())?.found(found).next_page(page.next).into()
        }
        _ => {
            let shown = kind.shown(call, &reply.json::<Object>()?)?;
            let made = outcome(&shown.view)?.id(shown.id);
            // What is kept already came from the creation.
            if call.attributes.is_null() { made.attributes(&shown.fixed)?.into() } else { made.into() }
        }
    }
}

fn found_shown(shown: Shown) -> Result<Found, Fault> {
    let mut found = found(shown.id, &shown.view)?;
    found.marker = shown.marker;
    found.attributes = Json::from(shown.fixed);
    Ok(found)
}
