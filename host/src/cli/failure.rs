use std::io;

use serde_json::{Value, json};

use super::problem::Problem;
use super::terminal::{Output, Terminal, clean};
use crate::config::ConfigError;
use crate::sent::Sent;

/// The command was refused, or failed.
const FAILED: u8 = 1;
/// The command line makes no sense.
pub(super) const USAGE: u8 = 2;
/// The backend may have been reached.
const IN_DOUBT: u8 = 3;
/// Crosspoint could not be reached.
const UNREACHABLE: u8 = 4;
/// `EX_USAGE` of `sysexits.h`, where daemons put a bad configuration.
const CONFIGURATION: u8 = 64;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// The configuration is wrong.
    Configuration(ConfigError),
    /// The server says no, and why.
    Problem {
        /// The answer, for machines.
        answer: Value,
        /// The same, understood.
        problem: Box<Problem>,
    },
    /// Something else than Crosspoint answered: a proxy, or the wrong address.
    Foreign {
        /// Its status.
        status: u16,
        /// What it said.
        text: String,
        /// Whether it may still have passed on a request that changes something.
        in_doubt: bool,
    },
    /// Nothing was sent: no connection, or no trust.
    Unreachable {
        /// The server's address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// A request that changes something went out, and no answer came back.
    Lost {
        /// The server's address.
        url: String,
        /// What went wrong.
        reason: String,
        /// The key under which the request may be repeated safely.
        idempotency_key: Option<String>,
    },
    /// Something on this machine.
    Local(anyhow::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Local(error.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Local(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Configuration(error)
    }
}

impl Failure {
    /// Tells the failure, to people on standard error or to machines on standard output, and gives the exit code.
    pub(super) fn report(&self, terminal: &mut Terminal<'_>) -> u8 {
        if self.is_closed_pipe() {
            return 0;
        }
        // A terminal that cannot be written to cannot be told so.
        let _ = match (terminal.output, self.to_json()) {
            (Output::Json, Some(json)) => terminal.json(&json),
            _ => writeln!(terminal.err, "crosspoint: {}", self.explain()),
        };
        self.exit_code()
    }

    /// Who stopped reading, `head` for instance, has what it wanted.
    fn is_closed_pipe(&self) -> bool {
        let Self::Local(error) = self else { return false };
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Configuration(_) => CONFIGURATION,
            Self::Problem { problem, .. } if problem.sent == Sent::Maybe => IN_DOUBT,
            Self::Foreign { in_doubt: true, .. } | Self::Lost { .. } => IN_DOUBT,
            Self::Unreachable { .. } => UNREACHABLE,
            Self::Problem { .. } | Self::Foreign { .. } | Self::Local(_) => FAILED,
        }
    }

    fn explain(&self) -> String {
        match self {
            Self::Usage(text) => format!("{text}\n  See `crosspoint --help`."),
            Self::Configuration(error) => {
                format!("configuration: {error}\n  `crosspoint serve --print-config` prints a documented sample.")
            }
            Self::Problem { problem, .. } => problem.explain(),
            Self::Foreign { status, text, in_doubt } => {
                let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let doubt = if *in_doubt {
                    "\n  It may have passed the request on: look at `crosspoint operation list` before you repeat it."
                } else {
                    ""
                };
                let shown: String = clean(first).chars().take(200).collect();
                format!("HTTP {status}, and not from Crosspoint: {shown}\n  Check the address.{doubt}")
            }
            Self::Unreachable { url, reason } => format!(
                "cannot reach {url}: {reason}\n  Nothing was sent. Is `crosspoint serve` running there? Name another \
                 address with --url, CROSSPOINT_URL or a context."
            ),
            Self::Lost { url, reason, idempotency_key } => {
                let next = match idempotency_key {
                    Some(key) => format!("Repeating it with --idempotency-key {key} is safe: nothing is done twice."),
                    None => "Look at `crosspoint operation list` before you repeat it.".to_owned(),
                };
                format!("in doubt: {url} took the request and did not answer: {reason}\n  {next}")
            }
            Self::Local(error) => format!("{error:#}"),
        }
    }

    /// The failure in the shape of a problem, so that a machine reads one shape. What is wrong with the command line or
    /// with this machine is for people.
    fn to_json(&self) -> Option<Value> {
        let made_here = |code: &str, sent: Sent, retryable: bool, title: &str, detail: &str| {
            json!({
                "type": format!("urn:crosspoint:problem:{}", code.replace('_', "-")), "code": code, "title": title, "detail": detail,
                "sent": sent, "retryable": retryable,
            })
        };
        Some(match self {
            Self::Problem { answer, .. } => answer.clone(),
            Self::Foreign { status, text, in_doubt } => {
                let sent = if *in_doubt { Sent::Maybe } else { Sent::No };
                let title = format!("HTTP {status}, and not from Crosspoint");
                made_here("not_crosspoint", sent, false, &title, text)
            }
            Self::Unreachable { url, reason } => {
                made_here("unreachable", Sent::No, true, &format!("Cannot reach {url}"), reason)
            }
            Self::Lost { url, reason, idempotency_key } => {
                let title = format!("{url} took the request and did not answer");
                made_here("lost", Sent::Maybe, idempotency_key.is_some(), &title, reason)
            }
            Self::Usage(_) | Self::Configuration(_) | Self::Local(_) => return None,
        })
    }
}
