use clap::Args;

use crate::report::Report;

/// How soon a process with ten cached drivers is ready
#[derive(Args, Debug)]
pub struct Start {}

impl Start {
    pub fn run(&self, _report: &mut Report, _quick: bool) -> anyhow::Result<()> {
        anyhow::bail!("not there yet")
    }
}
