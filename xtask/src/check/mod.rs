//! `cargo xtask check`: everything that can be said about the code without running it.

mod dependencies;
mod links;
mod tree;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{process, project::Project, stage::stage};

/// Check words, links, formatting, lints, documentation and dependencies.
///
/// All checks run, whatever the first ones say, so that one go shows everything.
#[derive(Args)]
pub struct Check {
    /// Only these
    #[arg(value_parser = STEPS.map(|(name, _)| name))]
    names: Vec<String>,
}

type Step = (&'static str, fn(&Project) -> Result<()>);

/// The quick ones first.
const STEPS: [Step; 6] = [
    ("words", words::check),
    ("links", links::check),
    ("formatting", formatting),
    ("lints", lints),
    ("documentation", documentation),
    ("dependencies", dependencies::check),
];

impl Check {
    pub fn run(&self) -> Result<ExitCode> {
        let project = Project::load()?;
        let wanted = |name| self.names.is_empty() || self.names.iter().any(|it| it == name);
        let mut failed = Vec::new();
        for (name, check) in STEPS.into_iter().filter(|(name, _)| wanted(*name)) {
            if stage(name, || check(&project).inspect_err(|error| println!("{error:#}"))).is_err() {
                failed.push(name);
            }
        }
        if failed.is_empty() {
            println!("all is well");
            return Ok(ExitCode::SUCCESS);
        }
        println!("not as it should be: {}", failed.join(", "));
        Ok(ExitCode::FAILURE)
    }
}

fn formatting(_: &Project) -> Result<()> {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))
}

fn lints(_: &Project) -> Result<()> {
    let arguments = ["clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-Dwarnings"];
    process::run(process::cargo().args(arguments))
}

/// Every warning is an error but one: pages about a module name its private parts, for those who read the source.
const RUSTDOCFLAGS: &str = "-Dwarnings -Arustdoc::private-intra-doc-links";

fn documentation(_: &Project) -> Result<()> {
    let arguments = ["doc", "--quiet", "--locked", "--workspace", "--no-deps"];
    process::run(process::cargo().args(arguments).env("RUSTDOCFLAGS", RUSTDOCFLAGS))
}
