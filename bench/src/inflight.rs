use clap::Args;

use crate::report::Report;

/// Ten thousand calls that wait on a slow backend: memory, and whether any is refused
#[derive(Args, Debug)]
pub struct Inflight {}

impl Inflight {
    pub fn run(&self, _report: &mut Report, _quick: bool) -> anyhow::Result<()> {
        anyhow::bail!("not there yet")
    }
}
