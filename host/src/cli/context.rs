use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::Connection;
use super::connect::checked;
use super::contexts::{self, Context, Contexts};
use super::failure::Failure;
use super::input::read_secret;
use super::terminal::{Terminal, fields, items, table, text};

const AFTER_HELP: &str = "\
Contexts are kept in $XDG_CONFIG_HOME/crosspoint/contexts.toml, or the file that CROSSPOINT_CONTEXTS names, mode 0600.
A context's token is sent to that context's address and to no other.

Examples:
  crosspoint context set dc1 --url https://xp.dc1.example:8440 --token-file ~/dc1.token
  crosspoint context set dc1 --tenant acme
  crosspoint context use dc1";

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum ContextCommand {
    /// Make a context, or change what is given of one: --url, --tenant, --ca, --token-file. The first is put in use
    Set {
        /// The context's name
        name: String,
        /// Read the token from this file; `-` is standard input. Tokens are not given as arguments, which others can see
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Show a context, without its token
    Show {
        /// The context's name; the one in use when left out
        name: Option<String>,
    },
    /// List the contexts
    List,
    /// Put a context in use
    Use {
        /// The context's name
        name: String,
    },
}

pub(super) fn run(
    command: ContextCommand,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let path = contexts::file(terminal.environment)?;
    let mut contexts = Contexts::read(&path)?;
    match command {
        ContextCommand::Set { name, token_file } => {
            let mut context = contexts.contexts.remove(&name).unwrap_or_default();
            change(&mut context, connection, token_file, terminal)?;
            if context.url.is_empty() {
                return Err(Failure::Usage(format!("context `{name}` is new: say where its server is with --url URL")));
            }
            contexts.current.get_or_insert_with(|| name.clone());
            contexts.contexts.insert(name.clone(), context);
            contexts.write(&path)?;
            Ok(terminal.note(&format!("context `{name}` is set"))?)
        }
        ContextCommand::Show { name } => {
            let name = name.or_else(|| contexts.current.clone());
            let name = name.ok_or_else(|| Failure::Usage("no context is in use: name one".to_owned()))?;
            let context = find(&contexts, &name)?;
            let shown = shown(&contexts, &name, context);
            Ok(terminal.show(&shown, |shown| {
                let field = |label: &'static str| (label, text(shown, &format!("/{label}")));
                fields(["name", "url", "token", "tenant", "ca", "in_use"].map(field))
            })?)
        }
        ContextCommand::List => {
            let list: Vec<Value> =
                contexts.contexts.iter().map(|(name, context)| shown(&contexts, name, context)).collect();
            Ok(terminal.show(&json!({ "items": list }), |list| {
                let row = |context: &Value| {
                    let mark = if context["in_use"] == true { "*" } else { "" };
                    [mark.to_owned(), text(context, "/name"), text(context, "/url"), text(context, "/tenant")]
                };
                table(["", "NAME", "URL", "TENANT"], items(list, "/items").iter().map(row))
            })?)
        }
        ContextCommand::Use { name } => {
            find(&contexts, &name)?;
            contexts.current = Some(name.clone());
            contexts.write(&path)?;
            Ok(terminal.note(&format!("context `{name}` is in use"))?)
        }
    }
}

fn change(
    context: &mut Context,
    connection: &Connection,
    token_file: Option<PathBuf>,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    if let Some(url) = &connection.url {
        context.url = checked(url)?;
    }
    if let Some(tenant) = &connection.tenant {
        context.tenant = Some(tenant.clone());
    }
    if let Some(ca) = &connection.ca {
        context.ca = Some(std::path::absolute(ca)?);
    }
    if let Some(file) = token_file {
        context.token = Some(read_secret(&file, terminal)?);
    }
    Ok(())
}

fn find<'c>(contexts: &'c Contexts, name: &str) -> Result<&'c Context, Failure> {
    contexts.contexts.get(name).ok_or_else(|| Failure::Usage(format!("there is no context `{name}`")))
}

fn shown(contexts: &Contexts, name: &str, context: &Context) -> Value {
    json!({
        "name": name, "url": context.url, "tenant": context.tenant, "ca": context.ca,
        "token": context.token.as_ref().map(|_| "***"),
        "in_use": contexts.current.as_deref() == Some(name),
    })
}
