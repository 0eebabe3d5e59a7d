//! The marker in a text field.
//!
//! Where a backend has no field of its own for it, a CMP object's marker goes to the end of a description or comment, as
//! ` [marker]`, and people's text stays in front of it.

use crosspoint_contract::{Fault, Violation};

/// Longest marker, in characters; the contract promises it.
pub const LONGEST: usize = 32;

/// How many characters of text fit in a field of `limit` characters beside a marker.
#[must_use]
pub const fn room(limit: usize) -> usize {
    limit.saturating_sub(LONGEST + 3)
}

/// `text` with the marker at its end. A text that already ends with this marker is not marked twice.
#[must_use]
pub fn put(text: &str, marker: &str) -> String {
    match strip(text, marker) {
        "" => format!("[{marker}]"),
        text => format!("{text} [{marker}]"),
    }
}

/// [`put`], for a field that holds at most `limit` characters.
///
/// # Errors
/// [`Fault::Invalid`] at `pointer` where the text is too long.
pub fn fit(text: &str, marker: &str, limit: usize, pointer: &str) -> Result<String, Fault> {
    let whole = put(text, marker);
    if whole.chars().count() <= limit {
        return Ok(whole);
    }
    Err(Fault::Invalid(vec![Violation {
        pointer: pointer.to_owned(),
        message: format!("at most {} characters fit beside the marker", room(limit)),
    }]))
}

/// People's text and the marker, if there is one.
#[must_use]
pub fn split(text: &str) -> (&str, Option<&str>) {
    let Some((before, marker)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) else {
        return (text, None);
    };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if marker.is_empty() || marker.len() > LONGEST || !marker.bytes().all(allowed) {
        return (text, None);
    }
    match before.strip_suffix(' ') {
        Some(before) => (before, Some(marker)),
        None if before.is_empty() => ("", Some(marker)),
        None => (text, None),
    }
}

/// People's text without this one marker; a text that ends with anything else in brackets stays whole.
#[must_use]
pub fn strip<'a>(text: &'a str, marker: &str) -> &'a str {
    match split(text) {
        (before, Some(found)) if found == marker => before,
        _ => text,
    }
}
