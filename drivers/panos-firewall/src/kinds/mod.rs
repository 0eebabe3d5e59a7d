//! The kinds, each with its spec, and what makes it different.

mod address;
mod rule;
mod service;
mod tag;

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::configuration::Container;

/// A type for the spec, which is the result's too, and how it is written and read.
trait Resource: Serialize + DeserializeOwned + JsonSchema {
    const NAME: &'static str;
    const SUMMARY: &'static str;
    const CONTAINER: Container;
    /// The element with people's words, and the spec's member for them.
    const NOTE: &'static str = "description";
    /// Whether the place among the others means something.
    const ORDERED: bool = false;
    /// Elements that the firewall's messages name, and the spec's members for them.
    const FIELDS: &'static [(&'static str, &'static str)];

    fn name(&self) -> &str;

    fn note(&self) -> &str;

    /// All in an entry but the note.
    fn write(&self) -> Vec<Element>;

    /// What an entry shows; settings that the spec does not have are left out.
    fn read(name: &str, note: &str, entry: &Element) -> Result<Self, Fault>;
}

/// An entry in parts: the name, the note, and all the rest.
type Written = (String, String, Vec<Element>);

/// A [`Resource`] as a value, so that the code that handles objects exists once and not for each kind.
pub struct Kind {
    pub name: &'static str,
    pub summary: &'static str,
    pub container: Container,
    pub note: &'static str,
    pub ordered: bool,
    pub fields: &'static [(&'static str, &'static str)],
    pub schemas: fn(KindBuilder) -> KindBuilder,
    pub write: fn(&Call) -> Result<Written, Fault>,
    /// The spec with its defaults, which is what the object then is.
    pub normal: fn(&Call) -> Result<Value, Fault>,
    pub read: fn(&str, &str, &Element) -> Result<Value, Fault>,
}

impl Kind {
    const fn of<R: Resource>() -> Self {
        Self {
            name: R::NAME,
            summary: R::SUMMARY,
            container: R::CONTAINER,
            note: R::NOTE,
            ordered: R::ORDERED,
            fields: R::FIELDS,
            schemas: |kind| kind.spec::<R>().result::<R>(),
            write: |call| {
                let spec: R = call.spec()?;
                Ok((spec.name().to_owned(), spec.note().to_owned(), spec.write()))
            },
            normal: |call| json(&call.spec::<R>()?),
            read: |name, note, entry| json(&R::read(name, note, entry)?),
        }
    }
}

/// All kinds of entries.
pub const ALL: [Kind; 4] =
    [Kind::of::<address::Address>(), Kind::of::<service::Service>(), Kind::of::<rule::Rule>(), Kind::of::<tag::Tag>()];

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    static KINDS: [Kind; 4] = ALL;
    KINDS.iter().find(|kind| kind.name == name)
}

fn json<T: Serialize>(value: &T) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::Other(format!("an object cannot be written as JSON: {error}")))
}

/// `<name>text</name>`.
fn leaf(name: &'static str, text: impl Into<String>) -> Element {
    Element::new(name).with_text(text)
}

/// `<name><member>…</member></name>`.
fn members(name: &'static str, members: &[String]) -> Element {
    Element::new(name).with_all(members.iter().map(|member| leaf("member", member)))
}

/// The members of a list in an entry.
fn listed(entry: &Element, name: &str) -> Vec<String> {
    let list = entry.child(name).map(Element::children).unwrap_or_default();
    list.iter().map(|member| member.text().to_owned()).collect()
}

/// The tags of an entry, if there are any: an empty list would be no valid configuration.
fn tags(tags: &[String]) -> Option<Element> {
    (!tags.is_empty()).then(|| members("tag", tags))
}
