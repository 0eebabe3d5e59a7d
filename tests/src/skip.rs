//! Tests that cannot run here say so, and are counted as skipped rather than passed.

use std::fs::File;
use std::io::Write as _;

/// Says that the calling test is skipped: on standard error, where the test harness does not capture it, and in the
/// list that `cargo xtask test` counts from.
pub fn skipped(reason: &str) {
    // A closed standard error, or a list that has gone, is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
    let list =
        std::env::var_os("CROSSPOINT_SKIPPED_TESTS").and_then(|list| File::options().append(true).open(list).ok());
    if let Some(mut list) = list {
        let _ = writeln!(list, "{}", reason.lines().next().unwrap_or_default());
    }
}
