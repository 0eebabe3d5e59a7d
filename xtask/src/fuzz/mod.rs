//! `cargo xtask fuzz`: the targets of `fuzz/` under libFuzzer, which looks for inputs that reach new code.

mod build;
mod run;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    project::Project,
    stage::{human, stage},
};
use build::Fuzzer;
use run::Ending;

/// Look for inputs that break a promise, with coverage to go by.
///
/// Each target gets its seeds from fuzz/corpus/TARGET and what earlier runs found in target/fuzz/corpus/TARGET. It
/// breaks when the process panics, hangs or takes too much memory: the input is saved, and said where. Mend what it
/// shows, and keep it as a seed: `cargo test -p crosspoint-fuzz` runs all seeds each time. The first build takes some
/// minutes and a C++ compiler; it goes into target/fuzz.
#[derive(Args)]
pub struct Fuzz {
    /// Only these; all of them otherwise, one after the other
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// Run this one input, to see what it does; needs exactly one target
    #[arg(long, value_name = "FILE", conflicts_with = "seconds")]
    input: Option<PathBuf>,
    /// Name the targets and end
    #[arg(long)]
    list: bool,
}

impl Fuzz {
    pub fn run(&self) -> Result<ExitCode> {
        let project = Project::load()?;
        let known = targets(&project.root.join("fuzz/corpus"))?;
        if self.list {
            println!("{}", known.join("\n"));
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(unknown) = self.targets.iter().find(|target| !known.contains(target)) {
            bail!("there is no target `{unknown}`; there are: {}", known.join(", "));
        }
        let wanted = if self.targets.is_empty() { &known } else { &self.targets };
        let fuzzer = stage("building the targets", || Fuzzer::build(&project))?;
        if let Some(input) = &self.input {
            let [target] = wanted.as_slice() else { bail!("name the one target that the input is for") };
            let input = input.canonicalize().with_context(|| format!("cannot read {}", input.display()))?;
            return fuzzer.replay(target, &input);
        }
        let mut endings = Vec::new();
        for target in wanted {
            endings.push(stage(target, || fuzzer.fuzz(target, Duration::from_secs(self.seconds)))?);
        }
        report(&endings);
        let broken = endings.iter().any(|ending| ending.saved.is_some());
        Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// The targets, by their folders of seeds; a test of `fuzz/` keeps the two in step.
fn targets(corpus: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in fs::read_dir(corpus).with_context(|| format!("cannot read {}", corpus.display()))? {
        names.push(folder?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn report(endings: &[Ending]) {
    for Ending { target, cases, took, inputs, saved } in endings {
        let rate = u128::from(*cases) * 1000 / took.as_millis().max(1);
        println!("{target:12} {cases:>10} cases in {:>12}, {rate:>6} a second, {inputs:>5} inputs", human(*took));
        if let Some(saved) = saved {
            println!("{target:12} BROKEN by {}", saved.display());
            println!("{:12} see again: cargo xtask fuzz {target} --input {}", "", saved.display());
        }
    }
}
