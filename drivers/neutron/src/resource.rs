//! What the kinds have in common, and what makes each different, as one table row.

use std::borrow::Cow;
use std::marker::PhantomData;

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{ActionBuilder, KindBuilder};
use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::part::Within;

/// The attributes of one object.
pub type Object = Map<String, Value>;

/// A kind of object: a type for its spec, in which every member may be missing, and a few facts.
pub trait Resource: JsonSchema + DeserializeOwned {
    /// The kind's name.
    const NAME: &'static str;
    /// One line for people.
    const SUMMARY: &'static str;
    /// The collection's place below `/v2.0/`. Its last part, with `_` for `-`, is the member that holds a page of objects.
    const PATH: &'static str;
    /// The member that holds the object in bodies.
    const MEMBER: &'static str;
    /// Attributes that are given at creation and stay as they are.
    const FIXED: &'static [&'static str];
    /// Those of the fixed attributes that actions change: of these, what Neutron shows is kept anew each time.
    const MOVED: &'static [&'static str] = &[];
    /// What the objects are parts of, if they are. Parts have neither a description nor a revision.
    const WITHIN: Option<Within> = None;
    /// Whether there are `update` and `replace`.
    const UPDATABLE: bool = true;
    /// What happens when the same creation is sent twice.
    const CREATION: Creation = Creation::Duplicating;

    /// What an attribute that is null, or that a `replace` leaves out, is set to. Attributes that are not here keep
    /// their value instead, because Neutron made it up, or because only administrators may set them: to reset them
    /// would be refused to everybody else. The description has its default elsewhere.
    fn defaults() -> Value;

    /// Actions on an object.
    fn actions() -> Vec<ActionBuilder> {
        Vec::new()
    }

    /// What Neutron is sent for an action.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] for an action that there is not, [`Fault::Invalid`] for a spec that is none.
    fn act(_action: &str, call: &Call) -> Result<Value, Fault> {
        Err(call.unsupported())
    }
}

/// A [`Resource`] as a value, so that the code that handles objects exists once and not for each kind.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub path: &'static str,
    pub member: &'static str,
    pub fixed: &'static [&'static str],
    pub moved: &'static [&'static str],
    pub within: Option<Within>,
    pub updatable: bool,
    pub defaults: fn() -> Value,
    pub act: fn(&str, &Call) -> Result<Value, Fault>,
    /// Checks the shape of a spec or a patch.
    pub check: fn(&Call) -> Result<(), Fault>,
    pub describe: fn() -> KindBuilder,
}

impl Kind {
    pub const fn of<R: Resource>() -> Self {
        Self {
            name: R::NAME,
            path: R::PATH,
            member: R::MEMBER,
            fixed: R::FIXED,
            moved: R::MOVED,
            within: R::WITHIN,
            updatable: R::UPDATABLE,
            defaults: R::defaults,
            act: R::act,
            check: |call| call.spec::<R>().map(drop),
            describe: describe::<R>,
        }
    }

    /// The member that holds a page of objects.
    pub fn plural(&self) -> String {
        plural(self.path)
    }
}

/// The member that holds a page of the collection at this path.
pub fn plural(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().replace('-', "_")
}

fn describe<R: Resource>() -> KindBuilder {
    let mut kind = kind(R::NAME, R::SUMMARY)
        .spec::<R>()
        .result::<Shown<R>>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete, Verb::List])
        .reissuable([Verb::Delete])
        .creation(R::CREATION);
    if R::WITHIN.is_none() {
        kind = kind.verbs([Verb::Find]).marker().conditional();
    }
    if R::UPDATABLE {
        // Both say what the object shall be, not how to change it.
        let verbs = [Verb::Replace, Verb::Update];
        kind = kind.patch::<Patch<R>>().verbs(verbs.clone()).reissuable(verbs);
    }
    R::actions().into_iter().fold(kind, KindBuilder::action)
}

