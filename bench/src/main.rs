//! Benchmarks, run by `cargo xtask bench`: each prints one figure a line.
//!
//! Nothing in here passes or fails by the clock: machines differ and are noisy. What is compared is compared in one run.
#![allow(clippy::cast_precision_loss, reason = "figures are not exact to 52 bits")]

mod backend;
mod clock;
mod driver;
mod host;
mod inflight;
mod instructions;
mod isolation;
mod places;
mod relay;
mod report;
mod start;
mod transport;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use report::Report;

/// Crosspoint's own, so that native code is not compared with a slower one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Crosspoint, beside its peers where it has any.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench", version)]
struct Options {
    #[command(subcommand)]
    bench: Bench,
    #[command(flatten)]
    common: Common,
}

/// What every benchmark takes.
#[derive(Args, Clone, Copy, Debug)]
struct Common {
    /// One JSON object a line, instead of a table
    #[arg(long, global = true)]
    json: bool,
    /// Fewer and shorter rounds: done within two minutes, and less precise
    #[arg(long, global = true)]
    quick: bool,
}

#[derive(Subcommand)]
enum Bench {
    Relay(relay::Relay),
    Driver(driver::Driver),
    Inflight(inflight::Inflight),
    Start(start::Start),
    Instructions(instructions::Instructions),
    Isolation(isolation::Isolation),
    Transport(transport::Transport),
    #[command(hide = true)]
    Native(relay::Native),
}

fn main() -> ExitCode {
    let Options { bench, common } = Options::parse();
    let report = |name| Report::new(name, common.json);
    let outcome = match bench {
        Bench::Relay(bench) => bench.run(&mut report("relay"), common.quick),
        Bench::Driver(bench) => bench.run(&mut report("driver"), common.quick),
        Bench::Inflight(bench) => bench.run(&mut report("inflight"), common.quick),
        Bench::Start(bench) => bench.run(&mut report("start"), common.quick),
        Bench::Instructions(bench) => bench.run(&mut report("instructions"), common.quick),
        Bench::Isolation(bench) => bench.run(&mut report("isolation"), common.quick),
        Bench::Transport(bench) => bench.run(&mut report("transport"), common.quick),
        Bench::Native(relay) => relay.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
