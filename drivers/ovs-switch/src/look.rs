//! The plans that only look, and what objects look like.

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::answers::{Answers, Row, malformed};
use crate::column::{marked, uuid};
use crate::kinds::interface;
use crate::plan::{Plan, Role, is, named};
use crate::resource::{Kind, Parent};
use crate::shown::Shown;

/// What the host keeps for an object that has an interface: OVSDB has no joins, so its name must be known to ask for
/// both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub name: String,
}

pub fn kept(call: &Call) -> Result<Option<Kept>, Fault> {
    // Kinds without an interface keep nothing.
    call.attributes()
}

pub fn read(kind: &Kind, call: &Call) -> Result<Plan, Fault> {
    let id = call.backend_id()?;
    existing(kind, id)?;
    let kept = kept(call)?;
    let mut plan = Plan::default();
    at(&mut plan, kind, &uuid(id), kept.as_ref().map(|kept| kept.name.as_str()));
    Ok(plan)
}

/// Looks for the creation's marker; its spec says where to look for what belongs to it.
pub fn find(kind: &Kind, call: &Call) -> Result<Plan, Fault> {
    let spec: Row = call.spec()?;
    let text = |member: &str| spec.get(member).and_then(Value::as_str).unwrap_or_default();
    let mut plan = Plan::default();
    plan.select(Role::Objects, kind.table, &[marked(&call.marker)], &kind.columns());
    around(&mut plan, kind, &[named(text("name"))], &[named(text("bridge"))]);
    Ok(plan)
}

pub fn list(kind: &Kind) -> Plan {
    let mut plan = Plan::default();
    plan.select(Role::Objects, kind.table, &[], &kind.columns());
    around(&mut plan, kind, &[], &[]);
    plan
}

/// Asks for one object, old or new, and if its name is known for its interface.
pub fn at(plan: &mut Plan, kind: &Kind, id: &Value, name: Option<&str>) {
    plan.select(Role::Objects, kind.table, &[json!(["_uuid", "==", id])], &kind.columns());
    if let (true, Some(name)) = (kind.interface, name) {
        plan.select(Role::Interfaces, interface::TABLE, &[named(name)], &interface::columns());
    }
    if let Parent::Bridge(column) = kind.parent {
        plan.select(Role::Bridges, "Bridge", &[json!([column, "includes", id])], &["name", column]);
    }
}

fn around(plan: &mut Plan, kind: &Kind, interfaces: &[Value], bridges: &[Value]) {
    if kind.interface {
        plan.select(Role::Interfaces, interface::TABLE, interfaces, &interface::columns());
    }
    if let Parent::Bridge(column) = kind.parent {
        plan.select(Role::Bridges, "Bridge", bridges, &["name", column]);
    }
}

/// The one object of a creation, a change or a read.
pub fn shown(kind: &Kind, answers: &Answers) -> Result<Outcome, Fault> {
    let row = match answers.objects.as_slice() {
        [row] => row,
        [] => return Err(absent(kind)),
        _ => return Err(malformed("an id has several rows")),
    };
    let mut shown = Shown::new(kind, row, answers)?;
    if let Some(next) = answers.switch.first().and_then(|switch| switch.get("next_cfg")) {
        shown.object.insert("next_cfg".to_owned(), next.clone());
    }
    let made = outcome(&shown.object)?.id(&shown.id).revision(shown.revision);
    match shown.kept {
        Some(kept) => made.attributes(&kept)?.into(),
        None => made.into(),
    }
}

pub fn found(kind: &Kind, call: &Call, answers: &Answers) -> Result<Outcome, Fault> {
    let found = objects(kind, answers)?.into_iter().filter(|shown| shown.marker.as_ref() == Some(&call.marker));
    outcome(&())?.found(found.map(Shown::found).collect::<Result<_, _>>()?).into()
}

/// A page of the list. The database gives all of a table or nothing, so pages are cut here, in the order of the ids.
pub fn listed(kind: &Kind, call: &Call, answers: &Answers) -> Result<Outcome, Fault> {
    let mut objects = objects(kind, answers)?;
    objects.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(after) = &call.page_token {
        objects.retain(|shown| shown.id > *after);
    }
    let size = call.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX).max(1);
    let more = objects.len() > size;
    objects.truncate(size);
    let next = objects.last().filter(|_| more).map(|shown| shown.id.clone());
    outcome(&())?.found(objects.into_iter().map(Shown::found).collect::<Result<_, _>>()?).next_page(next).into()
}

fn objects(kind: &Kind, answers: &Answers) -> Result<Vec<Shown>, Fault> {
    answers.objects.iter().map(|row| Shown::new(kind, row, answers)).collect()
}

/// The condition of the object with this id. What is no id at all cannot be one of the switch's.
pub fn existing(kind: &Kind, id: &str) -> Result<Value, Fault> {
    if is_id(id) { Ok(is(id)) } else { Err(absent(kind)) }
}

pub fn absent(kind: &Kind) -> Fault {
    Fault::NotFound(format!("the switch has no {} with this id", kind.name))
}

/// Whether this is a UUID as the database writes them.
pub fn is_id(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let digits = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    digits && lengths.eq([8, 4, 4, 4, 12])
}

/// The bridge that an object is on.
pub fn bridge<'a>(column: &str, id: &str, bridges: &'a [Row]) -> Result<Option<&'a Value>, Fault> {
    let id = uuid(id);
    for bridge in bridges {
        let held = bridge.get(column).ok_or_else(|| malformed("a bridge has no such column"))?;
        let set = crate::column::tagged(held, "set").and_then(Value::as_array);
        if *held == id || set.is_some_and(|set| set.contains(&id)) {
            return Ok(bridge.get("name"));
        }
    }
    Ok(None)
}

/// The interface of this name.
pub fn interface_of<'a>(name: &str, interfaces: &'a [Row]) -> Option<&'a Row> {
    interfaces.iter().find(|row| row.get("name").is_some_and(|found| found == name))
}
