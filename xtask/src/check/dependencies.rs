//! Whether the dependencies are what `deny.toml` allows.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{process, project::Project};

/// What is installed when the machine has no `cargo-deny`.
const VERSION: &str = "0.20.2";

/// Licences, bans and sources can be checked without a network. The known advisories are a database that has to be
/// fetched; where it cannot be, that check is skipped, and said to be.
pub fn check(project: &Project) -> Result<()> {
    let installed = project.target.join("tools");
    let program = if process::succeeds(Command::new("cargo-deny").arg("--version")) {
        "cargo-deny".into()
    } else {
        install(&installed)?;
        installed.join("bin/cargo-deny")
    };
    let deny = || {
        let mut deny = Command::new(&program);
        process::forget_our_package(&mut deny);
        deny.current_dir(&project.root).args(["--locked", "--log-level", "error"]);
        deny
    };
    // Those for other systems too, which nothing built here has brought.
    process::run(process::cargo().args(["fetch", "--quiet", "--locked"]))?;
    process::run(deny().args(["--offline", "check", "licenses", "bans", "sources"]))?;
    if process::succeeds(deny().args(["fetch", "db"])) {
        process::run(deny().args(["--offline", "check", "advisories"]))
    } else {
        println!("advisories skipped: their database cannot be fetched from here (try `cargo deny fetch db`)");
        Ok(())
    }
}

/// Once; unoptimised, because that takes a minute instead of five, and it runs for seconds.
fn install(folder: &Path) -> Result<()> {
    if folder.join("bin/cargo-deny").is_file() {
        return Ok(());
    }
    println!("Installing cargo-deny {VERSION} into {}", folder.display());
    let mut cargo = process::cargo();
    cargo.args(["install", "--quiet", "--locked", "--debug", "--version", VERSION, "--root"]).arg(folder);
    process::run(cargo.arg("cargo-deny"))
}
