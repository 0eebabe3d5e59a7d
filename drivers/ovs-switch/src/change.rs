//! The plans that change something. Each says first what must hold, then what becomes different, and asks at last for
//! what there is now, all in one transaction.

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::answers::Row;
use crate::column::{self, Column, MARKS, Shape, marked, uuid};
use crate::kinds::interface;
use crate::look::{self, Kept};
use crate::plan::{Plan, SWITCH, is, named};
use crate::resource::{Kind, Parent};
use crate::revision;

/// The names of new rows within a transaction (RFC 7047, section 5.1, `named-uuid`).
const OBJECT: &str = "object";
const INTERFACE: &str = "interface";
const LOCAL: &str = "local";

pub fn create(kind: &Kind, call: &Call) -> Result<Plan, Fault> {
    let mut spec = spec(kind, call)?;
    let mut plan = Plan::default();
    let missing = "the database knows no switch yet: ovs-vswitchd has never run on it, nor `ovs-vsctl init`";
    plan.demand(SWITCH, &[], Fault::Unavailable(missing.to_owned()));
    vacant(&mut plan, kind, &[marked(&call.marker)], "the switch has this object already: it carries its marker");
    let name = text(&spec, "name").to_owned();
    if kind.named {
        vacant(&mut plan, kind, &[named(&name)], &format!("the switch has a {} of this name already", kind.name));
    }
    if kind.interface {
        let message = format!("an interface `{name}` belongs to another port");
        plan.forbid(interface::TABLE, &[named(&name)], Fault::Conflict(message));
    }
    let bridge = text(&spec, "bridge").to_owned();
    if let Parent::Bridge(_) = kind.parent {
        plan.demand("Bridge", &[named(&bridge)], Fault::invalid("/bridge", "the switch has no bridge of this name"));
    }
    references(&mut plan, kind.config, &spec)?;

    column::mark(&mut spec, &call.marker);
    let mut row = row(kind.config, &spec, false);
    if kind.named {
        row.insert("name".to_owned(), json!(name));
    }
    if kind.interface {
        let mut own = self::row(interface::CONFIG, &interface(&spec), false);
        own.insert("name".to_owned(), json!(name));
        plan.insert(interface::TABLE, INTERFACE, &own.into());
        row.insert("interfaces".to_owned(), new(INTERFACE));
    }
    if let Parent::Switch(_) = kind.parent {
        // The bridge's local port: without it there is no device of the bridge's name.
        plan.insert(interface::TABLE, INTERFACE, &json!({"name": name, "type": "internal"}));
        plan.insert("Port", LOCAL, &json!({"name": name, "interfaces": new(INTERFACE)}));
        row.insert("ports".to_owned(), new(LOCAL));
    }
    plan.insert(kind.table, OBJECT, &row.into());
    match kind.parent {
        Parent::None => {}
        Parent::Switch(column) => plan.mutate(SWITCH, &[], &[json!([column, "insert", new(OBJECT)])]),
        Parent::Bridge(column) => plan.mutate("Bridge", &[named(&bridge)], &[json!([column, "insert", new(OBJECT)])]),
    }
    look::at(&mut plan, kind, &new(OBJECT), Some(&name));
    plan.commit();
    Ok(plan)
}

pub fn replace(kind: &Kind, call: &Call) -> Result<Plan, Fault> {
    let mut spec = spec(kind, call)?;
    let id = call.backend_id()?;
    let mut plan = judged(kind, call, id)?;
    let name = text(&spec, "name").to_owned();
    if kind.named {
        plan.demand(kind.table, &[is(id), named(&name)], Fault::invalid("/name", "a name cannot be changed"));
    }
    if let Parent::Bridge(column) = kind.parent {
        let there = [named(text(&spec, "bridge")), json!([column, "includes", uuid(id)])];
        plan.demand("Bridge", &there, Fault::invalid("/bridge", format!("a {} stays on its bridge", kind.name)));
    }
    references(&mut plan, kind.config, &spec)?;

    column::mark(&mut spec, &call.marker);
    plan.update(kind.table, &is(id), &row(kind.config, &spec, true).into());
    if kind.interface {
        plan.update(interface::TABLE, &named(&name), &row(interface::CONFIG, &interface(&spec), true).into());
    }
    look::at(&mut plan, kind, &uuid(id), Some(&name));
    plan.commit();
    Ok(plan)
}

pub fn update(kind: &Kind, call: &Call) -> Result<Plan, Fault> {
    let mut patch = spec(kind, call)?;
    let id = call.backend_id()?;
    let kept = look::kept(call)?;
    let mut plan = judged(kind, call, id)?;
    references(&mut plan, kind.config, &patch)?;

    if patch.get(MARKS).is_some_and(Value::is_null) {
        column::mark(&mut patch, &call.marker);
        plan.update(kind.table, &is(id), &row(kind.config, &patch, false).into());
        patch.remove(MARKS);
    }
    patched(&mut plan, kind.table, &is(id), kind.config, &patch);
    if kind.interface && patch.contains_key("interface") {
        let Some(Kept { name }) = &kept else {
            return Err(Fault::Conflict("the port's name is not known yet: adopt it, then change it".to_owned()));
        };
        patched(&mut plan, interface::TABLE, &named(name), interface::CONFIG, &interface(&patch));
    }
    look::at(&mut plan, kind, &uuid(id), kept.as_ref().map(|kept| kept.name.as_str()));
    plan.commit();
    Ok(plan)
}

