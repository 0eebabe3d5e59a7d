//! `cargo xtask bench`: builds everything as it is shipped and has `bench/` measure it.

use std::{env::consts::EXE_SUFFIX, ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::Args;

use crate::{drivers, process, project::Project};

/// Measure: relay, driver, inflight, start, instructions.
///
/// Builds the release profile first. `cargo xtask bench NAME --help` says what a benchmark measures and takes; `--json`
/// prints one object a line; `--quick` is done within two minutes.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct Bench {
    /// The benchmark's name, and what it takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Bench {
    pub fn run(&self) -> Result<ExitCode> {
        let project = Project::load()?;
        eprintln!("building the drivers and, in the release profile, the programs");
        drivers::build(&project, &[])?;
        let mut build = process::cargo();
        build.args(["build", "--quiet", "--release", "--package", "crosspoint", "--package", "crosspoint-bench"]);
        process::run(&mut build)?;
        let programs = project.target.join("release");
        let mut bench = std::process::Command::new(programs.join(format!("crosspoint-bench{EXE_SUFFIX}")));
        bench.args(&self.arguments).current_dir(&project.root);
        bench.env("CROSSPOINT_BIN", programs.join(format!("crosspoint{EXE_SUFFIX}")));
        bench.env("CROSSPOINT_DRIVERS_DIR", project.drivers_folder());
        process::run(&mut bench)?;
        Ok(ExitCode::SUCCESS)
    }
}
