//! The `crosspoint` binary: the command line, the server among its commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    crosspoint::cli::main(std::env::args_os(), crosspoint::serve::serve, crosspoint::cli::inspect)
}