pub fn delete(kind: &Kind, call: &Call) -> Result<Plan, Fault> {
    let id = call.backend_id()?;
    let mut plan = judged(kind, call, id)?;
    // The database drops what nothing refers to any more, and with a bridge its ports and mirrors.
    match kind.parent {
        Parent::None => plan.delete(kind.table, &is(id)),
        Parent::Switch(column) => plan.mutate(SWITCH, &[], &[json!([column, "delete", uuid(id)])]),
        Parent::Bridge(column) => {
            let holds = json!([column, "includes", uuid(id)]);
            plan.mutate("Bridge", &[holds], &[json!([column, "delete", uuid(id)])]);
        }
    }
    plan.commit();
    Ok(plan)
}

/// A plan about an object that must be there, and as the precondition says.
fn judged(kind: &Kind, call: &Call, id: &str) -> Result<Plan, Fault> {
    let mut plan = Plan::default();
    plan.demand(kind.table, &[look::existing(kind, id)?], look::absent(kind));
    if let Some(precondition) = &call.precondition {
        revision::demand(&mut plan, kind, id, precondition)?;
    }
    Ok(plan)
}

/// There must be no such row; if there is one, the fault names it.
fn vacant(plan: &mut Plan, kind: &Kind, conditions: &[Value], message: &str) {
    plan.select(crate::plan::Role::Existing, kind.table, conditions, &["_uuid"]);
    let there = Existing { message: message.to_owned(), backend_id: None };
    plan.forbid(kind.table, conditions, Fault::AlreadyExists(there));
}

/// What a spec refers to must be there. The database itself forgets some dangling references without a word.
fn references(plan: &mut Plan, columns: &[Column], spec: &Row) -> Result<(), Fault> {
    for column in columns {
        let (Some(table), Some(value)) = (column.refers, spec.get(column.name)) else { continue };
        for (place, id) in column.references(value) {
            let pointer = format!("/{}{place}", column.name);
            if !look::is_id(id) {
                return Err(Fault::invalid(pointer, format!("`{id}` is no id that the switch gives")));
            }
            plan.demand(table, &[is(id)], Fault::invalid(pointer, "the switch has nothing with this id"));
        }
    }
    Ok(())
}

/// The columns that a spec names, or if `whole` is true all of them, with defaults for what it leaves out.
fn row(columns: &[Column], spec: &Row, whole: bool) -> Row {
    let mut row = Row::new();
    for column in columns {
        match spec.get(column.name) {
            Some(value) if whole || !value.is_null() => row.insert(column.name.to_owned(), column.write(value)),
            None if whole => row.insert(column.name.to_owned(), column.write(&Value::Null)),
            _ => None,
        };
    }
    row
}

/// Changes what a patch names. Within an object, `null` removes a member and the members that are not named stay.
fn patched(plan: &mut Plan, table: &str, condition: &Value, columns: &[Column], patch: &Row) {
    let mut row = Row::new();
    let mut mutations = Vec::new();
    for column in columns {
        match (column.shape, patch.get(column.name)) {
            (_, None) => {}
            (Shape::Map | Shape::Numbered, Some(Value::Object(members))) => {
                let stays: Row = members.clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
                let keys = column.write_keys(members);
                // A mutation does not overwrite, so what is there under these keys goes first.
                mutations.push(json!([column.name, "delete", ["set", keys]]));
                mutations.push(json!([column.name, "insert", column.write(&stays.into())]));
            }
            (_, Some(value)) => {
                row.insert(column.name.to_owned(), column.write(value));
            }
        }
    }
    if !row.is_empty() {
        plan.update(table, condition, &row.into());
    }
    if !mutations.is_empty() {
        plan.mutate(table, std::slice::from_ref(condition), &mutations);
    }
}

/// The spec or the patch as it came, once it has the right shape.
fn spec(kind: &Kind, call: &Call) -> Result<Row, Fault> {
    (kind.check)(call)?;
    let spec: Row = call.spec()?;
    match column::reserved(&spec) {
        Some(pointer) => Err(Fault::invalid(pointer, "this key is where Crosspoint marks its objects")),
        None => Ok(spec),
    }
}

fn interface(spec: &Row) -> Row {
    spec.get("interface").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn text<'a>(spec: &'a Row, member: &str) -> &'a str {
    spec.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn new(name: &str) -> Value {
    json!(["named-uuid", name])
}
