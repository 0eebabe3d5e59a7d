//! `cargo xtask bench`: builds everything as it is shipped and has `bench/` measure it.

use std::{
    env::consts::EXE_SUFFIX,
    ffi::OsString,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{drivers, process, project::Project};

/// Measure Crosspoint, beside its peers where it has any.
///
/// Builds the release profile first. The benchmarks:
///
///   relay         throughput, latency, CPU and memory of relayed calls, beside proxies and other relays
///   driver        what a translation costs, beside native code; compiling and loading drivers
///   inflight      ten thousand calls that wait on a slow backend
///   start         how soon a process with ten drivers is ready
///   transport     exchanges of each transport, beside a raw client on the same wire
///   isolation     what calls on one driver feel of another that does harm
///   instructions  counted instructions of the hot paths
///
/// Each takes:
///
///   --json   one JSON object a line, instead of a table
///   --quick  fewer and shorter rounds: done within two minutes, and less precise
///   --help   what else it takes
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Bench {
    /// The benchmark's name, and what it takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "NAME")]
    arguments: Vec<OsString>,
}

impl Bench {
    pub fn run(&self) -> Result<ExitCode> {
        if self.arguments.is_empty() {
            Self::augment_args(clap::Command::new("cargo xtask bench")).print_long_help()?;
            return Ok(ExitCode::FAILURE);
        }
        let project = Project::load()?;
        eprintln!("building the drivers and, in the release profile, the programs");
        drivers::build(&project, &[])?;
        let mut build = process::cargo();
        build.args(["build", "--quiet", "--release", "--package", "crosspoint", "--package", "crosspoint-bench"]);
        process::run(&mut build)?;
        let programs = project.target.join("release");
        let mut bench = Command::new(programs.join(format!("crosspoint-bench{EXE_SUFFIX}")));
        bench.args(&self.arguments).current_dir(&project.root).stdin(Stdio::null());
        bench.env("CROSSPOINT_BIN", programs.join(format!("crosspoint{EXE_SUFFIX}")));
        bench.env("CROSSPOINT_DRIVERS_DIR", project.drivers_folder());
        // In our place, so that signals reach it: it ends what it has started.
        Err(bench.exec()).context("crosspoint-bench could not be started")
    }
}
