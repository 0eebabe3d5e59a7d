use std::borrow::Cow;

use crosspoint_contract::Fault;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Element;
use super::element::is_xml;

/// How deep elements may be nested. A driver's stack is small, and its code follows the tree.
pub const DEPTH: usize = 64;

/// How many elements a document may hold: some 150 bytes each, so that a tree fits well in a driver's memory.
pub const ELEMENTS: usize = 200_000;

/// How many attributes an element may have.
pub const ATTRIBUTES: usize = 64;

/// Reads a document.
///
/// # Errors
/// [`Fault::MalformedReply`] where it is not UTF-8, not well-formed, or beyond the limits; where it has a document type,
/// or an entity that XML does not have.
pub fn parse(bytes: &[u8]) -> Result<Element, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&format!("it is not UTF-8: {error}")))?;
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    loop {
        let event = reader.read_event().map_err(|error| malformed(&error.to_string()))?;
        match event {
            Event::Start(start) => tree.open(element(&start)?)?,
            Event::Empty(start) => {
                tree.open(element(&start)?)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.text(&character(&reference)?)?,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err(malformed("it has a document type")),
            Event::Eof => return tree.done(),
        }
    }
}

/// The part of the document that has been read.
#[derive(Default)]
struct Tree {
    root: Option<Element>,
    /// The elements that are open, from the root on.
    open: Vec<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), Fault> {
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err(malformed(&format!("it has more than {ELEMENTS} elements")));
        }
        if self.open.len() >= DEPTH {
            return Err(malformed(&format!("it is more than {DEPTH} levels deep")));
        }
        if self.root.is_some() {
            return Err(malformed("it goes on after its end"));
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let element = self.open.pop().ok_or_else(|| malformed("an element ends that has not begun"))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if !text.chars().all(is_xml) {
            return Err(malformed("it holds a control character"));
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().trim_start_matches('\u{feff}').is_empty() => {}
            None => return Err(malformed("there is text outside of it")),
        }
        Ok(())
    }

    fn done(self) -> Result<Element, Fault> {
        match (self.root, self.open.last()) {
            (_, Some(open)) => Err(malformed(&format!("it ends within `{}`", open.name()))),
            (None, None) => Err(malformed("it is empty")),
            (Some(root), None) => Ok(root),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Fault> {
    let mut element = Element { name: name(start.name().0)?, ..Element::default() };
    // To look for doubles takes a time that grows with the square of their number.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| malformed(&error.to_string()))?;
        if element.attributes.len() >= ATTRIBUTES {
            return Err(malformed(&format!("an element has more than {ATTRIBUTES} attributes")));
        }
        let value =
            attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| malformed(&error.to_string()))?;
        if !value.chars().all(is_xml) {
            return Err(malformed("it holds a control character"));
        }
        element.attributes.push((name(attribute.key.0)?, value.into_owned()));
    }
    Ok(element)
}

/// A name that is one; those beyond ASCII are not looked at more closely (XML 1.0, section 2.3).
fn name(text: &str) -> Result<Cow<'static, str>, Fault> {
    let begins = |character: char| character.is_ascii_alphabetic() || "_:".contains(character) || !character.is_ascii();
    let goes_on = |character: char| begins(character) || character.is_ascii_digit() || "-.".contains(character);
    if text.starts_with(begins) && text.chars().all(goes_on) {
        return Ok(Cow::Owned(text.to_owned()));
    }
    Err(malformed(&format!("`{}` is no name", shortened(text))))
}

/// The character that a reference stands for: one of the five entities, or a number.
fn character(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Fault> {
    let number = reference.resolve_char_ref().map_err(|error| malformed(&error.to_string()))?;
    if let Some(character) = number {
        return Ok(Cow::Owned(character.to_string()));
    }
    quick_xml::escape::resolve_predefined_entity(reference)
        .map(Cow::Borrowed)
        .ok_or_else(|| malformed(&format!("it names the entity `{}`", shortened(reference))))
}

fn shortened(text: &str) -> String {
    text.chars().take(32).collect()
}

fn malformed(why: &str) -> Fault {
    Fault::MalformedReply(format!("the reply is no XML that can be used: {why}"))
}
