//! Names and ids, and how they are checked.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest CMP id or backend id, in bytes.
const LONGEST_ID: usize = 512;
/// Longest name of a tenant, backend or kind, in bytes.
const LONGEST_NAME: usize = 128;

/// What names one CMP object: its id, within a tenant, for one kind on one backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The tenant, from the caller's token.
    pub tenant: String,
    /// The backend's configured name.
    pub backend: String,
    /// The kind of object.
    pub kind: String,
    /// The CMP's own id.
    pub cmp_id: String,
}

impl ObjectKey {
    /// What marks the object at its backend: `xp-` and 26 characters of a digest over the whole key.
    ///
    /// It is made from the key alone, so that an object can be found again even where its operation's record was lost,
    /// and it tells a stranger nothing about tenant or id.
    #[must_use]
    pub fn marker(&self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut hash = Sha256::new();
        for part in [&self.tenant, &self.backend, &self.kind, &self.cmp_id] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut bits = digest.iter().take(17).flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        let mut marker = String::from("xp-");
        for _ in 0..26 {
            let index = bits.by_ref().take(5).fold(0_usize, |index, bit| index << 1 | usize::from(bit));
            marker.push(ALPHABET.get(index).copied().map_or('a', char::from));
        }
        marker
    }
}

/// Why a name or an id is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has no characters.
    #[error("it is empty")]
    Empty,
    /// It has more bytes than the limit.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// It has a character that is not allowed there.
    #[error("it has a character that is not allowed: {0:?}")]
    Character(char),
}

/// Checks a CMP id or a backend id: 1 to 512 bytes of any text without control characters and without those that make a
/// reader see another text: marks of direction, separators of lines, the byte order mark.
pub fn valid_id(id: &str) -> Result<(), IdError> {
    let misleads = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    check(id, LONGEST_ID, |c| !c.is_control() && !misleads(c))
}

/// Checks the name of a tenant, backend or kind: 1 to 128 letters, digits, `-`, `_`, `.`; the first no dot or dash.
pub fn valid_name(name: &str) -> Result<(), IdError> {
    check(name, LONGEST_NAME, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))?;
    match name.chars().next() {
        Some(first @ ('-' | '.')) => Err(IdError::Character(first)),
        _ => Ok(()),
    }
}

fn check(text: &str, longest: usize, allowed: impl Fn(char) -> bool) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > longest {
        return Err(IdError::TooLong(longest));
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(wrong) => Err(IdError::Character(wrong)),
        None => Ok(()),
    }
}
