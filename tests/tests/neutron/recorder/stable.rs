//! Ids, times and orders that differ from run to run, made the same in every run.

use std::collections::HashMap;

use serde_json::{Value, json};

const TIME: &str = "2026-01-01T00:00:00Z";

/// Numbers ids in the order in which they come up.
#[derive(Default)]
struct Names(HashMap<String, String>);

pub fn stable(mut fixtures: Vec<Value>) -> Vec<Value> {
    let mut names = Names::default();
    for fixture in &mut fixtures {
        tidy(fixture);
        names.rename(fixture);
    }
    fixtures
}

/// Takes out what means nothing to a driver and is long, such as the prose about extensions, or chance.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["catalog", "audit_ids", "standard_attr_id"] {
                members.remove(name);
            }
            if members.contains_key("alias") {
                members.retain(|name, _| name == "alias");
            }
            for (name, member) in members.iter_mut() {
                match name.as_str() {
                    "created_at" | "updated_at" if member.is_string() => *member = json!(TIME),
                    "issued_at" => *member = json!("2026-01-01T00:00:00.000000Z"),
                    "expires_at" => *member = json!("2026-01-01T01:00:00.000000Z"),
                    _ => tidy(member),
                }
            }
        }
        Value::Array(items) => {
            // A link back names the first object of a page, and which is first is chance.
            items.retain(|item| item.get("rel") != Some(&json!("previous")));
            items.iter_mut().for_each(tidy);
            if let [Value::String(name), Value::String(value)] = items.as_mut_slice()
                && name == "x-subject-token"
            {
                "gAAAAABpa-token-of-Keystone".clone_into(value);
            }
        }
        _ => {}
    }
}

impl Names {
    fn rename(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                // In an order that does not depend on how the map is made.
                let mut members: Vec<_> = members.iter_mut().collect();
                members.sort_by_key(|(name, _)| (*name).clone());
                for (_, member) in members {
                    self.rename(member);
                }
            }
            Value::Array(items) => {
                // Neutron sorts by ids, which are chance.
                if items.iter().all(Value::is_object) {
                    items.sort_by_cached_key(|item| self.sort_key(item));
                }
                for item in items {
                    self.rename(item);
                }
            }
            Value::String(text) => *text = replaced(text, |id| self.name(id)),
            _ => {}
        }
    }

    /// The value's text, with the names of ids that have come up before and nothing of those that have not.
    fn sort_key(&self, value: &Value) -> String {
        replaced(&value.to_string(), |id| self.0.get(id).cloned().unwrap_or_default())
    }

    fn name(&mut self, id: &str) -> String {
        let number = self.0.len() + 1;
        let name = match id.len() {
            UUID => format!("00000000-0000-4000-8000-{number:012}"),
            PROJECT => format!("{number:032}"),
            MAC => format!("fa:16:3e:00:{:02x}:{:02x}", number / 256, number % 256),
            _ => "backend.example".to_owned(),
        };
        self.0.entry(id.to_owned()).or_insert(name).clone()
    }
}

const UUID: usize = 36;
const PROJECT: usize = 32;
const MAC: usize = 17;

/// The text with each UUID, project id, MAC address and address of a server replaced.
fn replaced(text: &str, mut name: impl FnMut(&str) -> String) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = [UUID, PROJECT, MAC].into_iter().find(|length| rest.get(..*length).is_some_and(is_id));
        let length = length.or_else(|| address(rest)).unwrap_or(0);
        if length == 0 {
            result.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            result.push_str(&name(&rest[..length]));
            rest = &rest[length..];
        }
    }
    result
}

fn is_id(text: &str) -> bool {
    let groups = |separator: char, lengths: &[usize]| {
        let hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
        text.split(separator).all(hex) && text.split(separator).map(str::len).eq(lengths.iter().copied())
    };
    match text.len() {
        UUID => groups('-', &[8, 4, 4, 4, 12]),
        PROJECT => groups('-', &[32]),
        MAC => groups(':', &[2; 6]),
        _ => false,
    }
}

/// The length of `127.0.0.1:PORT` at the start.
fn address(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("127.0.0.1:")?;
    let port = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some(text.len() - rest.len() + port)
}
