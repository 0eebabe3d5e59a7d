mod api;
mod count;
mod expected;
mod work;

use anyhow::{Result, bail};
use clap::Args;

use self::expected::Expected;
use self::work::Work;
use crate::report::Report;

const CROSSPOINT: &str = "crosspoint";

/// Counted instructions of the hot paths, compared with what they were
///
/// Each path is run under Valgrind some times and then twice as often; the difference, for one time, is what is
/// compared: what a start takes drops out. A count depends on compiler, C library and kind of processor, and hardly on
/// load: it differs by about one per cent from run to run. It says nothing about waiting or about caches.
#[derive(Args, Debug)]
pub struct Instructions {
    /// Fail where a path takes more than bench/instructions.toml says, or less
    #[arg(long)]
    check: bool,
    /// Write what was counted into bench/instructions.toml
    #[arg(long, conflicts_with = "check")]
    accept: bool,
    /// Only these paths
    #[arg(long = "path", value_name = "NAME", value_parser = work::names())]
    paths: Vec<String>,
    /// Run the one path so many times, and count nothing: what is run under Valgrind
    #[arg(long, hide = true)]
    times: Option<u32>,
}

impl Instructions {
    pub fn run(&self, report: &mut Report, _quick: bool) -> Result<()> {
        let works =
            Work::ALL.iter().filter(|work| self.paths.is_empty() || self.paths.iter().any(|it| it == work.name));
        if let Some(times) = self.times {
            return works.into_iter().try_for_each(|work| work.run(times));
        }
        count::prepare()?;
        let mut expected = Expected::read()?;
        let mut differences = Vec::new();
        for work in works {
            let counted = count::of(work)?;
            report.figure(work.name, CROSSPOINT, "instructions", counted as f64, "1")?;
            differences.extend(expected.difference(work.name, counted));
            expected.set(work.name, counted);
        }
        if self.accept {
            return expected.write();
        }
        if self.check && !differences.is_empty() {
            bail!(
                "the hot paths take another number of instructions than they did:\n{}\n\
                 if that is meant, run `cargo xtask bench instructions --accept`, and say why in the commit",
                differences.join("\n")
            );
        }
        Ok(())
    }
}
