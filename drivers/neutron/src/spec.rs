//! From a spec to what Neutron is sent.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::resource::{Kind, Object};

/// Longest description that Neutron takes, in characters.
const DESCRIPTION: usize = 255;

/// The body of a creation.
pub fn creation(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = checked(kind, call)?;
    if let Some(within) = kind.within {
        object.remove(within.attribute);
    }
    fill(kind, &mut object, false);
    describe(kind, &mut object, &call.marker)?;
    Ok(object)
}

/// The body of a change: what the patch names, no more.
pub fn patch(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = checked(kind, call)?;
    let fixed: Vec<Violation> = kind
        .fixed
        .iter()
        .filter(|name| object.contains_key(**name))
        .map(|name| Violation { pointer: format!("/{name}"), message: set_by(kind, name).to_owned() })
        .collect();
    if !fixed.is_empty() {
        return Err(Fault::Invalid(fixed));
    }
    fill(kind, &mut object, false);
    if object.contains_key("description") {
        describe(kind, &mut object, &call.marker)?;
    }
    Ok(object)
}

/// The body that gives an object a whole new spec: what may change, with defaults for what the spec leaves out.
pub fn replacement(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = checked(kind, call)?;
    let mut kept: Object = call.attributes()?.unwrap_or_default();
    if let Some(within) = kind.within {
        kept.insert(within.attribute.to_owned(), within.whole(call)?.into());
    }
    let mut changed = Vec::new();
    for name in kind.fixed {
        // What was not kept, an attribute of an extension that is not there for instance, is Neutron's to refuse.
        let (Some(given), Some(kept)) = (object.get(*name), kept.get(*name)) else { continue };
        if !same(given, kept) {
            let message = format!("{}, and is {kept}", set_by(kind, name));
            changed.push(Violation { pointer: format!("/{name}"), message });
        }
        object.remove(*name);
    }
    if !changed.is_empty() {
        return Err(Fault::Invalid(changed));
    }
    fill(kind, &mut object, true);
    describe(kind, &mut object, &call.marker)?;
    Ok(object)
}

/// The description that the creation of this spec gave its object.
pub fn description(kind: &Kind, call: &Call) -> Result<String, Fault> {
    let object = checked(kind, call)?;
    Ok(marker::put(text(&object), &call.marker))
}

/// What to keep of an object: its fixed attributes, so that a replacement that would change one is refused. The spec's
/// own words come first, because Neutron may write the same in another way, an IPv6 address for instance.
pub fn kept(kind: &Kind, spec: &Json, shown: &Object) -> Object {
    let spec: Object = spec.parse().unwrap_or_default();
    let value = |name: &str| spec.get(name).filter(|value| !value.is_null()).or_else(|| shown.get(name));
    kind.fixed
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), value(name)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// What to keep of an object from now on, if actions may have changed something of what was kept.
pub fn moved(kind: &Kind, call: &Call, shown: &Object) -> Result<Option<Object>, Fault> {
    let Some(mut kept) = call.attributes::<Object>()?.filter(|_| !kind.moved.is_empty()) else { return Ok(None) };
    for name in kind.moved {
        if let Some(value) = shown.get(*name) {
            kept.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(Some(kept))
}

fn set_by(kind: &Kind, name: &str) -> &'static str {
    if kind.moved.contains(&name) { "it is set at creation and by actions only" } else { "it is set at creation only" }
}

/// Whether two values are the same to Neutron, to which lists are sets.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().all(|item| other.contains(item))
        }
        _ => one == other,
    }
}

fn checked(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    (kind.check)(call)?;
    call.spec()
}

/// Sets attributes to their defaults: those that are null, and if `whole` is true those that are missing.
fn fill(kind: &Kind, object: &mut Object, whole: bool) {
    let Value::Object(defaults) = (kind.defaults)() else { return };
    for (name, default) in defaults {
        let reset = match object.get(&name) {
            Some(value) => value.is_null(),
            None => whole,
        };
        if reset {
            object.insert(name, default);
        }
    }
}

fn describe(kind: &Kind, object: &mut Object, marker: &str) -> Result<(), Fault> {
    if kind.within.is_some() {
        return Ok(());
    }
    let described = marker::fit(text(object), marker, DESCRIPTION, "/description")?;
    object.insert("description".to_owned(), described.into());
    Ok(())
}

fn text(object: &Object) -> &str {
    object.get("description").and_then(Value::as_str).unwrap_or_default()
}
