//! Columns of OVSDB tables: how a value is written in the database's notation (RFC 7047, section 5.1), and in a spec.

use serde_json::{Map, Value, json};

/// The column that takes the CMP's marker, and the key it has there.
pub const MARKS: &str = "external_ids";
const MARKER: &str = "crosspoint";

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub shape: Shape,
    /// The table whose rows the values are ids of.
    pub refers: Option<&'static str>,
}

/// What a column holds, and how that looks outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string; empty by default.
    Text,
    /// A boolean; false by default.
    Flag,
    /// At most one value; `null` for none.
    Optional,
    /// Values in no order: an array.
    Set,
    /// Strings by strings: an object.
    Map,
    /// Values by numbers: an object whose names are digits.
    Numbered,
}

pub const fn text(name: &'static str) -> Column {
    Column { name, shape: Shape::Text, refers: None }
}

pub const fn flag(name: &'static str) -> Column {
    Column { name, shape: Shape::Flag, refers: None }
}

pub const fn optional(name: &'static str) -> Column {
    Column { name, shape: Shape::Optional, refers: None }
}

pub const fn set(name: &'static str) -> Column {
    Column { name, shape: Shape::Set, refers: None }
}

pub const fn map(name: &'static str) -> Column {
    Column { name, shape: Shape::Map, refers: None }
}

pub const fn numbered(name: &'static str) -> Column {
    Column { name, shape: Shape::Numbered, refers: None }
}

impl Column {
    pub const fn to(self, table: &'static str) -> Self {
        Self { refers: Some(table), ..self }
    }

    /// A spec's value as the database writes it. `null` is the default of the column.
    pub fn write(&self, value: &Value) -> Value {
        match (self.shape, value) {
            (Shape::Text, Value::Null) => json!(""),
            (Shape::Flag, Value::Null) => json!(false),
            (Shape::Text | Shape::Flag, value) => value.clone(),
            (Shape::Optional | Shape::Set, Value::Null) => json!(["set", []]),
            (Shape::Optional, value) => self.element(value),
            (Shape::Set, value) => {
                let mut elements: Vec<Value> = Vec::new();
                for value in value.as_array().into_iter().flatten() {
                    // The database refuses a set that holds something twice.
                    let element = self.element(value);
                    if !elements.contains(&element) {
                        elements.push(element);
                    }
                }
                json!(["set", elements])
            }
            (Shape::Map | Shape::Numbered, value) => {
                let members = value.as_object().into_iter().flatten();
                let pairs = members.filter_map(|(key, value)| Some(json!([self.key(key)?, self.element(value)])));
                json!(["map", pairs.collect::<Vec<_>>()])
            }
        }
    }

    /// The keys of an object, as the database writes them.
    pub fn write_keys(&self, members: &Map<String, Value>) -> Vec<Value> {
        members.keys().filter_map(|key| self.key(key)).collect()
    }

    /// What the database writes, as it is shown outside; `None` where it is not of this shape.
    pub fn show(&self, value: &Value) -> Option<Value> {
        match self.shape {
            Shape::Text => value.is_string().then(|| value.clone()),
            Shape::Flag => value.is_boolean().then(|| value.clone()),
            Shape::Optional => match self.elements(value)?.as_slice() {
                [] => Some(Value::Null),
                [one] => Some(one.clone()),
                _ => None,
            },
            Shape::Set => self.elements(value).map(Value::from),
            Shape::Map | Shape::Numbered => {
                let mut object = Map::new();
                for pair in tagged(value, "map")?.as_array()? {
                    let [key, value] = pair.as_array()?.as_slice() else { return None };
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    object.insert(key, self.atom(value)?);
                }
                Some(object.into())
            }
        }
    }

    /// The ids that a spec's value names, each with its place below the column's.
    pub fn references<'a>(&self, value: &'a Value) -> Vec<(String, &'a str)> {
        if self.refers.is_none() {
            return Vec::new();
        }
        match value {
            Value::String(id) => vec![(String::new(), id)],
            Value::Array(ids) => {
                let ids = ids.iter().enumerate();
                ids.filter_map(|(place, id)| Some((format!("/{place}"), id.as_str()?))).collect()
            }
            Value::Object(ids) => {
                ids.iter().filter_map(|(place, id)| Some((format!("/{place}"), id.as_str()?))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A number has one way of being written as a key, so that two keys are never the same.
    fn key(&self, key: &str) -> Option<Value> {
        match self.shape {
            Shape::Numbered => key.parse::<u32>().ok().filter(|number| number.to_string() == key).map(Value::from),
            _ => Some(json!(key)),
        }
    }

    fn element(&self, value: &Value) -> Value {
        if self.refers.is_some() { json!(["uuid", value]) } else { value.clone() }
    }

    /// A set of one is written as its element alone.
    fn elements(&self, value: &Value) -> Option<Vec<Value>> {
        match tagged(value, "set") {
            Some(elements) => elements.as_array()?.iter().map(|element| self.atom(element)).collect(),
            None => Some(vec![self.atom(value)?]),
        }
    }

    fn atom(&self, value: &Value) -> Option<Value> {
        if self.refers.is_some() {
            return tagged(value, "uuid").filter(|id| id.is_string()).cloned();
        }
        (value.is_string() || value.is_number() || value.is_boolean()).then(|| value.clone())
    }
}

/// The content of `["tag", content]`.
pub fn tagged<'a>(value: &'a Value, tag: &str) -> Option<&'a Value> {
    match value.as_array()?.as_slice() {
        [found, content] if found == tag => Some(content),
        _ => None,
    }
}

/// `["uuid", id]`.
pub fn uuid(id: &str) -> Value {
    json!(["uuid", id])
}

/// The condition of rows that carry this marker.
pub fn marked(marker: &str) -> Value {
    json!([MARKS, "includes", ["map", [[MARKER, marker]]]])
}

/// Puts the marker among a spec's own external ids.
pub fn mark(object: &mut Map<String, Value>, marker: &str) {
    let ids = object.entry(MARKS).or_insert_with(|| json!({}));
    if !ids.is_object() {
        *ids = json!({});
    }
    if let Value::Object(ids) = ids {
        ids.insert(MARKER.to_owned(), marker.into());
    }
}

/// Takes the marker away from what is shown.
pub fn unmark(object: &mut Map<String, Value>) -> Option<String> {
    match object.get_mut(MARKS)?.as_object_mut()?.remove(MARKER)? {
        Value::String(marker) => Some(marker),
        _ => None,
    }
}

/// The place of the marker in a spec, where nobody else may write.
pub fn reserved(object: &Map<String, Value>) -> Option<String> {
    object.get(MARKS)?.as_object()?.contains_key(MARKER).then(|| format!("/{MARKS}/{MARKER}"))
}
