//! What the kinds have in common, and what makes each different, as one table row.

use std::borrow::Cow;
use std::marker::PhantomData;

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{ActionBuilder, KindBuilder};
use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The members of one object.
pub type Object = Map<String, Value>;

/// A kind of object: a type for its spec, in which every member may be missing, and a few facts.
pub trait Resource: JsonSchema + DeserializeOwned {
    /// The kind's name.
    const NAME: &'static str;
    /// One line for people.
    const SUMMARY: &'static str;
    /// The table's name in paths.
    const PATH: &'static str;
    /// What identifies an object in its table.
    const KEY: Key;
    /// The member that holds a text for people, and how many characters it takes.
    const COMMENT: (&'static str, usize);
    /// The members that FortiOS writes in another way than specs and results do.
    const SHAPES: &'static [(&'static str, Shape)];

    /// What a member that is null, or that a `replace` leaves out, is set to.
    fn defaults() -> Value;

    /// The defaults that FortiOS knows nothing of where an object is like this one, so that they are not told.
    fn idle(_object: &Object) -> &'static [&'static str] {
        &[]
    }

    /// What is wrong with a whole spec that a schema cannot tell.
    fn faults(&self) -> Vec<Violation>;

    /// Actions on an object.
    fn actions() -> Vec<ActionBuilder> {
        Vec::new()
    }
}

/// What identifies an object in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The name, which the spec gives.
    Name,
    /// The number that FortiOS gives a policy.
    PolicyId,
}

impl Key {
    /// The member's name.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::PolicyId => "policyid",
        }
    }
}

/// How FortiOS writes what is simpler in a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A list of names is a list of objects with one member of this name.
    List(&'static str),
    /// `10.0.0.0/8` is `10.0.0.0 255.0.0.0`.
    Subnet,
}

/// A [`Resource`] as a value, so that the code that handles objects exists once and not for each kind.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub path: &'static str,
    pub key: Key,
    pub comment: (&'static str, usize),
    pub shapes: &'static [(&'static str, Shape)],
    pub defaults: fn() -> Value,
    pub idle: fn(&Object) -> &'static [&'static str],
    /// Checks a whole spec.
    pub check: fn(&Call) -> Result<(), Fault>,
    /// Checks the shape of a patch.
    pub check_patch: fn(&Call) -> Result<(), Fault>,
    pub describe: fn() -> KindBuilder,
}

impl Kind {
    pub const fn of<R: Resource>() -> Self {
        Self {
            name: R::NAME,
            path: R::PATH,
            key: R::KEY,
            comment: R::COMMENT,
            shapes: R::SHAPES,
            defaults: R::defaults,
            idle: R::idle,
            check: |call| match call.spec::<R>()?.faults() {
                faults if faults.is_empty() => Ok(()),
                faults => Err(Fault::Invalid(faults)),
            },
            check_patch: |call| call.spec::<R>().map(drop),
            describe: describe::<R>,
        }
    }
}

fn describe<R: Resource>() -> KindBuilder {
    let all = [Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::Find, Verb::List];
    let kind = kind(R::NAME, R::SUMMARY)
        .spec::<R>()
        .patch::<Patch<R>>()
        .result::<Shown<R>>()
        .verbs(all)
        // They say what the object shall be, or that it shall not be.
        .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
        .marker()
        .creation(Creation::Conditional);
    R::actions().into_iter().fold(kind, KindBuilder::action)
}

/// The violation for a member that is missing.
pub fn missing(member: &str, why: &str) -> Violation {
    Violation { pointer: format!("/{member}"), message: format!("it is needed {why}") }
}

/// The schema of a patch: that of the spec, with nothing required and without the name that is an object's key.
struct Patch<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Patch<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}-patch", R::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = R::json_schema(generator);
        schema.remove("required");
        schema.insert("title".to_owned(), Self::schema_name().into());
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.remove(R::KEY.member());
        }
        schema
    }
}

/// The schema of an object as it is shown: the members of the spec, and what FortiOS adds. The answer to a change holds
/// the key alone, because FortiOS says no more.
struct Shown<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Shown<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}-result", R::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Object::new();
        if let Some(Value::Object(known)) = R::json_schema(generator).get("properties") {
            // FortiOS's own values need not keep to the limits of a spec, so only the descriptions are taken over.
            let described = |about: &Value| about.get("description").map(|text| json!({"description": text}));
            properties.extend(known.iter().filter_map(|(name, about)| Some((name.clone(), described(about)?))));
        }
        properties.insert("uuid".to_owned(), json!({"type": "string", "description": "FortiOS's own mark of it."}));
        if R::KEY == Key::PolicyId {
            let policyid = json!({"type": "integer", "description": "The number that FortiOS gave it."});
            properties.insert("policyid".to_owned(), policyid);
        }
        let mut schema = Schema::default();
        schema.insert("title".to_owned(), Self::schema_name().into());
        let description = format!("{}. The answer to a change holds its key alone.", R::SUMMARY);
        schema.insert("description".to_owned(), description.into());
        schema.insert("type".to_owned(), "object".into());
        schema.insert("required".to_owned(), json!([R::KEY.member()]));
        schema.insert("properties".to_owned(), properties.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use crate::{FortiOs, kinds};
    use crosspoint_sdk::prelude::*;

    #[test]
    fn whatever_a_kind_says_of_members_is_about_members_of_its_spec() {
        for kind in kinds::ALL {
            let described = FortiOs::describe();
            let schema = described.kind(kind.name).unwrap().spec_schema.value();
            let properties = schema["properties"].as_object().unwrap();
            let defaults = (kind.defaults)();
            let named = kind.shapes.iter().map(|(name, _)| *name).chain([kind.comment.0]);
            for name in named.chain(defaults.as_object().unwrap().keys().map(String::as_str)) {
                assert!(properties.contains_key(name), "{}: {name}", kind.name);
            }
            assert_eq!(schema["additionalProperties"], false, "{}", kind.name);
        }
    }

    #[test]
    fn what_is_required_has_no_default() {
        for kind in kinds::ALL {
            let described = FortiOs::describe();
            let schema = described.kind(kind.name).unwrap().spec_schema.value();
            let defaults = (kind.defaults)();
            for name in schema["required"].as_array().unwrap() {
                assert!(defaults.get(name.as_str().unwrap()).is_none(), "{}: {name}", kind.name);
            }
        }
    }
}
