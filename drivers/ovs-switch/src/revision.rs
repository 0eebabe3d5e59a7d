//! An object's revision.
//!
//! The database has one of its own, `_version`, but it is a poor one: a change tells only the version before it, and
//! the switch gives a row a new one whenever it notes a status or counts packets. So a revision is what is configured,
//! packed: it changes when that does, whoever changes it, and the database itself compares it with what it has. Only
//! what is too long for that is told by its version.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::answers::Row;
use crate::column::{Column, tagged, uuid};
use crate::kinds::interface;
use crate::plan::{Plan, is, named};
use crate::resource::Kind;

/// The longest that the contract lets a revision be, in bytes.
const LONGEST: usize = 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    object: Part,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interface: Option<Part>,
}

/// What a row is known by.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Part {
    /// The database's own version.
    Version(String),
    /// What is configured and is not the default.
    Configured(Row),
}

/// The revision of a row. An object whose interface is not known has none.
pub fn of(kind: &Kind, row: &Row, interface: Option<&Row>) -> Option<String> {
    let mut object = configured(kind.config, row);
    if kind.named {
        object.insert("name".to_owned(), row.get("name")?.clone());
    }
    let mut content = Content { object: Part::Configured(object), interface: None };
    if kind.interface {
        let mut own = configured(interface::CONFIG, interface?);
        own.insert("name".to_owned(), interface?.get("name")?.clone());
        content.interface = Some(Part::Configured(own));
    }
    if let Some(revision) = packed(&content) {
        return Some(revision);
    }
    content.object = Part::Version(version(row)?);
    if let Some(revision) = packed(&content) {
        return Some(revision);
    }
    content.interface = interface.and_then(version).map(Part::Version);
    packed(&content)
}

/// The object must have this revision.
pub fn demand(plan: &mut Plan, kind: &Kind, id: &str, revision: &str) -> Result<(), Fault> {
    let stale = |message: &str| Fault::Stale(message.to_owned());
    let packed = URL_SAFE_NO_PAD.decode(revision).ok();
    let content = packed.and_then(|packed| serde_json::from_slice::<Content>(&packed).ok());
    let content = content.ok_or_else(|| stale("this is no revision that this driver gives"))?;
    if content.interface.is_some() != kind.interface {
        return Err(stale("this is the revision of another kind of object"));
    }
    let changed = stale("the object is configured otherwise than this revision says");
    let mut columns = names(kind.config);
    if kind.named {
        columns.push("name");
    }
    match &content.object {
        Part::Version(version) => plan.demand(kind.table, &[is(id), of_version(version)?], changed.clone()),
        Part::Configured(row) => plan.demand_row(kind.table, is(id), &columns, &known(row, &columns), changed.clone()),
    }
    match &content.interface {
        None => {}
        Some(Part::Version(version)) => plan.demand(interface::TABLE, &[of_version(version)?], changed),
        Some(Part::Configured(row)) => {
            let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
            let columns = names(interface::CONFIG);
            plan.demand_row(interface::TABLE, named(name), &columns, &known(row, &columns), changed);
        }
    }
    Ok(())
}

fn packed(content: &Content) -> Option<String> {
    let packed = serde_json::to_vec(content).ok()?;
    Some(URL_SAFE_NO_PAD.encode(packed)).filter(|revision| revision.len() <= LONGEST)
}

fn version(row: &Row) -> Option<String> {
    row.get("_version").and_then(|version| tagged(version, "uuid")).and_then(Value::as_str).map(str::to_owned)
}

fn of_version(version: &str) -> Result<Value, Fault> {
    if crate::look::is_id(version) {
        return Ok(json!(["_version", "==", uuid(version)]));
    }
    Err(Fault::Stale("this is no revision that this driver gives".to_owned()))
}

fn configured(columns: &[Column], row: &Row) -> Row {
    let set = columns.iter().filter_map(|column| {
        let value = row.get(column.name)?;
        (*value != column.write(&Value::Null)).then(|| (column.name.to_owned(), value.clone()))
    });
    set.collect()
}

fn names(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name).collect()
}

/// What comes back from a CMP may name anything.
fn known(row: &Row, columns: &[&str]) -> Value {
    json!(row.iter().filter(|(name, _)| columns.contains(&name.as_str())).collect::<BTreeMap<_, _>>())
}
