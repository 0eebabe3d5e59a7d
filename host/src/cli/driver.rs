use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::Inspect;
use super::args::Connection;
use super::client::{Request, path};
use super::failure::Failure;
use super::input::read_bytes;
use super::terminal::{Terminal, clean, fields, items, table, text};

const AFTER_HELP: &str = "\
A driver is checked before it takes over: its contract, its limits, its fixtures, every backend's configuration. If a
check fails, the running version stays, and `driver list` says why. Calls under way end on the version they began on.

Examples:
  crosspoint driver inspect ./neutron.wasm      what is in the file? Asks no server
  crosspoint driver load neutron.wasm
  crosspoint driver list
  crosspoint driver rollback neutron";

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum DriverCommand {
    /// List the drivers, and the packages that were not taken
    List,
    /// Upload a driver; it is checked and takes over
    Load {
        /// The package (*.wasm); `-` is standard input
        file: PathBuf,
        /// Check and keep it, and leave the running version in place
        #[arg(long)]
        no_activate: bool,
    },
    /// Show what a package holds (FILE.wasm, offline), or what a loaded driver is (NAME)
    Inspect {
        /// A file or a driver's name
        what: String,
    },
    /// Put a kept version in place
    #[command(group(clap::ArgGroup::new("which").required(true)))]
    Activate {
        /// The driver's name
        name: String,
        /// Its digest, `sha256:…`
        #[arg(long, group = "which")]
        digest: Option<String>,
        /// Its version
        #[arg(long, group = "which")]
        version: Option<String>,
    },
    /// Put the version before this one back in place
    Rollback {
        /// The driver's name
        name: String,
    },
    /// Remove a driver that no backend uses
    Remove {
        /// The driver's name
        name: String,
    },
}

pub(super) async fn run(
    command: DriverCommand,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
    inspect: Inspect,
) -> Result<(), Failure> {
    let (request, people): (Request, fn(&Value) -> String) = match command {
        DriverCommand::List => (Request::get(path(&["drivers"])), list),
        DriverCommand::Load { file, no_activate } => {
            let package = read_bytes(&file, terminal)?;
            let request = Request::new(Method::POST, path(&["drivers"]))
                .query("activate", no_activate.then_some(false))
                .body("application/wasm", package.into());
            (request, driver)
        }
        DriverCommand::Inspect { what } if is_file(&what) => {
            let package = read_bytes(Path::new(&what), terminal)?;
            // A thread of its own: compiling takes seconds, and the inspection may want a runtime of its own.
            let summary = tokio::task::spawn_blocking(move || inspect(&package)).await.context("the inspection")??;
            return Ok(terminal.show(&summary, driver)?);
        }
        DriverCommand::Inspect { what } => (Request::get(path(&["drivers", &what])), driver),
        DriverCommand::Activate { name, digest, version } => {
            let which = match (digest, version) {
                (Some(digest), _) => json!({ "digest": digest }),
                (None, version) => json!({ "version": version }),
            };
            (Request::new(Method::POST, path(&["drivers", &name]) + ":activate").json(&which), driver)
        }
        DriverCommand::Rollback { name } => {
            (Request::new(Method::POST, path(&["drivers", &name]) + ":rollback").json(&json!({})), driver)
        }
        DriverCommand::Remove { name } => {
            let request = Request::new(Method::DELETE, path(&["drivers", &name]));
            let remote = connection.open(terminal)?;
            remote.client.send(request).await?;
            return Ok(remote.terminal.note(&format!("driver `{name}` is removed"))?);
        }
    };
    connection.open(terminal)?.show(request, people).await?;
    Ok(())
}

/// A name has no slash and no suffix, so what has either is meant to be a file even if there is none.
fn is_file(what: &str) -> bool {
    what.contains('/') || what == "-" || Path::new(what).extension().is_some_and(|suffix| suffix == "wasm")
}

fn list(drivers: &Value) -> String {
    let row = |driver: &Value| {
        ["name", "version", "state", "generation", "calls_in_flight", "kinds", "backends", "loaded_at"]
            .map(|member| text(driver, &format!("/{member}")))
    };
    let titles = ["NAME", "VERSION", "STATE", "GENERATION", "CALLS", "KINDS", "BACKENDS", "LOADED"];
    let mut parts = vec![table(titles, items(drivers, "/items").iter().map(row))];
    let kept = items(drivers, "/items").iter().filter_map(|driver| {
        let failure = driver.get("last_failure").filter(|failure| !failure.is_null())?;
        Some(("not taken, and the running version stays", failure))
    });
    let rejected = items(drivers, "/rejected").iter().map(|rejected| ("not taken", rejected));
    parts.extend(kept.chain(rejected).map(|(what, failure)| {
        fields([
            (what, text(failure, "/source")),
            ("at", text(failure, "/at")),
            ("digest", text(failure, "/digest")),
            ("because", text(failure, "/reason")),
        ])
    }));
    parts.join("\n\n")
}

