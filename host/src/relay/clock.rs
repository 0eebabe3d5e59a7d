//! The time of day, for records. Waiting is measured elsewhere, with a clock that does not jump.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch; never goes back, even where the system's clock does.
#[derive(Debug, Default)]
pub struct Clock {
    latest: AtomicU64,
}

impl Clock {
    /// The time now; at least what was given before.
    pub fn now(&self) -> u64 {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let system = u64::try_from(system.as_millis()).unwrap_or(u64::MAX);
        self.latest.fetch_max(system, Ordering::Relaxed).max(system)
    }
}
