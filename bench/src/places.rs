//! Where the programs and the drivers are that `cargo xtask bench` has built.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// A driver of this workspace, as it is shipped.
pub fn driver(name: &str) -> Result<Vec<u8>> {
    let path = variable("CROSSPOINT_DRIVERS_DIR", "../drivers")?.join(format!("{name}.wasm"));
    fs::read(&path).with_context(|| format!("cannot read {}: run `cargo xtask bench`, which builds it", path.display()))
}

/// The program under test.
pub fn crosspoint() -> Result<PathBuf> {
    variable("CROSSPOINT_BIN", "crosspoint")
}

/// Where benchmarks keep what they need and what they make: below the target folder, beside what cargo has built.
pub fn folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let target = program.ancestors().nth(2).context("this program is not below a target folder")?;
    let folder = target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// A path in the environment, or else beside this program.
fn variable(name: &str, beside: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(name) {
        return Ok(path.into());
    }
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    Ok(program.with_file_name("").join(beside))
}
