use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::args::Connection;
use super::failure::Failure;
use super::terminal::Terminal;
use crate::auth::{Expiry, Role, Token, TokenEntry};

const AFTER_HELP: &str = "\
The token is shown once: give it to its bearer. The stanza goes into the server's configuration; it holds the token's
SHA-256 alone, so the file opens nothing. The server reads it when it starts.

Examples:
  crosspoint token new --name cmp --role caller --tenant acme
  crosspoint token new --name audit --role viewer --expires-in 90days
  crosspoint token new --name fw-team --role caller --tenant acme --backend fw-dc1 --kind rule";

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum TokenCommand {
    /// Make a token, and the stanza that lets its bearer in. A caller needs --tenant
    New {
        /// Who will bear it
        #[arg(long)]
        name: String,
        /// What its bearer may do
        #[arg(long, value_enum)]
        role: RoleName,
        /// The only backend that it may touch; repeat for more
        #[arg(long = "backend", value_name = "BACKEND")]
        backends: Vec<String>,
        /// The only kind that it may touch; repeat for more
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<String>,
        /// Refuse it after this time, `90days` for instance
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        expires_in: Option<Duration>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleName {
    /// Objects, mappings, operations and events of one tenant
    Caller,
    /// Reads everything, changes nothing
    Viewer,
    /// Everything, backends and drivers too
    Operator,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Caller => Self::Caller,
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
        }
    }
}

pub(super) fn run(command: TokenCommand, connection: &Connection, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let TokenCommand::New { name, role, backends, kinds, expires_in } = command;
    let tenant = match &connection.tenant {
        Some(tenant) => Some(tenant.parse().map_err(|error| Failure::Usage(format!("--tenant: {error}")))?),
        None if Role::from(role) == Role::Caller => {
            return Err(Failure::Usage("a caller acts for one tenant: add --tenant NAME".to_owned()));
        }
        None => None,
    };
    let only = |names: Vec<String>| (!names.is_empty()).then(|| BTreeSet::from_iter(names));
    let token = Token::generate()?;
    let entry = TokenEntry {
        name,
        sha256: token.digest(),
        role: role.into(),
        tenant,
        backends: only(backends),
        kinds: only(kinds),
        expires_at: expires_in.map(|time| Expiry::from(SystemTime::now() + time)),
    };
    let stanza = toml::to_string(&json!({ "auth": { "token": [entry] } })).map_err(anyhow::Error::from)?;
    let answer = json!({ "token": token.expose(), "entry": entry });
    let people = |_: &Value| {
        format!(
            "The token, shown this once:\n\n  {}\n\nThe stanza for the server's configuration:\n\n{stanza}",
            token.expose()
        )
    };
    Ok(terminal.show(&answer, people)?)
}
