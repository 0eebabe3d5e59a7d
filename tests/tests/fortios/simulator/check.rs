//! What values a member takes.

use std::net::Ipv4Addr;

use serde_json::Value;

/// A number that says why FortiOS does not take a value, and the command line's complaint.
pub type Refused = (i64, String);

/// What a member holds.
#[derive(Clone, Copy)]
pub enum Takes {
    /// A text with at most so many characters.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number in this range.
    Number(u64, u64),
    /// An IPv4 address.
    Address,
    /// An IPv4 address or a range of them.
    Addresses,
    /// An IPv4 address and a netmask.
    Subnet,
    /// A port or a range of ports.
    Ports,
    /// A list of objects with one member that takes one of these entries.
    Names(&'static [&'static str]),
    /// A list of objects with the member `range`.
    Ranges,
    /// The name of one entry of these, or nothing.
    Name(&'static [&'static str]),
}

/// The members that a value refers to by name; FortiOS finds them in some tables.
pub fn references(takes: Takes, value: &Value) -> Vec<(&'static [&'static str], String)> {
    match takes {
        Takes::Names(tables) => {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(|item| Some((tables, item["name"].as_str()?.to_owned()))).collect()
        }
        Takes::Name(tables) => {
            value.as_str().filter(|name| !name.is_empty()).map(|name| (tables, name.to_owned())).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a member takes a value.
pub fn check(name: &str, takes: Takes, value: &Value) -> Result<(), Refused> {
    let refuse = |code: i64, what: &str| Err((code, format!("{what}\n\nvalue parse error before '{what}' of {name}")));
    let text = value.as_str();
    let bad = |code: i64| refuse(code, text.unwrap_or(name));
    match takes {
        Takes::Text(limit) => match text {
            Some(text) if text.chars().count() <= limit && !text.contains(['<', '>', '(', ')', '#', '"', '\'']) => {
                Ok(())
            }
            Some(text) if text.chars().count() > limit => refuse(-1, name),
            _ => bad(-651),
        },
        Takes::Word(words) => {
            if text.is_some_and(|text| words.contains(&text)) {
                Ok(())
            } else {
                bad(-651)
            }
        }
        Takes::Number(least, most) => {
            if value.as_u64().is_some_and(|number| (least..=most).contains(&number)) {
                Ok(())
            } else {
                bad(-2)
            }
        }
        Takes::Address => {
            if text.is_some_and(is_address) {
                Ok(())
            } else {
                bad(-8)
            }
        }
        Takes::Addresses => {
            if text.is_some_and(is_range) {
                Ok(())
            } else {
                bad(-8)
            }
        }
        Takes::Subnet => {
            if text.is_some_and(is_subnet) {
                Ok(())
            } else {
                bad(-9)
            }
        }
        Takes::Ports => {
            if text.is_some_and(is_ports) {
                Ok(())
            } else {
                bad(-651)
            }
        }
        Takes::Names(_) => {
            if is_list(value, "name", |_| true) {
                Ok(())
            } else {
                bad(-651)
            }
        }
        Takes::Ranges => {
            if is_list(value, "range", is_range) {
                Ok(())
            } else {
                bad(-8)
            }
        }
        Takes::Name(_) => {
            if text.is_some() {
                Ok(())
            } else {
                bad(-651)
            }
        }
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

fn is_range(text: &str) -> bool {
    match text.split_once('-') {
        Some((first, last)) => is_address(first) && is_address(last),
        None => is_address(text),
    }
}

fn is_subnet(text: &str) -> bool {
    let Some((address, mask)) = text.split_once(' ') else { return false };
    let Ok(mask) = mask.parse::<Ipv4Addr>() else { return false };
    let mask = u32::from(mask);
    is_address(address) && mask.leading_ones() + mask.trailing_zeros() >= 32
}

fn is_ports(text: &str) -> bool {
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    match text.split_once('-') {
        Some((first, last)) => is_port(first) && is_port(last),
        None => is_port(text),
    }
}

/// A list of objects that have this member and no other.
fn is_list(value: &Value, member: &str, takes: impl Fn(&str) -> bool) -> bool {
    let Some(items) = value.as_array() else { return false };
    let fits = |item: &Value| {
        let alone = item.as_object().is_some_and(|item| item.len() == 1);
        alone && item[member].as_str().is_some_and(&takes)
    };
    !items.is_empty() && items.iter().all(fits)
}
