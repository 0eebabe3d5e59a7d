//! Progress for people: a command is a few named stages, and each says how long it took.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Announces `name`, does `work` and says how it went.
pub fn stage<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("── {name}");
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "done" } else { "FAILED" };
    println!("── {name}: {verdict} after {}\n", human(start.elapsed()));
    result
}

/// A duration as one would say it: `0.4 s`, `12.3 s`, `3 min 05 s`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}
