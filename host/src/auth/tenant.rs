use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest tenant name in bytes.
const LONGEST: usize = 128;

/// The CMP's customer in whose name a call acts; CMP ids are unique within it.
///
/// 1 to 128 characters of `A-Z a-z 0-9 . _ -`, the first neither dot nor dash, so that it stands in an address and
/// a log line as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Tenant(String);

impl Tenant {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, by value.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tenant {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        let consists_well = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if consists_well && (1..=LONGEST).contains(&text.len()) && !text.starts_with(['.', '-']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TenantError::Invalid)
        }
    }
}

impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a call acts for no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// The token is bound to no tenant, and the call named none. Name one with `?tenant=`.
    #[error("this token is bound to no tenant, so the call must name one: add `?tenant=NAME`")]
    Missing,
    /// The token is bound to another tenant than the call named. Leave `?tenant=` out.
    #[error("this token is bound to a tenant, and the call names another")]
    Other,
    /// No tenant can have this name.
    #[error("a tenant is 1 to 128 characters of A-Z a-z 0-9 . _ -, the first neither dot nor dash")]
    Invalid,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_tenant_can_stand_in_an_address_and_a_log_line() {
        for good in ["acme", "0", "_x", "Acme-1.prod_eu", &"a".repeat(128)] {
            assert_eq!(good.parse::<Tenant>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "a\n", "é", &"a".repeat(129)] {
            assert_eq!(bad.parse::<Tenant>(), Err(TenantError::Invalid), "{bad:?}");
        }
    }
}
