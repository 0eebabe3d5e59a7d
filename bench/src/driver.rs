use clap::Args;

use crate::report::Report;

/// What one translation costs: encode and decode in fresh instances beside native code; compiling and loading
#[derive(Args, Debug)]
pub struct Driver {}

impl Driver {
    pub fn run(&self, _report: &mut Report, _quick: bool) -> anyhow::Result<()> {
        anyhow::bail!("not there yet")
    }
}
