mod load;
mod translate;

use clap::Args;

use crate::report::Report;

/// What one translation costs: encode and decode in fresh instances beside native code; compiling and loading
///
/// Times are time on a core (`cpu`), and the median of many rounds in which the contestants take turns.
#[derive(Args, Debug)]
pub struct Driver {
    /// How many rounds of translations [default: 1000; with --quick 100]
    #[arg(long)]
    rounds: Option<u32>,
}

impl Driver {
    pub fn run(&self, report: &mut Report, quick: bool) -> anyhow::Result<()> {
        translate::run(report, self.rounds.unwrap_or(if quick { 100 } else { 1000 }))?;
        load::run(report, quick)
    }
}
