//! The `crosspoint` binary: the command line, the server among its commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A server runs itself once more to compile a driver.
    if let Some(done) = crosspoint::driver::compile_apart(std::env::args_os()) {
        return done;
    }
    crosspoint::cli::main(std::env::args_os(), crosspoint::serve::serve, crosspoint::cli::inspect)
}
