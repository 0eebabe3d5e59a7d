use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most bytes that padding makes: a fixture is a text of a few lines, and shall not stand for gigabytes.
const PADDED: usize = 64 * 1024;

/// A body or a header value: bytes, which need not be text.
///
/// The JSON form is the simplest that fits: a string for UTF-8, `{"hex": "00ff"}` for the rest. In fixtures
/// `{"json": …}` may be written too, and stands for that JSON text; and `{"padded": [BYTES, 4096]}`, which stands for
/// those bytes and as many zeros as make 4096 of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Json(serde_json::Value),
    Hex(String),
    Padded(Bytes, u32),
    #[serde(untagged)]
    Text(String),
}

impl Bytes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same bytes, or the same JSON value written in another way.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let json = |bytes: &Self| serde_json::from_slice::<serde_json::Value>(&bytes.0).ok();
        matches!((json(self), json(other)), (Some(a), Some(b)) if a == b)
    }
}

impl<T: Into<Vec<u8>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) => write!(f, "{text:?}"),
            Err(_) => write!(f, "{} bytes", self.0.len()),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => text.serialize(serializer),
            Err(_) => {
                let hex = self.0.iter().fold(String::with_capacity(self.0.len() * 2), |mut hex, byte| {
                    hex.extend([byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
                    hex
                });
                Written::Hex(hex).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Text(text) => text.into_bytes(),
            Written::Json(value) => value.to_string().into_bytes(),
            Written::Padded(Self(mut bytes), size) => {
                let size = usize::try_from(size).ok().filter(|size| (bytes.len()..=PADDED).contains(size));
                let size = size.ok_or_else(|| D::Error::custom("what is padded is longer, or longer than 64 KiB"))?;
                bytes.resize(size, 0);
                bytes
            }
            Written::Hex(hex) => {
                let nibbles: Vec<u32> = hex
                    .chars()
                    .map(|c| c.to_digit(16))
                    .collect::<Option<_>>()
                    .ok_or_else(|| D::Error::custom("hex holds a character that is no hexadecimal digit"))?;
                let (pairs, rest) = nibbles.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(D::Error::custom("hex has an odd number of digits"));
                }
                pairs.iter().map(|[high, low]| u8::try_from(high * 16 + low).unwrap_or_default()).collect()
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_padded_has_zeros_after_it_and_an_end() {
        let read = |json: &str| serde_json::from_str::<Bytes>(json);
        assert_eq!(read(r#"{"padded": ["ab", 4]}"#).unwrap().0, b"ab\0\0");
        assert_eq!(read(r#"{"padded": [{"hex": "ff"}, 1]}"#).unwrap().0, [0xff]);
        for wrong in [r#"{"padded": ["ab", 1]}"#, r#"{"padded": ["", 4000000000]}"#, r#"{"padded": [1, 4]}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
