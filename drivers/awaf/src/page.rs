//! Pages of objects, and the harmless read of a probe.

use crosspoint_sdk::Target;
use crosspoint_sdk::prelude::*;
use serde_json::json;

use crate::kind::{Kind, Object, Shown};
use crate::policy;

/// Objects on a page where the call does not say: a policy fills some ten kilobytes.
const SIZE: u32 = 50;

/// One page of what the appliance shows.
pub struct Page {
    pub shown: Vec<Shown>,
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Collection {
    items: Vec<Object>,
    total_items: Option<u64>,
}

/// The part of a collection that a `list` asks for. The page token is the number of objects before it.
pub fn at(collection: Target, call: &Call) -> Result<Target, Fault> {
    let page = collection.query("$top", size(call));
    Ok(match skipped(call)? {
        0 => page,
        skipped => page.query("$skip", skipped),
    })
}

/// Those objects of a collection whose description holds the marker, which needs no quoting.
pub fn carrying(collection: Target, marker: &str) -> Target {
    collection.query("$filter", format!("contains(description,'{marker}')"))
}

/// A page as the appliance shows it.
pub fn read(kind: &dyn Kind, call: &Call, reply: &HttpReply) -> Result<Page, Fault> {
    let collection: Collection = reply.json()?;
    let count = u64::try_from(collection.items.len()).unwrap_or(u64::MAX);
    let seen = skipped(call)?.saturating_add(count);
    let more = match collection.total_items {
        Some(total) => seen < total,
        None => count >= u64::from(size(call)),
    };
    let shown = collection.items.iter().map(|object| kind.shown(call, object)).collect::<Result<_, _>>()?;
    // A page without objects that claims to have more behind it would be asked for again and again.
    Ok(Page { shown, next: (more && count > 0).then(|| seen.to_string()) })
}

/// One policy, to see that the appliance answers, accepts the session and has the module.
pub fn encode_probe() -> Result<Exchange, Fault> {
    Http::get(path(policy::COLLECTION, &[])?.query("$top", 1)).into_exchange()
}

/// How many policies there are.
pub fn decode_probe(reply: &HttpReply) -> Result<Outcome, Fault> {
    let collection: Collection = reply.json()?;
    outcome(&json!({"policies": collection.total_items}))?.into()
}

fn size(call: &Call) -> u32 {
    call.page_size.unwrap_or(SIZE).max(1)
}

fn skipped(call: &Call) -> Result<u64, Fault> {
    let Some(token) = &call.page_token else { return Ok(0) };
    token.parse().map_err(|_| {
        Fault::Rejected(Rejection {
            code: "page-token".to_owned(),
            message: format!("`{token}` is no page token of this driver: list from the start"),
            retryable: false,
        })
    })
}