/// The schema of a patch: that of the spec without what is fixed.
struct Patch<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Patch<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}-patch", R::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        patch(R::json_schema(generator), &Self::schema_name(), R::FIXED)
    }
}

fn patch(mut schema: Schema, title: &str, fixed: &[&str]) -> Schema {
    schema.remove("required");
    schema.insert("title".to_owned(), title.into());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| !fixed.contains(&name.as_str()));
    }
    schema
}

/// The schema of an object as Neutron shows it: what the spec has, what Neutron adds, and whatever its extensions add.
pub struct Shown<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Shown<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}-result", R::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        shown(&R::json_schema(generator), &Self::schema_name(), R::SUMMARY, R::WITHIN.is_some())
    }
}

fn shown(spec: &Schema, title: &str, summary: &str, part: bool) -> Schema {
    let mut properties = Object::new();
    if let Some(Value::Object(known)) = spec.get("properties") {
        // Neutron's own values need not keep to the limits of a spec, so only the descriptions are taken over.
        let described = |about: &Value| about.get("description").map(|text| json!({"description": text}));
        properties.extend(known.iter().filter_map(|(name, about)| Some((name.clone(), described(about)?))));
    }
    let standard = [
        ("id", "string", "Neutron's id of the object."),
        ("revision_number", "integer", "Grows with each change."),
        ("created_at", "string", "When it was made, in UTC."),
        ("updated_at", "string", "When it was last changed, in UTC."),
        ("project_id", "string", "The project that owns it."),
    ];
    for (name, kind, description) in standard.into_iter().take(if part { 1 } else { standard.len() }) {
        properties.insert(name.to_owned(), json!({"type": kind, "description": description}));
    }
    let mut schema = Schema::default();
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), format!("{summary}, as Neutron shows it.").into());
    schema.insert("type".to_owned(), "object".into());
    schema.insert("required".to_owned(), json!(["id"]));
    schema.insert("properties".to_owned(), properties.into());
    schema
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use crate::{Neutron, kinds};
    use crosspoint_sdk::prelude::*;

    fn properties(schema: &Json) -> Vec<String> {
        schema.value()["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn every_fixed_or_defaulted_attribute_is_one_of_the_specs() {
        for kind in kinds::ALL {
            assert!(kind.moved.iter().all(|name| kind.fixed.contains(name)), "{}", kind.name);
            assert!(kind.within.is_none_or(|within| kind.fixed.contains(&within.attribute)), "{}", kind.name);
            let described = Neutron::describe();
            let spec = properties(&described.kind(kind.name).unwrap().spec_schema);
            let defaults = (kind.defaults)();
            for name in kind.fixed.iter().copied().chain(defaults.as_object().unwrap().keys().map(String::as_str)) {
                assert!(spec.iter().any(|known| known == name), "{}: {name}", kind.name);
            }
        }
    }

    #[test]
    fn a_patch_schema_has_the_attributes_of_the_spec_that_are_not_fixed_and_requires_none() {
        for kind in kinds::ALL.iter().filter(|kind| kind.updatable) {
            let described = Neutron::describe();
            let described = described.kind(kind.name).unwrap();
            let patch = described.patch_schema.as_ref().unwrap();
            let mut spec = properties(&described.spec_schema);
            spec.retain(|name| !kind.fixed.contains(&name.as_str()));
            assert_eq!(properties(patch), spec, "{}", kind.name);
            assert_eq!(patch.value().get("required"), None, "{}", kind.name);
        }
    }

    #[test]
    fn a_spec_schema_refuses_what_it_does_not_know_and_requires_nothing_that_has_a_default() {
        for kind in kinds::ALL {
            let described = Neutron::describe();
            let spec = described.kind(kind.name).unwrap().spec_schema.value();
            assert_eq!(spec["additionalProperties"], false, "{}", kind.name);
            for name in spec["required"].as_array().into_iter().flatten() {
                assert_eq!((kind.defaults)().get(name.as_str().unwrap()), None, "{}: {name}", kind.name);
            }
        }
    }
}
