//! Which request a reply answers.

use std::fmt;

use crosspoint_contract::Correlation;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::integer;

/// What a request and its reply have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// There is one request at a time, and what comes answers it.
    Only,
    /// The number that both carry.
    Number(u64),
    /// The text that both carry.
    Text(Box<str>),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only => f.write_str("none"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_debug()),
        }
    }
}

/// Where messages carry their key.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Nowhere: replies come in the order of the requests, one at a time.
    Nowhere,
    /// In so many bytes from here on.
    Field { offset: usize, width: usize, big_endian: bool },
    /// At a JSON Pointer (RFC 6901), given as its decoded tokens; a number or a string.
    Pointer(Vec<String>),
}

impl Place {
    /// The place that a driver describes.
    ///
    /// # Errors
    /// Why there is no such place.
    pub(super) fn new(correlation: &Correlation) -> Result<Self, String> {
        match correlation {
            Correlation::InOrder | Correlation::SingleUse => Ok(Self::Nowhere),
            Correlation::Field(field) => {
                let width = usize::from(field.width);
                match usize::try_from(field.offset) {
                    Ok(offset) if matches!(width, 1 | 2 | 4 | 8) => {
                        Ok(Self::Field { offset, width, big_endian: field.big_endian })
                    }
                    _ => Err(format!("has a correlation field of {width} bytes at {}", field.offset)),
                }
            }
            Correlation::JsonPointer(pointer) => {
                let mut tokens = pointer.split('/');
                let tokens = (tokens.next() == Some("")).then(|| tokens.map(unescape).collect::<Vec<_>>());
                let tokens = tokens.filter(|tokens| !tokens.is_empty());
                tokens.map(Self::Pointer).ok_or_else(|| format!("has `{pointer:.64}`, which is no JSON Pointer"))
            }
        }
    }

    /// The key of a message; none where it carries none.
    pub(super) fn key(&self, message: &[u8]) -> Option<Key> {
        match self {
            Self::Nowhere => Some(Key::Only),
            Self::Field { offset, width, big_endian } => {
                integer::read(message, *offset, *width, *big_endian).map(Key::Number)
            }
            Self::Pointer(tokens) => {
                let mut json = serde_json::Deserializer::from_slice(message);
                let key = Follow(tokens).deserialize(&mut json).ok()?;
                json.end().ok()?;
                key
            }
        }
    }

    /// The key of a message of which so much has come; none where that cannot be told yet.
    pub(super) fn key_of_part(&self, part: &[u8]) -> Option<Key> {
        match self {
            Self::Nowhere if part.is_empty() => None,
            Self::Pointer(_) => None,
            Self::Nowhere | Self::Field { .. } => self.key(part),
        }
    }

    /// How many bytes a message has at least.
    pub(super) fn extent(&self) -> usize {
        match self {
            Self::Field { offset, width, .. } => offset.saturating_add(*width),
            Self::Nowhere | Self::Pointer(_) => 0,
        }
    }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Follows a pointer through a message without keeping the rest of it. A member that stands there twice leads nowhere:
/// the two sides might not mean the same one.
#[derive(Clone, Copy)]
struct Follow<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Follow<'_> {
    type Value = Option<Key>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Follow<'_> {
    type Value = Option<Key>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message with a correlation member")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then_some(Key::Number(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| Key::Text(text.into())))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut seen) = (None, false);
        while let Some(name) = map.next_key::<String>()? {
            match self.0.split_first() {
                Some((token, rest)) if *token == name => {
                    if std::mem::replace(&mut seen, true) {
                        return Err(A::Error::custom("a member stands there twice"));
                    }
                    found = map.next_value_seed(Follow(rest))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let wanted = self.0.split_first().and_then(|(token, rest)| Some((token.parse::<usize>().ok()?, rest)));
        let mut found = None;
        for place in 0_usize.. {
            let more = match wanted {
                Some((index, rest)) if index == place => {
                    seq.next_element_seed(Follow(rest))?.map(|key| found = key).is_some()
                }
                _ => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crosspoint_contract::CorrelationField;

    use super::*;

    fn at(pointer: &str, message: &str) -> Option<Key> {
        Place::new(&Correlation::JsonPointer(pointer.to_owned())).unwrap().key(message.as_bytes())
    }

    #[test]
    fn a_pointer_leads_to_a_number_or_a_text() {
        assert_eq!(at("/id", r#"{"method":{"id":1},"id":7,"params":[[{}]]}"#), Some(Key::Number(7)));
        assert_eq!(at("/id", r#"{"id":"a\n7"}"#), Some(Key::Text("a\n7".into())));
        assert_eq!(at("/a~1b/1/~0", r#"{"a/b":[{},{"~":18446744073709551615}]}"#), Some(Key::Number(u64::MAX)));
        assert_eq!(at("/", r#"{"":3}"#), Some(Key::Number(3)));
    }

    #[test]
    fn where_a_pointer_leads_to_nothing_fit_there_is_no_key() {
        for message in [
            "{}",
            "[]",
            "7",
            "null",
            "\"id\"",
            "",
            "{\"id\":1",
            "{\"id\":1}x",
            "{\"id\":null}",
            "{\"id\":-1}",
            "{\"id\":1.0}",
            "{\"id\":true}",
            "{\"id\":{\"id\":1}}",
            "{\"id\":[1]}",
            "{\"id\":1,\"id\":1}",
        ] {
            assert_eq!(at("/id", message), None, "{message}");
        }
        assert!(Place::new(&Correlation::JsonPointer("id".to_owned())).is_err());
        assert!(Place::new(&Correlation::JsonPointer(String::new())).is_err());
    }

    #[test]
    fn a_field_is_read_from_the_part_that_holds_it() {
        let place =
            Place::new(&Correlation::Field(CorrelationField { offset: 1, width: 2, big_endian: true })).unwrap();
        assert_eq!(place.key_of_part(&[9, 1]), None);
        assert_eq!(place.key_of_part(&[9, 1, 2]), Some(Key::Number(0x0102)));
        assert_eq!(place.extent(), 3);
    }
}
