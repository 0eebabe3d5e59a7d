//! One harmless read that shows that Neutron answers, accepts the session and has what the driver needs.

use crosspoint_sdk::prelude::*;
use serde_json::json;

/// Extensions without which the driver cannot keep its promises, with what they are for.
const NEEDED: [(&str, &str); 3] = [
    ("standard-attr-description", "to mark objects"),
    ("standard-attr-revisions", "to tell one revision of an object from another"),
    ("revision-if-match", "to change an object only if it is unchanged"),
];

#[derive(Deserialize)]
struct Extensions {
    extensions: Vec<Extension>,
}

#[derive(Deserialize)]
struct Extension {
    alias: String,
}

/// Asks for the extensions: no other read needs the session and tells as much.
pub fn encode() -> Result<Exchange, Fault> {
    crate::ask(Http::get(path("/v2.0/extensions", &[])?))
}

/// The names of the extensions, or which is missing.
pub fn decode(reply: &HttpReply) -> Result<Outcome, Fault> {
    let there: Extensions = reply.json()?;
    let mut there: Vec<String> = there.extensions.into_iter().map(|extension| extension.alias).collect();
    there.sort_unstable();
    for (name, purpose) in NEEDED {
        if !there.iter().any(|alias| alias == name) {
            return Err(Fault::Unsupported(format!("this Neutron lacks the extension `{name}`, needed {purpose}")));
        }
    }
    outcome(&json!({"extensions": there}))?.into()
}
