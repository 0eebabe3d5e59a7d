//! An object's revision.
//!
//! The database has one of its own, `_version`, but it is of no use here: a change tells only the version before it, and
//! the switch gives a row a new one whenever it notes a status or counts packets. So a revision is what is configured,
//! packed: it changes when that does, whoever changes it, and the database itself compares it with what it has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::answers::Row;
use crate::column::Column;
use crate::kinds::interface;
use crate::plan::{Plan, is, named};
use crate::resource::Kind;

/// The longest that the contract lets a revision be, in bytes. An object that is configured at greater length has none.
const LONGEST: usize = 1024;

/// What is configured and is not the default.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    object: Row,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interface: Option<Row>,
}

/// The revision of a row. An object whose interface is not known has none.
pub fn of(kind: &Kind, row: &Row, interface: Option<&Row>) -> Option<String> {
    let mut object = configured(kind.config, row);
    if kind.named {
        object.insert("name".to_owned(), row.get("name")?.clone());
    }
    let interface = match (kind.interface, interface) {
        (true, None) => return None,
        (true, Some(interface)) => Some(configured(interface::CONFIG, interface)),
        (false, _) => None,
    };
    let packed = serde_json::to_vec(&Content { object, interface }).ok()?;
    Some(URL_SAFE_NO_PAD.encode(packed)).filter(|revision| revision.len() <= LONGEST)
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
    plan.demand_row(kind.table, is(id), &columns, &known(&content.object, &columns), changed.clone());
    if let Some(interface) = &content.interface {
        let name = content.object.get("name").and_then(Value::as_str).unwrap_or_default();
        let columns = names(interface::CONFIG);
        plan.demand_row(interface::TABLE, named(name), &columns, &known(interface, &columns), changed);
    }
    Ok(())
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
    json!(row.iter().filter(|(name, _)| columns.contains(&name.as_str())).collect::<std::collections::BTreeMap<_, _>>())
}
