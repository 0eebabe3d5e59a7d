use clap::Args;

use crate::report::Report;

/// Throughput, latency, CPU and memory of relayed calls beside Envoy, nginx, native Rust and the classic stack
#[derive(Args, Debug)]
pub struct Relay {}

impl Relay {
    pub fn run(&self, _report: &mut Report, _quick: bool) -> anyhow::Result<()> {
        anyhow::bail!("not there yet")
    }
}
