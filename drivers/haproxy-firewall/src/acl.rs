//! Entries of ACLs: patterns that are looked for.

use std::collections::HashSet;

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;

use crate::answer::{answers, done, entries, parse};
use crate::entry::{self, Holder};
use crate::line::{self, Line};

/// A pattern that an ACL looks for.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "acl-entry")]
struct Entry {
    /// The ACL's file, one of those that the backend's configuration names.
    #[schemars(length(min = 1, max = 100))]
    acl: String,
    /// What is looked for: an address, a block of them, a text or an expression, as the ACL wants it. Not changed by HAProxy
    /// in any way.
    #[schemars(length(min = 1, max = 400))]
    pattern: String,
}

/// The kind's description.
pub fn describe() -> KindBuilder {
    kind("acl-entry", "A pattern that an ACL looks for")
        .spec::<Entry>()
        .result::<Entry>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete, Verb::List])
        // A pattern may be there any number of times: the ACL matches as if it were there once, and a deletion takes all.
        .creation(Creation::Idempotent)
        .reissuable([Verb::Create, Verb::Delete])
}

/// The line of a call.
pub fn encode(call: &Call) -> Result<Line, Fault> {
    let there = || entry::of(Holder::Acl, call);
    match &call.verb {
        Verb::Create => {
            let Entry { acl, pattern } = spec(call)?;
            Ok(Line::command("add acl", &[&acl, &pattern]))
        }
        Verb::Read => Ok(Line::command("show acl", &[there()?.0])),
        Verb::Delete => {
            let (acl, pattern) = there()?;
            Ok(Line::command("del acl", &[acl, pattern]))
        }
        Verb::List => {
            let acls = Holder::Acl.files(call)?;
            if acls.is_empty() {
                return Err(Fault::Unsupported("the backend's configuration names no ACL".to_owned()));
            }
            Ok(acls.iter().fold(Line::default(), |line, acl| line.and("show acl", &[acl])))
        }
        _ => Err(call.unsupported()),
    }
}

/// What HAProxy's answers mean.
pub fn decode(call: &Call, reply: &[u8]) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Create => {
            let entry = spec(call)?;
            let [added] = answers(reply)?;
            done(added, "/pattern")?;
            outcome(&entry)?.id(entry::id(&entry.acl, &entry.pattern, "/pattern")?).into()
        }
        Verb::Read => {
            let (acl, pattern) = entry::of(Holder::Acl, call)?;
            let [shown] = answers(reply)?;
            if !entries(shown)?.contains(&pattern) {
                return Err(Fault::NotFound(format!("ACL `{acl}` does not look for `{pattern}`")));
            }
            outcome(&Entry { acl: acl.to_owned(), pattern: pattern.to_owned() })?.id(call.backend_id()?).into()
        }
        Verb::Delete => {
            let [deleted] = answers(reply)?;
            done(deleted, "")?;
            outcome(&())?.into()
        }
        Verb::List => list(call, reply),
        _ => Err(call.unsupported()),
    }
}

fn list(call: &Call, reply: &[u8]) -> Result<Outcome, Fault> {
    let acls = Holder::Acl.files(call)?;
    let shown = parse(reply, acls.len())?;
    let mut list = Vec::new();
    for (acl, shown) in acls.iter().zip(shown) {
        let mut seen = HashSet::new();
        for pattern in entries(shown)? {
            // One whose text is too long to be an id was not made here, and cannot be adopted.
            if let (true, Ok(id)) = (seen.insert(pattern), entry::id(acl, pattern, "")) {
                list.push(found(id, &Entry { acl: acl.clone(), pattern: pattern.to_owned() })?);
            }
        }
    }
    outcome(&())?.found(list).into()
}

fn spec(call: &Call) -> Result<Entry, Fault> {
    let entry: Entry = call.spec()?;
    Holder::Acl.check(call, &entry.acl, "/acl")?;
    line::check(&entry.pattern, "/pattern")?;
    entry::id(&entry.acl, &entry.pattern, "/pattern")?;
    Ok(entry)
}
