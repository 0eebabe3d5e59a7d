use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use super::{Resource, leaf};
use crate::configuration::Container;

/// A tag, which other objects then carry.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Unique among the tags.
    #[schemars(length(min = 1, max = 127), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$"))]
    name: String,
    /// `color1` to `color42`; none where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^color([1-9]|[1-3][0-9]|4[0-2])$"))]
    color: Option<String>,
    #[serde(default)]
    #[schemars(length(max = 988))]
    comments: String,
}

impl Resource for Tag {
    const NAME: &'static str = "tag";
    const SUMMARY: &'static str = "A tag that objects and rules can carry";
    const CONTAINER: Container = Container::Objects("tag");
    const NOTE: &'static str = "comments";
    const FIELDS: &'static [(&'static str, &'static str)] = &[("color", "color"), ("comments", "comments")];

    fn name(&self) -> &str {
        &self.name
    }

    fn note(&self) -> &str {
        &self.comments
    }

    fn write(&self) -> Vec<Element> {
        self.color.iter().map(|color| leaf("color", color)).collect()
    }

    fn read(name: &str, note: &str, entry: &Element) -> Result<Self, Fault> {
        let color = entry.text_at("color").map(str::to_owned);
        Ok(Self { name: name.to_owned(), color, comments: note.to_owned() })
    }
}
