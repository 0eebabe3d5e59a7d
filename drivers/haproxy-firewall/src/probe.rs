//! One line that changes nothing, and tells whether HAProxy has what the backend's configuration names.

use crosspoint_sdk::prelude::*;

use crate::answer::{answers, known};
use crate::entry::Holder;
use crate::line::Line;

/// What HAProxy is.
#[derive(Debug, Serialize)]
struct Known<'a> {
    version: &'a str,
}

/// The line.
pub fn encode() -> Line {
    Line::command("show version", &[]).and("show acl", &[]).and("show map", &[])
}

/// HAProxy's version, or what it lacks.
pub fn decode(call: &Call, reply: &[u8]) -> Result<Outcome, Fault> {
    let [version, acls, maps] = answers(reply)?;
    if let Some(fault) = [version, acls, maps].into_iter().find_map(known) {
        return Err(fault);
    }
    for (what, holder, listed) in [("ACL", Holder::Acl, acls), ("map", Holder::Map, maps)] {
        for file in holder.files(call)? {
            // `0 (/etc/haproxy/deny.acl) pattern loaded from …`
            let name = format!("({file})");
            if !listed.lines().any(|line| line.split(' ').nth(1) == Some(name.as_str())) {
                return Err(Fault::Unsupported(format!("HAProxy's own configuration uses no {what} `{file}`")));
            }
        }
    }
    outcome(&Known { version })?.into()
}
