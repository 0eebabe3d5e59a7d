//! From a spec to what Neutron is sent.

use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::resource::{Kind, Object};

/// Longest description that Neutron takes, in characters.
const DESCRIPTION: usize = 255;

/// The body of a creation.
pub fn creation(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = checked(kind, call)?;
    fill(kind, &mut object, false);
    describe(&mut object, &call.marker)?;
    Ok(object)
}

/// The body of a change: what the patch names, no more.
pub fn patch(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = checked(kind, call)?;
    let fixed: Vec<Violation> = kind
        .fixed
        .iter()
        .filter(|name| object.contains_key(**name))
        .map(|name| Violation { pointer: format!("/{name}"), message: "it is set at creation only".to_owned() })
        .collect();
    if !fixed.is_empty() {
        return Err(Fault::Invalid(fixed));
    }
    fill(kind, &mut object, false);
    if object.contains_key("description") {
        describe(&mut object, &call.marker)?;
    }
    Ok(object)
}

/// The body that gives an object a whole new spec: what may change, with defaults for what the spec leaves out.
pub fn replacement(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = checked(kind, call)?;
    let kept: Object = call.attributes()?.unwrap_or_default();
    let mut changed = Vec::new();
    for name in kind.fixed {
        // What was not kept, an attribute of an extension that is not there for instance, is Neutron's to refuse.
        let (Some(given), Some(kept)) = (object.get(*name), kept.get(*name)) else { continue };
        if given != kept {
            let message = format!("it is set at creation only, to {kept}");
            changed.push(Violation { pointer: format!("/{name}"), message });
        }
        object.remove(*name);
    }
    if !changed.is_empty() {
        return Err(Fault::Invalid(changed));
    }
    fill(kind, &mut object, true);
    describe(&mut object, &call.marker)?;
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

fn describe(object: &mut Object, marker: &str) -> Result<(), Fault> {
    let described = marker::fit(text(object), marker, DESCRIPTION, "/description")?;
    object.insert("description".to_owned(), described.into());
    Ok(())
}

fn text(object: &Object) -> &str {
    object.get("description").and_then(Value::as_str).unwrap_or_default()
}
