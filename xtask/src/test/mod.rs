//! `cargo xtask test`: the whole suite in one go, real servers included.

mod tally;

use std::{
    fs,
    io::{BufRead, BufReader, IsTerminal},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    drivers, process,
    project::Project,
    stage::{human, stage},
};
use tally::Tally;

/// Build the drivers and run all tests, those against real servers too.
///
/// The tests install the servers that they need, where the machine allows it, and say so; elsewhere they are skipped. The
/// last line says how many tests passed, failed and were skipped.
#[derive(Args)]
pub struct Test {
    /// Leave the real servers alone; the tests that need them are skipped
    #[arg(long)]
    quick: bool,
    /// Only the tests whose name contains this
    filter: Option<String>,
}

impl Test {
    pub fn run(&self) -> Result<ExitCode> {
        let start = Instant::now();
        let project = Project::load()?;
        stage("drivers", || drivers::build(&project, &[]))?;
        // Tests run the programs as their users do, but cargo builds them of itself for tests of the same package alone.
        stage("building the programs", || process::run(process::cargo().args(["build", "--workspace", "--bins"])))?;
        stage("building the tests", || process::run(cargo_test(&project).arg("--no-run")))?;
        let tally = stage("tests", || self.run_tests(&project))?;
        for skip in &tally.skips {
            println!("skipped: {skip}");
        }
        println!("{} in total\n{tally}", human(start.elapsed()));
        Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn run_tests(&self, project: &Project) -> Result<Tally> {
        // Each test that finds that it cannot run here adds a line with its name and the reason.
        let skips = project.target.join("skipped-tests");
        fs::write(&skips, "").with_context(|| format!("cannot write {}", skips.display()))?;
        let mut tests = cargo_test(project);
        tests.arg("--no-fail-fast").env("CROSSPOINT_SKIPPED_TESTS", &skips);
        if self.quick {
            tests.env("CROSSPOINT_TESTBED", "off");
        }
        tests.arg("--").args(&self.filter);
        if std::io::stdout().is_terminal() {
            tests.arg("--color=always");
        }
        let mut running = tests
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` could not be started", process::show(&tests)))?;
        let mut tally = Tally::default();
        for line in running.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
            let line = line.context("cannot read what the tests write")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.read(&line);
        }
        let status = running.wait().context("the tests did not end")?;
        let skips = fs::read_to_string(&skips).with_context(|| format!("cannot read {}", skips.display()))?;
        tally.close(&skips, status.success());
        Ok(tally)
    }
}

/// The one build that everything uses: same packages, same features, same folder, so that nothing is built twice.
fn cargo_test(project: &Project) -> Command {
    let mut cargo = process::cargo();
    cargo.args(["test", "--workspace"]);
    cargo.env("CROSSPOINT_DRIVERS_DIR", project.drivers_folder());
    cargo
}
