//! The project's own tooling, in Rust so that it runs wherever the project builds: `cargo xtask --help`.
//!
//! Each command is one file or folder here. They need nothing but a Rust toolchain; what else they want (a Wasm target,
//! `cargo-deny`, a Neutron server to test against) they find or make, and say so.

mod bench;
mod check;
mod demo;
mod drivers;
mod fuzz;
mod process;
mod project;
mod stage;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Builds, checks and shows Crosspoint.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
enum Command {
    Demo(demo::Demo),
    Drivers(drivers::Drivers),
    Test(test::Test),
    Check(check::Check),
    Bench(bench::Bench),
    Fuzz(fuzz::Fuzz),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Demo(command) => command.run(),
        Command::Drivers(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Fuzz(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
