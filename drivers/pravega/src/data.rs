use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crosspoint_sdk::prelude::*;

/// Bytes: a text where they are one, else `{"base64": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Data {
    /// A text, as UTF-8.
    Text(String),
    /// Any bytes.
    Binary(Binary),
}

/// Any bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// The bytes in base64 (RFC 4648, section 4), padded.
    pub base64: String,
}

impl Data {
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary(Binary { base64: STANDARD.encode(bytes) }),
        }
    }

    pub fn bytes(&self, pointer: &str) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Text(text) => Ok(text.as_bytes().to_vec()),
            Self::Binary(Binary { base64 }) => STANDARD
                .decode(base64)
                .map_err(|error| Fault::invalid(format!("{pointer}/base64"), format!("this is no base64: {error}"))),
        }
    }
}

/// Bytes as a part of an id.
pub fn packed(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes in a part of an id.
pub fn unpacked(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
