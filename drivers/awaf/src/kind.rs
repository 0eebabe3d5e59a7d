//! What a kind has to say of itself, so that the code that handles objects exists once.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target};
use serde_json::{Map, Value};

/// The members of one object.
pub type Object = Map<String, Value>;

/// A kind of object.
pub trait Kind: Sync {
    /// The kind's name.
    fn name(&self) -> &'static str;

    /// The kind's description.
    fn describe(&self) -> KindBuilder;

    /// What can be done with its objects, besides actions and what follows them.
    fn verbs(&self) -> &'static [Verb];

    /// Where its objects are: for `create`, `find` and `list`.
    fn collection(&self, call: &Call) -> Result<Target, Fault>;

    /// Where the object of the call is.
    fn member(&self, call: &Call) -> Result<Target, Fault>;

    /// The body of a creation.
    fn creation(&self, call: &Call) -> Result<Value, Fault>;

    /// The body that gives the object a whole new spec: all that may change, with defaults for what the spec leaves
    /// out.
    fn replacement(&self, call: &Call) -> Result<Value, Fault>;

    /// The body of a change: what the patch names, no more.
    fn patch(&self, call: &Call) -> Result<Value, Fault>;

    /// What the appliance shows.
    fn shown(&self, call: &Call, object: &Object) -> Result<Shown, Fault>;
}

/// An object as a CMP sees it: no links, which name hosts, and no marker.
pub struct Shown {
    /// The object's id.
    pub id: String,
    /// The marker that its description carried.
    pub marker: Option<String>,
    /// The members that a CMP may know.
    pub view: Object,
    /// What was given at creation and stays; kept with the mapping, so that a replacement that would change it is
    /// refused.
    pub fixed: Value,
}

impl Shown {
    /// The object's id and the `members` of it that are there.
    pub fn pick(object: &Object, members: &[&str]) -> Result<Self, Fault> {
        let Some(id) = object.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
            return Err(Fault::MalformedReply("the reply holds an object without an id".to_owned()));
        };
        let member = |name: &&str| object.get(*name).map(|value| ((*name).to_owned(), value.clone()));
        let view = members.iter().filter_map(member).collect();
        Ok(Self { id: id.to_owned(), marker: None, view, fixed: Value::Null })
    }

    /// The same, if it has a name, which every view promises.
    pub fn named(self) -> Result<Self, Fault> {
        if self.view.get("name").is_some_and(Value::is_string) {
            return Ok(self);
        }
        Err(Fault::MalformedReply(format!("the reply holds object `{}` without a name", self.id)))
    }

    /// Takes the marker out of the description: this one, or if there is none whatever looks like one.
    pub fn unmark(mut self, expected: Option<&str>) -> Self {
        if let Some(Value::String(description)) = self.view.get_mut("description") {
            let (text, carried) = marker::split(description);
            if let Some(carried) = carried.filter(|carried| expected.is_none_or(|expected| expected == *carried)) {
                self.marker = Some(carried.to_owned());
                *description = text.to_owned();
            }
        }
        self
    }

    /// Keeps those of `members` that are there. The words of the creation's own spec come first, because the appliance
    /// may write the same in another way, an IPv6 address for instance.
    pub fn keep(mut self, call: &Call, members: &[&str]) -> Self {
        let spec = if matches!(call.verb, Verb::Create | Verb::Find) { call.spec.value() } else { Value::Null };
        let given = |name: &str| spec.get(name).filter(|value| !value.is_null());
        let member = |name: &&str| {
            let value = given(name).or_else(|| self.view.get(*name))?;
            Some(((*name).to_owned(), value.clone()))
        };
        self.fixed = members.iter().filter_map(member).collect::<Object>().into();
        self
    }
}

/// Refuses a whole new spec that would change what is `kept`. `given` is what the spec says of it, `None` where it
/// leaves it out.
pub fn unchanged(kept: &Json, given: &[(&str, Option<&str>)]) -> Result<(), Fault> {
    let kept = kept.value();
    let changed = |(name, given): &(&str, Option<&str>)| {
        let (given, kept) = ((*given)?, kept.get(*name)?.as_str()?);
        (given != kept).then(|| Violation {
            pointer: format!("/{name}"),
            message: format!("it is set at creation only, to `{kept}`"),
        })
    };
    let changed: Vec<_> = given.iter().filter_map(changed).collect();
    if changed.is_empty() { Ok(()) } else { Err(Fault::Invalid(changed)) }
}
