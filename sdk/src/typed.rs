//! JSON into types, with the place of what is wrong as a JSON Pointer.

use crosspoint_contract::{Json, Violation};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// Reads `json` as `T`.
///
/// # Errors
/// The one place where it does not fit, as a JSON Pointer, and why.
pub fn read<T: DeserializeOwned>(json: &Json) -> Result<T, Violation> {
    // Nearly everything fits, and to keep track of the place costs as much again.
    serde_json::from_str(json.as_str()).or_else(|_| read_closely(json))
}

fn read_closely<T: DeserializeOwned>(json: &Json) -> Result<T, Violation> {
    let mut deserializer = serde_json::Deserializer::from_str(json.as_str());
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| Violation {
        pointer: existing(json, pointer(error.path())),
        message: message(error.inner()),
    })?;
    deserializer.end().map_err(|error| Violation { pointer: String::new(), message: message(&error) })?;
    Ok(value)
}

/// The JSON Pointer (RFC 6901) of a path; empty for the whole document. It stops where the path can no longer be told, which is inside an untagged enum for instance.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let key = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key: name } | Segment::Enum { variant: name } => name.replace('~', "~0").replace('/', "~1"),
            Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&key);
    }
    pointer
}

/// The longest part of `pointer` that names a place in the document: a variant that is named by a bare string, not by an
/// object's key, adds a step that the document does not have.
fn existing(json: &Json, mut pointer: String) -> String {
    let document = json.value();
    while document.pointer(&pointer).is_none() {
        pointer.truncate(pointer.rfind('/').unwrap_or(0));
    }
    pointer
}

/// What `serde_json` says, without "at line 1 column 17": the CMP did not write these lines.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn violation<T: DeserializeOwned + std::fmt::Debug>(json: serde_json::Value) -> Violation {
        read::<T>(&json.into()).unwrap_err()
    }

    #[test]
    fn a_wrong_value_is_named_by_its_pointer() {
        #[derive(Debug, serde::Deserialize)]
        #[allow(dead_code, reason = "only its shape matters")]
        struct Rule {
            ports: Vec<u16>,
        }
        let wrong = violation::<Rule>(serde_json::json!({"ports": [80, "https"]}));
        assert_eq!(wrong.pointer, "/ports/1");
        assert!(!wrong.message.contains("line"), "{}", wrong.message);
        assert_eq!(violation::<Rule>(serde_json::json!({})).pointer, "");
    }

    #[test]
    fn slashes_and_tildes_in_names_are_escaped() {
        let wrong = violation::<BTreeMap<String, u8>>(serde_json::json!({"a/b~c": "x"}));
        assert_eq!(wrong.pointer, "/a~1b~0c");
    }

    #[test]
    fn an_enum_adds_nothing_that_is_not_in_the_document() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[allow(dead_code, reason = "only its shape matters")]
        enum Match {
            Port(u16),
        }
        let wrong = violation::<BTreeMap<String, Match>>(serde_json::json!({"dst": {"port": "x"}}));
        assert_eq!(wrong.pointer, "/dst/port");
        for strange in ["proto", "port"] {
            let wrong = violation::<BTreeMap<String, Match>>(serde_json::json!({"dst": strange}));
            assert_eq!(wrong.pointer, "/dst");
        }
    }
}
