//! An object as it is shown outside: plain JSON, without the marker.

use std::borrow::Cow;
use std::marker::PhantomData;

use crosspoint_sdk::prelude::*;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::answers::{Answers, Row, id, malformed};
use crate::column::{self, Column, Shape};
use crate::kinds::interface;
use crate::look::{self, Kept};
use crate::resource::{Kind, Parent, Resource};
use crate::revision;

/// One object.
pub struct Shown {
    pub id: String,
    pub revision: Option<String>,
    pub marker: Option<String>,
    pub kept: Option<Kept>,
    pub object: Row,
}

impl Shown {
    pub fn new(kind: &Kind, row: &Row, answers: &Answers) -> Result<Self, Fault> {
        let id = id(row)?;
        let mut object = Row::new();
        object.insert("uuid".to_owned(), json!(id));
        show(&mut object, kind.config, row)?;
        show(&mut object, kind.status, row)?;
        let mut name = None;
        if kind.named {
            let own = row.get("name").and_then(Value::as_str).ok_or_else(|| malformed("a row has no name"))?;
            object.insert("name".to_owned(), json!(own));
            name = Some(own);
        }
        let interface = name.filter(|_| kind.interface).and_then(|name| look::interface_of(name, &answers.interfaces));
        if kind.interface {
            let mut shown = Value::Null;
            if let Some(interface) = interface {
                let mut object = Row::new();
                show(&mut object, interface::CONFIG, interface)?;
                show(&mut object, interface::STATUS, interface)?;
                shown = object.into();
            }
            object.insert("interface".to_owned(), shown);
        }
        if let Parent::Bridge(column) = kind.parent {
            let bridge = look::bridge(column, &id, &answers.bridges)?.cloned().unwrap_or_default();
            object.insert("bridge".to_owned(), bridge);
        }
        let marker = column::unmark(&mut object);
        let kept = name.filter(|_| kind.interface).map(|name| Kept { name: name.to_owned() });
        Ok(Self { revision: revision::of(kind, row, interface), id, marker, kept, object })
    }

    pub fn found(self) -> Result<Found, Fault> {
        let mut found = found(self.id, &self.object)?;
        found.revision = self.revision;
        found.marker = self.marker;
        if let Some(kept) = &self.kept {
            found.attributes = Json::of(kept).map_err(|error| Fault::Other(error.to_string()))?;
        }
        Ok(found)
    }
}

fn show(object: &mut Row, columns: &[Column], row: &Row) -> Result<(), Fault> {
    for column in columns {
        let value = row.get(column.name).and_then(|value| column.show(value));
        let value = value.ok_or_else(|| malformed(&format!("column `{}` is not as it should be", column.name)))?;
        object.insert(column.name.to_owned(), value);
    }
    Ok(())
}

/// The schema of what is shown of a kind.
pub struct Schema<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Schema<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}-result", R::NAME).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        let mut properties = members(&[R::CONFIG, R::STATUS]);
        let mut add = |name: &str, schema: Value| properties.insert(name.to_owned(), schema);
        add("uuid", json!({"type": "string", "description": "The switch's id of the object."}));
        add(
            "next_cfg",
            json!({
                "type": "integer",
                "description": "After a change: what action `applied` takes, to tell whether it is in effect.",
            }),
        );
        if R::NAMED {
            add("name", json!({"type": "string", "description": "Its name."}));
        }
        if let Parent::Bridge(_) = R::PARENT {
            add("bridge", json!({"type": ["string", "null"], "description": "The bridge that it is on."}));
        }
        if R::INTERFACE {
            add(
                "interface",
                json!({
                    "type": ["object", "null"], "properties": members(&[interface::CONFIG, interface::STATUS]),
                    "description": "Its interface; `error` says why the switch cannot have it. Null where it is not known.",
                }),
            );
        }
        let mut schema = schemars::Schema::default();
        schema.insert("title".to_owned(), Self::schema_name().into());
        schema.insert("description".to_owned(), format!("{}, as the database has it.", R::SUMMARY).into());
        schema.insert("type".to_owned(), "object".into());
        schema.insert("required".to_owned(), json!(["uuid"]));
        schema.insert("properties".to_owned(), properties.into());
        schema
    }
}

fn members(columns: &[&[Column]]) -> Map<String, Value> {
    let members = columns.iter().copied().flatten().map(|column| {
        let schema = match column.shape {
            Shape::Text => json!({"type": "string"}),
            Shape::Flag => json!({"type": "boolean"}),
            Shape::Optional => json!({"type": ["string", "integer", "boolean", "null"]}),
            Shape::Set => json!({"type": "array"}),
            Shape::Map | Shape::Numbered => json!({"type": "object"}),
        };
        (column.name.to_owned(), schema)
    });
    members.collect()
}