/// One driver, as the server or the offline inspection tells it.
fn driver(driver: &Value) -> String {
    let description = driver.get("description").filter(|value| value.is_object()).unwrap_or(driver);
    let either = |member: &str| {
        let pointer = format!("/{member}");
        let own = text(driver, &pointer);
        if own.is_empty() { text(description, &pointer) } else { own }
    };
    let names = |pointer: &str, member: &str| {
        let names = items(description, pointer).iter().map(|item| match item {
            Value::String(name) => name.clone(),
            Value::Object(_) if item.get(member).is_some() => text(item, &format!("/{member}")),
            // An enum's case with something in it: `{"login": {…}}`.
            Value::Object(case) => case.keys().next().cloned().unwrap_or_default(),
            other => other.to_string(),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let versions = items(driver, "/history")
        .iter()
        .map(|entry| format!("{}  {}", text(entry, "/version"), text(entry, "/digest")))
        .collect::<Vec<_>>()
        .join("\n");
    let draining = items(driver, "/draining")
        .iter()
        .map(|old| format!("{}  {} calls", text(old, "/version"), text(old, "/calls_in_flight")))
        .collect::<Vec<_>>()
        .join("\n");
    let kinds = items(description, "/kinds");
    let described = kinds.iter().any(Value::is_object);
    let mut parts = vec![fields([
        ("name", either("name")),
        ("version", either("version")),
        ("summary", either("summary")),
        ("state", either("state")),
        ("loaded", text(driver, "/package/version")),
        ("contract", either("contract")),
        ("digest", either("digest")),
        ("size", either("size")),
        ("source", either("source")),
        ("active since", either("loaded_at")),
        ("generation", either("generation")),
        ("calls in flight", either("calls_in_flight")),
        ("draining", draining),
        ("backends", either("backends")),
        // A list or a load names the kinds alone; a description tells of each, below.
        ("kinds", if described { String::new() } else { names("/kinds", "name") }),
        ("endpoints", names("/endpoints", "name")),
        ("authentication", names("/authentication", "name")),
        ("probe", either("probe")),
        ("fixtures", either("fixtures")),
        ("kept versions", versions),
        ("not taken", text(driver, "/last_failure/reason")),
    ])];
    if described {
        parts.push(table(["KIND", "VERBS", "ACTIONS", "MARKER", "CREATION"], kinds.iter().map(kind)));
    }
    if driver.get("activated") == Some(&Value::Bool(false)) {
        let (name, digest) = (clean(&either("name")), clean(&text(driver, "/package/digest")));
        parts.push(format!("checked and kept: crosspoint driver activate {name} --digest {digest}"));
    }
    parts.join("\n\n")
}

fn kind(kind: &Value) -> [String; 5] {
    let names = |list: &str, member: &str| {
        items(kind, list).iter().map(|item| text(item, member)).collect::<Vec<_>>().join(" ")
    };
    [
        text(kind, "/name"),
        names("/verbs", "/verb"),
        names("/actions", "/name"),
        text(kind, "/marker"),
        text(kind, "/creation"),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_file_is_told_from_a_name() {
        for file in ["neutron.wasm", "./neutron", "/x/y", "-"] {
            assert!(is_file(file), "{file}");
        }
        assert!(!is_file("neutron"));
    }

    #[test]
    fn a_list_tells_why_a_package_was_not_taken() {
        let shown = list(&json!({
            "items": [{
                "name": "neutron", "version": "1.0.0", "state": "active", "generation": 3, "calls_in_flight": 0,
                "kinds": ["network", "port"], "backends": ["dc1"], "loaded_at": "2026-01-01T00:00:00.000Z",
                "last_failure": {"source": "neutron.wasm", "at": "t", "digest": "sha256:1", "reason": "fixture 3 fails"},
            }],
            "rejected": [{"source": "junk.wasm", "at": "t", "digest": "sha256:2", "reason": "no component"}],
        }));
        for part in ["network, port", "running version stays: neutron.wasm", "fixture 3 fails", "not taken: junk.wasm"]
        {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
    }

    #[test]
    fn a_description_shows_its_kinds_and_their_verbs() {
        let shown = driver(&json!({
            "name": "fw", "version": "1.0.0", "kinds": ["rule"],
            "description": {
                "summary": "A firewall", "endpoints": [{"name": "default"}],
                "authentication": ["none", {"login": {"secrets": []}}],
                "kinds": [{
                    "name": "rule", "verbs": [{"verb": "create"}, {"verb": "read"}],
                    "actions": [{"name": "reset"}], "marker": true, "creation": "duplicating",
                }],
            },
        }));
        for part in ["A firewall", "none, login", "rule  create read  reset    true    duplicating"] {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
    }
}
