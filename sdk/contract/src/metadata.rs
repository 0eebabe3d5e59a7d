use serde::{Deserialize, Serialize};

/// The contract that this crate speaks, as it stands in the WIT: `package@version`.
pub const CONTRACT: &str = "crosspoint:driver@1.0.0";

/// The custom section that holds a driver's [`Metadata`] as JSON. The host reads it before it compiles anything.
pub const METADATA_SECTION: &str = "crosspoint:metadata";

/// The custom section that holds a driver's fixtures, a JSON array of [`crate::fixture::Fixture`].
pub const FIXTURES_SECTION: &str = "crosspoint:fixtures";

/// A driver that panics cannot answer (it has no imports and does not unwind), so it writes why into its own memory:
/// these sixteen bytes, then the text's length (u32, little-endian), then the text. After a trap the host looks for
/// the mark in what is left of the instance.
pub const PANIC_MARK: [u8; 16] = *b"\x01crosspnt:panic\x02";

/// The most bytes of panic text that are kept.
pub const PANIC_TEXT: usize = 1024;

/// What a package says of itself in [`METADATA_SECTION`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The contract it was built for, [`CONTRACT`] for instance.
    pub contract: String,
    /// The driver's name; `describe` must say the same.
    pub name: String,
    /// The driver's semantic version; `describe` must say the same.
    pub version: String,
    /// What built it, for people: `crosspoint-sdk 0.1.0`.
    #[serde(default)]
    pub built_with: String,
}
