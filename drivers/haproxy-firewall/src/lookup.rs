//! What HAProxy would find: `get acl` and `get map` look as HAProxy does for a request, and not for an entry by its text.

use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;

use crate::answer::{answers, known};
use crate::entry::Holder;
use crate::line::{self, Line};

const ACL: &str = "get-acl";
const MAP: &str = "get-map";

/// What is looked for in an ACL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "get-acl")]
struct InAcl {
    /// The ACL's file, one of those that the backend's configuration names.
    acl: String,
    /// What a request would hold: an address, a path, …
    #[schemars(length(min = 1, max = 1000))]
    value: String,
}

/// Whether the ACL matches.
#[derive(Debug, Serialize, JsonSchema)]
struct Matched {
    /// Whether it does.
    matches: bool,
    /// By which pattern, where HAProxy tells.
    pattern: Option<String>,
}

/// What is looked up in a map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "get-map")]
struct InMap {
    /// The map's file, one of those that the backend's configuration names.
    map: String,
    /// What a request would hold: an address, a path, …
    #[schemars(length(min = 1, max = 1000))]
    value: String,
}

/// What the map gives.
#[derive(Debug, Serialize, JsonSchema)]
struct LookedUp {
    /// Whether it has anything.
    found: bool,
    /// Under which key, where HAProxy tells.
    key: Option<String>,
    /// What it has there.
    value: Option<String>,
}

/// Asks an ACL.
pub fn acl() -> ActionBuilder {
    action(ACL, "Ask whether an ACL matches").spec::<InAcl>().result::<Matched>().read_only()
}

/// Asks a map.
pub fn map() -> ActionBuilder {
    action(MAP, "Ask what a map gives").spec::<InMap>().result::<LookedUp>().read_only()
}

/// The line of an action.
pub fn encode(name: &str, call: &Call) -> Result<Line, Fault> {
    let (words, holder, file, value) = match name {
        ACL => {
            let InAcl { acl, value } = call.spec()?;
            ("get acl", Holder::Acl, acl, value)
        }
        MAP => {
            let InMap { map, value } = call.spec()?;
            ("get map", Holder::Map, map, value)
        }
        _ => return Err(call.unsupported()),
    };
    holder.check(call, &file, if name == ACL { "/acl" } else { "/map" })?;
    line::check(&value, "/value")?;
    Ok(Line::command(words, &[&file, &value]))
}

/// What HAProxy has found. A file may be used in several ways, and then it tells a line for each.
pub fn decode(name: &str, call: &Call, reply: &[u8]) -> Result<Outcome, Fault> {
    let [answer] = answers(reply)?;
    let (yes, no) = match name {
        ACL => ("match=yes", "match=no"),
        MAP => ("found=yes", "found=no"),
        _ => return Err(call.unsupported()),
    };
    if let Some(strange) = answer.lines().find(|line| !line.contains(yes) && !line.contains(no)) {
        return Err(known(answer).unwrap_or_else(|| Fault::MalformedReply(format!("HAProxy says `{strange}`"))));
    }
    let hit = answer.lines().find(|line| line.contains(yes));
    if name == ACL {
        let pattern = hit.and_then(|line| line.split_once(", pattern=\"")?.1.strip_suffix('"')).map(str::to_owned);
        return outcome(&Matched { matches: hit.is_some(), pattern })?.into();
    }
    // The value may hold anything, and the key no white space: so what comes first is the key's end.
    let parts = hit.and_then(|line| line.split_once(", key=\"")?.1.split_once("\", value=\""));
    let value = parts.and_then(|(_, rest)| rest.rsplit_once("\", type=\"")).map(|(value, _)| value.to_owned());
    outcome(&LookedUp { found: hit.is_some(), key: parts.map(|(key, _)| key.to_owned()), value })?.into()
}
