//! Links, by which objects of the appliance refer to one another.
//!
//! They name a host, always `localhost`: `https://localhost/mgmt/tm/asm/policies/{id}?ver=16.1.0`. A CMP gives and gets
//! ids alone.

use crosspoint_sdk::path;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

/// A link to an object, as the appliance wants it: `collection` is a path such as `/mgmt/tm/asm/policies`.
pub fn to(collection: &str, id: &str) -> Result<Value, Fault> {
    let target = path(&format!("{collection}/{{id}}"), &[("id", id)])?;
    Ok(json!({"link": format!("https://localhost{}", target.as_str())}))
}

/// Links to several objects that the spec names in a list.
pub fn to_each(collection: &str, ids: &[String], pointer: &str) -> Result<Vec<Value>, Fault> {
    let link = |(index, id): (usize, &String)| {
        to(collection, id).map_err(|fault| match fault {
            Fault::Invalid(_) => Fault::invalid(format!("{pointer}/{index}"), "this is no id"),
            other => other,
        })
    };
    ids.iter().enumerate().map(link).collect()
}

/// The id at the end of a link.
pub fn id(reference: &Value) -> Option<&str> {
    let link = reference.get("link")?.as_str()?;
    let path = link.split(['?', '#']).next()?;
    path.trim_end_matches('/').rsplit('/').next().filter(|id| !id.is_empty())
}
