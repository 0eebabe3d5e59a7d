//! From a spec to what FortiOS is sent, and from what it shows to a result.

use std::net::Ipv4Addr;

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::resource::{Key, Kind, Object, Shape};

/// The body of a creation: what the spec names, and the marker.
pub fn creation(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    (kind.check)(call)?;
    let mut object: Object = call.spec()?;
    object.retain(|_, value| !value.is_null());
    mark(kind, &mut object, &call.marker)?;
    written(kind, object)
}

/// The body that gives an object a whole new spec. FortiOS leaves alone what it is not told, so all defaults are told.
pub fn replacement(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    let mut object = creation(kind, call)?;
    if kind.key == Key::Name && object.get("name").and_then(Value::as_str) != Some(call.backend_id()?) {
        let message = format!("the object is called `{}` for good: create another", call.backend_id()?);
        return Err(Fault::invalid("/name", message));
    }
    let idle = (kind.idle)(&object);
    for (name, default) in defaults(kind).into_iter().filter(|(name, _)| !idle.contains(&name.as_str())) {
        object.entry(name).or_insert(default);
    }
    Ok(object)
}

/// The body of a change: what the patch names, no more.
pub fn patch(kind: &Kind, call: &Call) -> Result<Object, Fault> {
    (kind.check_patch)(call)?;
    let mut object: Object = call.spec()?;
    let defaults = defaults(kind);
    for (name, value) in object.iter_mut().filter(|(_, value)| value.is_null()) {
        let Some(default) = defaults.get(name) else {
            return Err(Fault::invalid(format!("/{name}"), "it has no default that null could stand for"));
        };
        value.clone_from(default);
    }
    if object.contains_key(kind.comment.0) {
        mark(kind, &mut object, &call.marker)?;
    }
    written(kind, object)
}

fn defaults(kind: &Kind) -> Object {
    match (kind.defaults)() {
        Value::Object(defaults) => defaults,
        _ => Object::new(),
    }
}

fn mark(kind: &Kind, object: &mut Object, marker: &str) -> Result<(), Fault> {
    let (name, limit) = kind.comment;
    let text = object.get(name).and_then(Value::as_str).unwrap_or_default();
    let whole = marker::fit(text, marker, limit, &format!("/{name}"))?;
    object.insert(name.to_owned(), whole.into());
    Ok(())
}

/// The members in FortiOS's own shapes.
fn written(kind: &Kind, mut object: Object) -> Result<Object, Fault> {
    for (name, shape) in kind.shapes {
        let Some(value) = object.get_mut(*name) else { continue };
        *value = match (shape, &*value) {
            (Shape::List(member), Value::Array(names)) => names.iter().map(|name| json!({*member: name})).collect(),
            (Shape::Subnet, Value::String(text)) => {
                netmask(text).map_err(|why| Fault::invalid(format!("/{name}"), why))?.into()
            }
            // The spec's type was checked.
            (_, other) => other.clone(),
        };
    }
    Ok(object)
}

/// An object as FortiOS shows it, in the shapes of a spec; what does not fit a shape is left as it is.
pub fn read(kind: &Kind, object: &mut Object) {
    for (name, shape) in kind.shapes {
        let Some(value) = object.get_mut(*name) else { continue };
        let simple = match (shape, &*value) {
            (Shape::List(member), Value::Array(items)) => {
                items.iter().map(|item| item.get(*member).filter(|name| name.is_string()).cloned()).collect()
            }
            (Shape::Subnet, Value::String(text)) => prefix(text).map(Value::from),
            _ => None,
        };
        if let Some(simple) = simple {
            *value = simple;
        }
    }
}

/// `10.0.0.0/8` as `10.0.0.0 255.0.0.0`; or why it is no subnet.
pub fn netmask(text: &str) -> Result<String, String> {
    let parts = text.split_once('/').and_then(|(address, length)| {
        let length = length.parse::<u32>().ok().filter(|length| *length <= 32)?;
        Some((address.parse::<Ipv4Addr>().ok()?, length))
    });
    let Some((address, length)) = parts else {
        return Err("a subnet is an IPv4 address and a length, such as 192.0.2.0/24".to_owned());
    };
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    let network = Ipv4Addr::from(u32::from(address) & mask);
    if network != address {
        return Err(format!("the address has more bits than the length says: {network}/{length} would be a subnet"));
    }
    Ok(format!("{address} {}", Ipv4Addr::from(mask)))
}

/// `10.0.0.0 255.0.0.0` as `10.0.0.0/8`; none if the mask has holes.
fn prefix(text: &str) -> Option<String> {
    let (address, mask) = text.split_once(' ')?;
    let (address, mask) = (address.parse::<Ipv4Addr>().ok()?, u32::from(mask.parse::<Ipv4Addr>().ok()?));
    (mask.leading_ones() + mask.trailing_zeros() >= 32).then(|| format!("{address}/{}", mask.leading_ones()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_subnet_is_written_with_its_mask_and_read_with_its_length() {
        for (spec, wire) in [
            ("0.0.0.0/0", "0.0.0.0 0.0.0.0"),
            ("10.0.0.0/8", "10.0.0.0 255.0.0.0"),
            ("192.0.2.4/31", "192.0.2.4 255.255.255.254"),
            ("192.0.2.1/32", "192.0.2.1 255.255.255.255"),
        ] {
            assert_eq!(netmask(spec).unwrap(), wire);
            assert_eq!(prefix(wire).unwrap(), spec);
        }
    }

    #[test]
    fn what_is_no_subnet_is_neither_written_nor_read() {
        for text in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0", "2001:db8::/32", "10.0.0.0/-1", ""] {
            assert!(netmask(text).is_err(), "{text}");
        }
        for text in ["10.0.0.0 255.0.255.0", "10.0.0.0", "a b"] {
            assert_eq!(prefix(text), None, "{text}");
        }
    }
}
