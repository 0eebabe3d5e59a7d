//! The `crosspoint` binary: the command line, the server among its commands.

use std::process::ExitCode;

/// A call is many small allocations, most of them freed by another thread than made them. Without huge pages (`no_thp`):
/// thousands of waiting calls hold thousands of half-used buffers, and a huge page makes the other halves resident too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A server runs itself once more to compile a driver.
    if let Some(done) = crosspoint::driver::compile_apart(std::env::args_os()) {
        return done;
    }
    crosspoint::cli::main(std::env::args_os(), crosspoint::serve::serve, crosspoint::cli::inspect)
}
