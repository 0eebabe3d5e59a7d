//! The program that all targets are in.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{process, project::Project};

/// What makes the compiler count which code an input reaches and what it compares; a stable one can.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The built program and its folders.
pub struct Fuzzer {
    pub program: PathBuf,
    /// Inputs that are part of the project, a folder for each target.
    pub seeds: PathBuf,
    /// Everything that running makes, below cargo's target folder.
    pub folder: PathBuf,
}

impl Fuzzer {
    pub fn build(project: &Project) -> Result<Self> {
        let crate_folder = project.root.join("fuzz/libfuzzer");
        let folder = project.target.join("fuzz");
        // The same versions of everything as in the workspace, which this crate is no member of.
        let lock = project.root.join("Cargo.lock");
        fs::copy(&lock, crate_folder.join("Cargo.lock")).with_context(|| format!("cannot copy {}", lock.display()))?;
        let machine = machine()?;
        let mut cargo = process::cargo();
        // With a target named, build scripts and procedural macros are built without these flags.
        cargo.args(["build", "--release", "--target", &machine, "--target-dir"]).arg(&folder);
        cargo.arg("--manifest-path").arg(crate_folder.join("Cargo.toml")).env("RUSTFLAGS", RUSTFLAGS);
        process::run(&mut cargo)?;
        let program = folder.join(machine).join("release/crosspoint-libfuzzer");
        Ok(Self { program, seeds: project.root.join("fuzz/corpus"), folder })
    }
}

/// What this machine is called as a target of the compiler.
fn machine() -> Result<String> {
    let version = process::output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}
