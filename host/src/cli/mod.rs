//! The command line: one binary that serves, and that asks a server.
//!
//! `serve` is given by the caller of [`main`]; every other command but `token new`, `completions`, `context` and an
//! offline `driver inspect` is one HTTP request, and so at most one exchange. What a command prints goes through
//! [`terminal::Terminal`], how it fails is a [`failure::Failure`], and the exit code follows from that alone.
//!
//! One file a resource; `args.rs` says what can be typed.

mod args;
mod backend;
mod client;
mod connect;
mod context;
mod contexts;
mod driver;
mod events;
mod failure;
mod input;
mod inspect;
mod mapping;
mod object;
mod operation;
mod problem;
mod references;
mod serve;
mod sse;
mod terminal;
#[cfg(test)]
mod tests;
mod token;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use self::args::{Cli, Command};
use self::failure::Failure;
pub use self::inspect::inspect;
use self::terminal::Terminal;
use crate::config::Config;

/// Reads a driver package offline and sums it up: name, version, digest, contract, kinds, and what is wrong with it.
pub type Inspect = fn(&[u8]) -> anyhow::Result<serde_json::Value>;

/// Runs the command that `args` (the program's name first) ask for, and gives the process's exit code.
///
/// `serve` runs the server with a checked configuration; a bad one never reaches it. It is called on the caller's
/// thread, outside any async runtime.
pub fn main<S>(args: impl IntoIterator<Item = OsString>, serve: S, inspect: Inspect) -> ExitCode
where
    S: FnOnce(Config) -> anyhow::Result<ExitCode>,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help on a closed pipe has nobody to complain to.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    let (mut out, mut err, mut input) = (io::stdout().lock(), io::stderr().lock(), io::stdin());
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        input: &mut input,
        environment: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()),
        output: cli.connection.output,
    };
    match cli.command {
        Command::Serve(args) => match serve::configuration(&args, &mut terminal) {
            Ok(Some(config)) => {
                drop((out, err));
                serve::run(config, serve)
            }
            Ok(None) => ExitCode::SUCCESS,
            Err(failure) => ExitCode::from(failure.report(&mut terminal)),
        },
        _ => ExitCode::from(run(cli, &mut terminal, inspect)),
    }
}

/// Runs any command but `serve` and gives its exit code.
fn run(cli: Cli, terminal: &mut Terminal<'_>, inspect: Inspect) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(execute(cli, terminal, inspect)),
        Err(error) => Err(Failure::from(error)),
    };
    match done {
        Ok(()) => 0,
        Err(failure) => failure.report(terminal),
    }
}

async fn execute(cli: Cli, terminal: &mut Terminal<'_>, inspect: Inspect) -> Result<(), Failure> {
    let connection = &cli.connection;
    match cli.command {
        Command::Serve(_) => Err(Failure::Usage("`serve` is started on its own".to_owned())),
        Command::Driver(command) => driver::run(command, connection, terminal, inspect).await,
        Command::Backend(command) => backend::run(command, connection, terminal).await,
        Command::Object(command) => object::run(command, connection, terminal).await,
        Command::Mapping(command) => mapping::run(command, connection, terminal).await,
        Command::Operation(command) => operation::run(command, connection, terminal).await,
        Command::Events(args) => events::run(&args, connection, terminal).await,
        Command::Token(command) => token::run(command, connection, terminal),
        Command::Context(command) => context::run(command, connection, terminal),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "crosspoint", &mut script);
            Ok(terminal.out.write_all(&script)?)
        }
    }
}
