use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries a request's id, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a caller.
const LONGEST: usize = 128;

/// Names one request in the log. A caller may choose it; else it is a version 7 UUID, so ids sort by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id that the caller chose, if it can stand in a log line as it is; else a new one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let chosen = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_plain(id));
        Self(chosen.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as the value of [`REQUEST_ID`].
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn id_for(value: &str) -> String {
        let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(value).unwrap())]);
        RequestId::from_headers(&headers).to_string()
    }

    #[test]
    fn a_callers_own_id_is_kept() {
        assert_eq!(id_for("cmp-7/42"), "cmp-7/42");
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        for hostile in ["", "a b", "a\tb", "a\"b", "\u{e9}", &"a".repeat(129)] {
            assert_ne!(id_for(hostile), hostile);
            assert!(Uuid::parse_str(&id_for(hostile)).is_ok());
        }
    }
}
