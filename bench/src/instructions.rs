use clap::Args;

use crate::report::Report;

/// Counted instructions of the hot paths, compared with what they were
#[derive(Args, Debug)]
pub struct Instructions {}

impl Instructions {
    pub fn run(&self, _report: &mut Report, _quick: bool) -> anyhow::Result<()> {
        anyhow::bail!("not there yet")
    }
}
