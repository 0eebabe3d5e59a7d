//! Paths from templates, with values that stay inside their segment.

use std::fmt::Write as _;

use crosspoint_contract::Fault;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path and query relative to an endpoint, made with [`path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    text: String,
    has_query: bool,
}

/// Fills `{name}` places of a path template: `path("/v2.0/networks/{id}", &[("id", id)])`.
///
/// Values are percent-encoded, all but unreserved characters, so that a value is one segment or a part of one, and stays
/// so even at a server that decodes before it splits.
///
/// # Errors
/// [`Fault::Invalid`] for a value that is empty, holds a control character, or is or contains a dot segment.
/// [`Fault::Other`] for a template that is not a plain path or whose names and `values` differ: the driver is wrong.
pub fn path(template: &str, values: &[(&str, &str)]) -> Result<Target, Fault> {
    let mut text = String::with_capacity(template.len() + 40);
    let mut used = Vec::with_capacity(values.len());
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        let (name, tail) = tail.split_once('}').ok_or_else(|| wrong(template, "a `{` is not closed"))?;
        let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let value = value.ok_or_else(|| wrong(template, &format!("`{name}` is not given")))?;
        check_value(name, value)?;
        push_literal(&mut text, literal, template)?;
        text.extend(utf8_percent_encode(value, &RESERVED));
        used.push(name);
        rest = tail;
    }
    push_literal(&mut text, rest, template)?;
    if let Some((name, _)) = values.iter().find(|(name, _)| !used.contains(name)) {
        return Err(wrong(template, &format!("`{name}` has no place in it")));
    }
    if !text.starts_with('/') || text.starts_with("//") {
        return Err(wrong(template, "it does not start with a single `/`"));
    }
    // Literal and value together can make a dot segment that neither is: `/a/.{x}` with `.`.
    if text.split('/').any(is_dots) {
        return Err(Fault::invalid("", format!("the path `{text}` would hold a dot segment")));
    }
    Ok(Target { text, has_query: false })
}

impl Target {
    /// Adds a query parameter; name and value are percent-encoded.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "numbers and borrowed strings are passed alike")]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        let separator = if self.has_query { '&' } else { '?' };
        self.has_query = true;
        let value = value.to_string();
        // Writing to a `String` cannot fail.
        let _ = write!(
            self.text,
            "{separator}{}={}",
            utf8_percent_encode(name, &RESERVED),
            utf8_percent_encode(&value, &RESERVED)
        );
        self
    }

    /// Adds a query parameter where there is a value.
    #[must_use]
    pub fn query_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// The text, as it goes into the exchange.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Names and values of a form or a query. A space is `%20`, which every reader of forms knows beside `+`.
pub(crate) fn encode_form(fields: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, &RESERVED);
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    fields.join("&")
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.text
    }
}

fn check_value(name: &str, value: &str) -> Result<(), Fault> {
    let why = if value.is_empty() {
        "is empty"
    } else if value.chars().any(char::is_control) {
        "holds a control character"
    } else if value.split(['/', '\\']).any(is_dots) {
        "holds a dot segment"
    } else {
        return Ok(());
    };
    Err(Fault::invalid("", format!("`{name}` {why}, which no path can carry")))
}

/// Literals are plain path characters; `%`, `?`, `#`, `\` and braces have no business there.
fn push_literal(text: &mut String, literal: &str, template: &str) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    if !literal.bytes().all(plain) {
        return Err(wrong(template, "it holds more than path characters"));
    }
    text.push_str(literal);
    Ok(())
}

fn is_dots(segment: &str) -> bool {
    segment == "." || segment == ".."
}

fn wrong(template: &str, why: &str) -> Fault {
    Fault::Other(format!("the driver's path template `{template}` is wrong: {why}"))
}
