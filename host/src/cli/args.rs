use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::backend::BackendCommand;
use super::context::ContextCommand;
use super::driver::DriverCommand;
use super::events::EventsArgs;
use super::mapping::MappingCommand;
use super::object::ObjectCommand;
use super::operation::OperationCommand;
use super::serve::ServeArgs;
use super::terminal::Output;
use super::token::TokenCommand;

const AFTER_HELP: &str = "\
Examples:
  crosspoint serve --auth-mode off                       try it out on this machine alone
  crosspoint token new --name cmp --role caller --tenant acme
  crosspoint context set dc1 --url https://xp.example:8440 --token-file -
  crosspoint driver load neutron.wasm                    the old one stays if a check fails
  crosspoint backend put neutron-dc1 -f neutron-dc1.json
  crosspoint object put neutron-dc1 network net-42 --spec '{\"name\":\"blue\"}' --tenant acme
  crosspoint operation list --state unknown              what is in doubt

Exit codes:
  0   done
  1   refused or failed; the message says whether the backend was reached
  2   the command line makes no sense
  3   in doubt: the backend may have been reached. Look before you repeat
  4   Crosspoint could not be reached, so nothing was done
  64  the configuration is wrong

Environment: CROSSPOINT_URL, CROSSPOINT_TOKEN, CROSSPOINT_TENANT, CROSSPOINT_CA, CROSSPOINT_CONTEXT, CROSSPOINT_CONTEXTS.";

/// Joins a cloud management platform to its backends: one call in, one call out, and the mapping kept.
#[derive(Debug, Parser)]
#[command(name = "crosspoint", version, after_help = AFTER_HELP, arg_required_else_help = true, max_term_width = 110)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Where the server is, and how its answers are shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command that asks a server")]
#[allow(clippy::doc_markdown, reason = "help lines, shown as they are: clap writes variables and defaults like this")]
pub(super) struct Connection {
    /// Crosspoint's address [env: CROSSPOINT_URL] [default: the context's, else http://127.0.0.1:8440]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "context")]
    pub(super) url: Option<String>,
    /// The context that gives address, token and tenant [env: CROSSPOINT_CONTEXT] [default: the one in use]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// Act for this tenant; for tokens that are bound to none [env: CROSSPOINT_TENANT]
    #[arg(long, global = true, value_parser = NonEmptyStringValueParser::new())]
    pub(super) tenant: Option<String>,
    /// Trust these certificate authorities (PEM) and no others [env: CROSSPOINT_CA] [default: the system's]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Wait this long for the answer
    #[arg(long, global = true, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    pub(super) timeout: Duration,
    /// `table` for people, `json` for machines: the server's answer, or the problem, on standard output
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub(super) output: Output,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Load, swap and roll back drivers
    #[command(subcommand)]
    Driver(DriverCommand),
    /// Configure backends and try them
    #[command(subcommand)]
    Backend(BackendCommand),
    /// Create, read, change and delete objects: one exchange with the backend each
    #[command(subcommand)]
    Object(ObjectCommand),
    /// Look up which CMP object is which backend object; never asks a backend
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Look at what was done, and settle what is in doubt
    #[command(subcommand)]
    Operation(OperationCommand),
    /// Show what happens, as it happens
    Events(EventsArgs),
    /// Make tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Keep addresses and tokens under names
    #[command(subcommand)]
    Context(ContextCommand),
    /// Print a completion script
    #[command(after_help = "Example:\n  crosspoint completions bash > /etc/bash_completion.d/crosspoint")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which part of a list to show.
#[derive(Debug, Args)]
pub(super) struct Page {
    /// The most entries to show
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u32>,
    /// Go on where an earlier page ended
    #[arg(long, value_name = "CURSOR")]
    pub(super) cursor: Option<String>,
}
