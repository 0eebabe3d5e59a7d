//! The `crosspoint` binary: the command line, the server among its commands.

use std::process::ExitCode;

/// A call is many small allocations, most of them freed by another thread than made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A server runs itself once more to compile a driver.
    if let Some(done) = crosspoint::driver::compile_apart(std::env::args_os()) {
        return done;
    }
    crosspoint::cli::main(std::env::args_os(), crosspoint::serve::serve, crosspoint::cli::inspect)
}
