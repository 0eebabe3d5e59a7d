use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::terminal::Terminal;
use crate::config::{Config, Overrides, SAMPLE};

const AFTER_HELP: &str = "\
A flag wins over the environment, and that over the file. A wrong configuration ends with status 64 before anything is
bound; SIGTERM and SIGINT let calls under way end first.

Examples:
  crosspoint serve --print-config > crosspoint.toml      a documented sample, which holds the defaults
  crosspoint serve --config crosspoint.toml --check      is it right?
  crosspoint serve --config crosspoint.toml
  crosspoint serve --auth-mode off                       try it out on this machine alone";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ServeArgs {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "CROSSPOINT_CONFIG")]
    config: Option<PathBuf>,
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS", env = "CROSSPOINT_LISTEN")]
    listen: Option<String>,
    /// The folder for the store, the compiled drivers and the key
    #[arg(long, value_name = "FOLDER", env = "CROSSPOINT_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// A folder of drivers to watch
    #[arg(long, value_name = "FOLDER", env = "CROSSPOINT_DRIVERS_DIR")]
    drivers_dir: Option<PathBuf>,
    /// The key that backend credentials are sealed with
    #[arg(long, value_name = "FILE", env = "CROSSPOINT_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// `tokens`, or `off` for a loopback listener
    #[arg(long, value_name = "MODE", env = "CROSSPOINT_AUTH_MODE")]
    auth_mode: Option<String>,
    /// `text` or `json`
    #[arg(long, value_name = "FORMAT", env = "CROSSPOINT_LOG_FORMAT")]
    log_format: Option<String>,
    /// What to log, `info,crosspoint::relay=debug` for instance
    #[arg(long, value_name = "FILTER", env = "CROSSPOINT_LOG_FILTER")]
    log_filter: Option<String>,
    /// Print a documented sample file and end
    #[arg(long)]
    print_config: bool,
    /// Check the configuration and end
    #[arg(long, conflicts_with = "print_config")]
    check: bool,
}

/// The configuration to serve with; none where something else was asked for, and done.
pub(super) fn configuration(args: &ServeArgs, terminal: &mut Terminal<'_>) -> Result<Option<Config>, Failure> {
    if args.print_config {
        terminal.say(SAMPLE)?;
        return Ok(None);
    }
    let overrides = Overrides {
        listen: args.listen.clone(),
        data_dir: args.data_dir.clone(),
        drivers_dir: args.drivers_dir.clone(),
        key_file: args.key_file.clone(),
        auth_mode: args.auth_mode.clone(),
        log_format: args.log_format.clone(),
        log_filter: args.log_filter.clone(),
    };
    let config = Config::load(args.config.as_deref(), &overrides)?;
    if args.check {
        terminal.note("the configuration is good")?;
        return Ok(None);
    }
    Ok(Some(config))
}

/// Serves until it is told to stop.
#[allow(clippy::print_stderr, reason = "the log may not have started, and the terminal has been let go of")]
pub(super) fn run<S>(config: Config, serve: S) -> ExitCode
where
    S: FnOnce(Config) -> anyhow::Result<ExitCode>,
{
    serve(config).unwrap_or_else(|error| {
        eprintln!("crosspoint: {error:#}");
        ExitCode::FAILURE
    })
}
