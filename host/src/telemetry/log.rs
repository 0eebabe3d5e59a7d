use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::{LogFormat, LogSection};

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter means nothing. [`crate::config::Config::load`] has refused such a filter already.
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The process logs already.
    #[error(transparent)]
    Twice(#[from] TryInitError),
}

/// Starts logging to standard error, once in a process.
///
/// Text is coloured on a terminal alone, unless `NO_COLOR` is set.
pub fn init(section: &LogSection) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&section.filter)?;
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let layer = match section.format {
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).with_ansi(colours).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
    };
    Registry::default().with(filter).with(layer).try_init()?;
    Ok(())
}
