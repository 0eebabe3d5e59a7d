//! Whether a backend was reached: the one question that every error answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether the exchange reached the backend.
///
/// Ordered by how much may have happened, so that the larger of two is the safer claim.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    /// Provably nothing reached the backend.
    #[default]
    No,
    /// The backend may have received it, and may have acted on it.
    Maybe,
    /// The backend received it and began to answer.
    Yes,
}

impl Sent {
    /// The word used in the API, in logs and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "maybe",
            Self::Yes => "yes",
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
