use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::args::Connection;
use super::client::{Request, path};
use super::failure::Failure;
use super::input::{Spec, read_json};
use super::object::{self, ActionOptions};
use super::references;
use super::terminal::{Terminal, fields, indented, items, table, text};

const AFTER_HELP: &str = r#"A backend's file:
  {
    "driver": "neutron",
    "endpoints": {"default": "https://neutron.dc1:9696", "identity": "https://keystone.dc1:5000"},
    "authentication": {
      "scheme": "login",
      "secrets": {"username": "crosspoint", "password": {"env": "DC1_PASSWORD"}}
    },
    "tls": {"ca": {"file": "dc1-ca.pem"}},
    "limits": {"mutation_concurrency": 4}
  }

A secret (and what is under "tls") may point at its value with {"env": "NAME"} or {"file": "PATH"}: this command puts
it in. The server seals secrets and never shows them again; {"set": true} leaves the stored one as it is, so what
`backend get -o json` prints can be edited and put back.

Examples:
  DC1_PASSWORD=… crosspoint backend put dc1 -f dc1.json
  crosspoint backend probe dc1"#;

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum BackendCommand {
    /// List the backends
    List,
    /// Make a backend, or replace its configuration
    Put {
        /// The backend's name
        name: String,
        /// Its configuration (JSON); `-` is standard input
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
    },
    /// Show a backend's configuration, without its secrets
    Get {
        /// The backend's name
        name: String,
    },
    /// Remove a backend that has no mappings
    Remove {
        /// The backend's name
        name: String,
    },
    /// Ask a backend whether it answers: one harmless exchange
    Probe {
        /// The backend's name
        name: String,
    },
    /// Run an action on the backend as a whole
    Action {
        /// The backend's name
        name: String,
        /// The action, as `driver inspect` shows it
        action: String,
        #[command(flatten)]
        spec: Spec,
        #[command(flatten)]
        options: ActionOptions,
    },
}

pub(super) async fn run(
    command: BackendCommand,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (request, people): (Request, fn(&Value) -> String) = match command {
        BackendCommand::List => (Request::get(path(&["backends"])), list),
        BackendCommand::Get { name } => (Request::get(path(&["backends", &name])), backend),
        BackendCommand::Put { name, file } => {
            let mut settings = read_json(&file, terminal)?;
            references::resolve(&mut settings, terminal)?;
            if let Some(members) = settings.as_object_mut() {
                // The server's own, which `backend get` shows and a configuration does not have.
                for own in ["name", "revision", "problem", "lanes"] {
                    members.remove(own);
                }
            }
            (Request::new(Method::PUT, path(&["backends", &name])).json(&settings), backend)
        }
        BackendCommand::Remove { name } => {
            let request = Request::new(Method::DELETE, path(&["backends", &name]));
            let remote = connection.open(terminal)?;
            remote.client.send(request).await?;
            return Ok(remote.terminal.note(&format!("backend `{name}` is removed"))?);
        }
        BackendCommand::Probe { name } => {
            (Request::new(Method::POST, path(&["backends", &name]) + ":probe").reading().json(&json!({})), probe)
        }
        BackendCommand::Action { name, action, spec, options } => {
            let address = path(&["backends", &name, "actions", &action]);
            return object::act(address, &spec, &options, connection, terminal).await;
        }
    };
    connection.open(terminal)?.show(request, people).await?;
    Ok(())
}

fn list(backends: &Value) -> String {
    let row = |backend: &Value| {
        ["/name", "/driver", "/endpoints/default", "/authentication/scheme", "/problem/code"]
            .map(|pointer| text(backend, pointer))
    };
    table(["NAME", "DRIVER", "ADDRESS", "AUTHENTICATION", "PROBLEM"], items(backends, "/items").iter().map(row))
}

fn backend(backend: &Value) -> String {
    let secrets = backend.pointer("/authentication/secrets").and_then(Value::as_object);
    let lines = |pointer: &str| {
        let members = backend.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
        members.map(|(name, value)| format!("{name}  {}", text(value, ""))).collect::<Vec<_>>().join("\n")
    };
    let load = items(backend, "/lanes").iter().map(|lane| {
        format!("{}  {} under way, {} waiting", text(lane, "/class"), text(lane, "/active"), text(lane, "/waiting"))
    });
    fields([
        ("name", text(backend, "/name")),
        ("driver", text(backend, "/driver")),
        ("endpoints", lines("/endpoints")),
        ("authentication", text(backend, "/authentication/scheme")),
        ("secrets", secrets.map(|secrets| secrets.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()),
        ("http version", text(backend, "/http_version")),
        ("tls", lines("/tls")),
        ("limits", lines("/limits")),
        ("configuration", indented(backend, "/configuration")),
        ("revision", text(backend, "/revision")),
        ("load", load.collect::<Vec<_>>().join("\n")),
        ("problem", text(backend, "/problem/detail")),
    ])
}

fn probe(probe: &Value) -> String {
    let latency = probe.get("latency_ms").and_then(Value::as_f64).unwrap_or_default();
    fields([
        ("backend", text(probe, "/backend")),
        ("answered in", format!("{latency:.1} ms")),
        ("result", indented(probe, "/result")),
    ])
}
