use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Generate as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{Role, Tenant};

/// What every token starts with, so that a leaked one is found by those who scan for leaks.
const PREFIX: &str = "xp_";

/// Random bytes in a token: too many to guess, so a plain hash is enough to keep it by.
const RANDOM_BYTES: usize = 32;

/// A bearer token: `xp_` and 43 characters of base64url. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

impl Token {
    /// A new token from the system's random source.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> std::io::Result<Self> {
        let bytes = <[u8; RANDOM_BYTES]>::try_generate().map_err(std::io::Error::other)?;
        Ok(Self(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()))
    }

    /// What the configuration keeps of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.expose_secret().as_bytes())
    }

    /// The token itself, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The SHA-256 of a token, compared in constant time. In text: 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of what a caller presented, whatever it is.
    #[must_use]
    pub fn of(presented: &[u8]) -> Self {
        Self(Sha256::digest(presented).into())
    }
}

impl ConstantTimeEq for TokenDigest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for TokenDigest {}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TokenDigest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with(PREFIX) {
            return Err(
                "this is a token, not its SHA-256: withdraw it, and paste the stanza that `crosspoint token new` prints"
                    .to_owned(),
            );
        }
        let invalid = || "not 64 hexadecimal digits: paste the `sha256` that `crosspoint token new` prints".to_owned();
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for TokenDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One configured token: who bears it and what it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// Who bears it, as operations and the log name the caller.
    pub name: String,
    /// The SHA-256 of the token.
    pub sha256: TokenDigest,
    /// What its bearer may do.
    pub role: Role,
    /// The one tenant that it acts for. Required for a `caller`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// The only backends that it may touch; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backends: Option<BTreeSet<String>>,
    /// The only kinds that it may touch; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeSet<String>>,
    /// The instant from which it is refused; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Expiry>,
}

/// An instant in UTC, written `2027-01-31T00:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry(SystemTime);

impl Expiry {
    /// Whether `now` is at or after it.
    #[must_use]
    pub fn has_passed(self, now: SystemTime) -> bool {
        now >= self.0
    }
}

impl From<SystemTime> for Expiry {
    fn from(time: SystemTime) -> Self {
        Self(time)
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(self.0).fmt(f)
    }
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_rfc3339(text)
            .map(Self)
            .map_err(|_| format!("`{text}` is not a time in UTC such as 2027-01-31T00:00:00Z"))
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// TOML has dates of its own; a string is taken as well.
impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a time in UTC such as 2027-01-31T00:00:00Z")]
        enum Written {
            Text(String),
            Date(toml::value::Datetime),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Date(date) => date.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_token_is_prefixed_random_and_as_long_as_promised() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert!(one.expose().starts_with("xp_"));
        assert_eq!(one.expose().len(), 3 + 43);
        assert_ne!(one.expose(), other.expose());
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let token = Token::generate().unwrap();
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn a_digest_survives_its_textual_form() {
        let digest = Token::generate().unwrap().digest();
        assert_eq!(digest.to_string().parse::<TokenDigest>().unwrap(), digest);
        assert_eq!(digest.to_string().to_uppercase().parse::<TokenDigest>().unwrap(), digest);
    }

    #[test]
    fn what_is_no_digest_is_refused_with_what_to_write() {
        for text in ["", "abc", &"g".repeat(64), &"é".repeat(32), &"+f".repeat(32)] {
            assert!(text.parse::<TokenDigest>().unwrap_err().contains("token new"), "{text}");
        }
    }

    #[test]
    fn a_token_pasted_where_its_digest_belongs_is_recognised_and_not_repeated() {
        let token = Token::generate().unwrap();
        let error = token.expose().parse::<TokenDigest>().unwrap_err();
        assert!(error.contains("withdraw") && !error.contains(token.expose()));
    }

    #[test]
    fn an_expiry_is_read_as_a_toml_date_and_as_text_alike() {
        #[derive(Deserialize)]
        struct Holder {
            at: Expiry,
        }
        let date: Holder = toml::from_str("at = 2027-01-31T00:00:00Z").unwrap();
        let text: Holder = toml::from_str("at = '2027-01-31T00:00:00Z'").unwrap();
        assert_eq!(date.at, text.at);
        assert_eq!(date.at.to_string(), "2027-01-31T00:00:00Z");
        assert!(toml::from_str::<Holder>("at = 2027-01-31").is_err());
    }

    #[test]
    fn an_expiry_has_passed_from_its_very_instant_on() {
        let now = SystemTime::now();
        assert!(Expiry::from(now).has_passed(now));
        assert!(!Expiry::from(now + std::time::Duration::from_secs(1)).has_passed(now));
    }
}
