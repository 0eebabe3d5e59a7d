use std::borrow::Cow;

use crosspoint_contract::Fault;
use quick_xml::escape::escape;

/// An element with its attributes, its text and its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub(super) name: Cow<'static, str>,
    pub(super) attributes: Vec<(Cow<'static, str>, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

/// Writing. Names are the driver's own and never data, which could make other markup of them.
impl Element {
    /// An element with nothing in it.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), ..Self::default() }
    }

    /// With this attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// With this text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// With this child, after those that it has.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With these children, after those that it has; `None` has none.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The element as XML, on one line and without a declaration: text first, then the children.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where a text or an attribute holds a character that XML 1.0 cannot carry, escaped or not: most
    /// control characters (its section 2.2).
    pub fn to_xml(&self) -> Result<String, Fault> {
        let mut xml = String::new();
        self.write(&mut xml)?;
        Ok(xml)
    }

    fn write(&self, xml: &mut String) -> Result<(), Fault> {
        xml.push('<');
        xml.push_str(&self.name);
        for (name, value) in &self.attributes {
            xml.push(' ');
            xml.push_str(name);
            xml.push_str("=\"");
            // A reader makes spaces of these, unless they are written as references.
            xml.push_str(&carried(value)?.replace('\n', "&#10;").replace('\t', "&#9;"));
            xml.push('"');
        }
        if self.text.is_empty() && self.children.is_empty() {
            xml.push_str("/>");
            return Ok(());
        }
        xml.push('>');
        xml.push_str(&carried(&self.text)?);
        for child in &self.children {
            child.write(xml)?;
        }
        xml.push_str("</");
        xml.push_str(&self.name);
        xml.push('>');
        Ok(())
    }
}

/// Reading. A name that is looked for is compared with the local name, so a namespace's prefix does not matter.
impl Element {
    /// The name, as it was written: with the prefix if it has one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name without a prefix.
    #[must_use]
    pub fn local_name(&self) -> &str {
        local(&self.name)
    }

    /// The value of an attribute, by its whole name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All the text that stands in the element itself, without the white space around it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The children.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// The children of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.local_name() == name)
    }

    /// The first child of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.local_name() == name)
    }

    /// The first descendant on this way of names, `result/job/id`. The element itself is not part of the way.
    #[must_use]
    pub fn at(&self, way: &str) -> Option<&Self> {
        way.split('/').try_fold(self, |element, name| element.child(name))
    }

    /// The text of the first descendant on this way of names, if there is one and it has any.
    #[must_use]
    pub fn text_at(&self, way: &str) -> Option<&str> {
        self.at(way).map(Self::text).filter(|text| !text.is_empty())
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn carried(text: &str) -> Result<Cow<'_, str>, Fault> {
    match text.chars().find(|character| !is_xml(*character)) {
        Some(character) => Err(Fault::invalid("", format!("no XML can carry the character {character:?}"))),
        None => Ok(escape(text)),
    }
}

/// Whether a character may stand in a document (XML 1.0, section 2.2).
pub(super) fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
