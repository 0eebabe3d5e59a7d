//! What was counted when somebody last looked and found it right.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Relative to the workspace's root, where `cargo xtask bench` runs.
const FILE: &str = "bench/instructions.toml";
/// Whether this is the dev profile, in which everything takes more.
pub const DEV: bool = cfg!(debug_assertions);
const PREFACE: &str = "\
# Instructions that each hot path takes, as `cargo xtask bench instructions` counts them on x86-64; in the dev profile
# as the tests do, which build no other. Another compiler, C library or version of a dependency moves them: `--accept`
# writes what is counted now.
";

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// By how many per cent a count may differ.
    tolerance: f64,
    dev: BTreeMap<String, u64>,
    release: BTreeMap<String, u64>,
}

impl Expected {
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        toml::from_str(&text).with_context(|| format!("{FILE} is not as expected"))
    }

    pub fn write(&self) -> Result<()> {
        let text = format!("{PREFACE}{}", toml::to_string(self)?);
        fs::write(FILE, text).with_context(|| format!("cannot write {FILE}"))
    }

    /// In words, where `counted` is not what was expected.
    pub fn difference(&self, path: &str, counted: u64) -> Option<String> {
        let paths = if DEV { &self.dev } else { &self.release };
        let Some(expected) = paths.get(path) else { return Some(format!("  {path:<20} is new: {counted}")) };
        let percent = (counted as f64 / *expected as f64 - 1.0) * 100.0;
        let differs = percent.abs() > self.tolerance;
        differs.then(|| format!("  {path:<20} {expected:>10} → {counted:>10}  {percent:+.1} %"))
    }

    pub fn set(&mut self, path: &str, counted: u64) {
        let paths = if DEV { &mut self.dev } else { &mut self.release };
        paths.insert(path.to_owned(), counted);
    }
}
