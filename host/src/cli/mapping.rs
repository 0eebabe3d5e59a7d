use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use http::Method;
use serde_json::{Value, json};

use super::args::{Connection, Page};
use super::client::{Request, path};
use super::failure::Failure;
use super::input::label;
use super::terminal::{Terminal, clean, items, table, text};

const AFTER_HELP: &str = "\
Examples:
  crosspoint mapping list --backend dc1 --kind network --label env=prod
  crosspoint mapping list --state unknown                        what is in doubt
  crosspoint mapping lookup dc1 network --cmp-id net-42          which backend object is it?
  crosspoint mapping lookup dc1 network --backend-id 8c0f…       and the other way round";

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum MappingCommand {
    /// List mappings; all of them when nothing narrows it
    List {
        /// Of this backend
        #[arg(long)]
        backend: Option<String>,
        /// Of this kind
        #[arg(long)]
        kind: Option<String>,
        /// Of this CMP id
        #[arg(long, value_name = "ID")]
        cmp_id: Option<String>,
        /// Of this backend id
        #[arg(long, value_name = "ID")]
        backend_id: Option<String>,
        /// With this label, `key=value`; repeat for more, and all must be there
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
        /// In this state
        #[arg(long, value_parser = ["creating", "active", "updating", "deleting", "pending", "unknown"])]
        state: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Look ids up, either way; repeat the options for more
    #[command(group(clap::ArgGroup::new("ids").required(true).multiple(true)))]
    Lookup {
        /// The backend's name
        backend: String,
        /// The kind
        kind: String,
        /// A CMP id
        #[arg(long = "cmp-id", value_name = "ID", group = "ids", value_parser = NonEmptyStringValueParser::new())]
        cmp_ids: Vec<String>,
        /// A backend id
        #[arg(long = "backend-id", value_name = "ID", group = "ids", value_parser = NonEmptyStringValueParser::new())]
        backend_ids: Vec<String>,
    },
}

pub(super) async fn run(
    command: MappingCommand,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let mut remote = connection.open(terminal)?;
    let tenant = remote.tenant.clone();
    match command {
        MappingCommand::List { backend, kind, cmp_id, backend_id, labels, state, page } => {
            let labels: Vec<String> = labels.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            let request = Request::get(path(&["mappings"]))
                .query("tenant", tenant)
                .query("backend", backend)
                .query("kind", kind)
                .query("cmp_id", cmp_id)
                .query("backend_id", backend_id)
                .query("label", (!labels.is_empty()).then(|| labels.join(",")))
                .query("state", state)
                .query("limit", page.limit)
                .query("cursor", page.cursor);
            remote.show(request, list).await?;
        }
        MappingCommand::Lookup { backend, kind, cmp_ids, backend_ids } => {
            // A CMP id means something within a tenant alone; a backend's id needs none.
            let by_cmp_id = |id: &String| match &tenant {
                Some(tenant) => json!({ "backend": backend, "kind": kind, "cmp_id": id, "tenant": tenant }),
                None => json!({ "backend": backend, "kind": kind, "cmp_id": id }),
            };
            let by_backend_id = |id: &String| json!({ "backend": backend, "kind": kind, "backend_id": id });
            let wanted: Vec<Value> =
                cmp_ids.iter().map(by_cmp_id).chain(backend_ids.iter().map(by_backend_id)).collect();
            let request =
                Request::new(Method::POST, path(&["mappings"]) + ":lookup").reading().json(&json!({ "items": wanted }));
            remote.show(request, |answer| found(answer, &cmp_ids, &backend_ids)).await?;
        }
    }
    Ok(())
}

const TITLES: [&str; 7] = ["TENANT", "BACKEND", "KIND", "CMP ID", "BACKEND ID", "STATE", "LABELS"];

fn row(mapping: &Value) -> [String; 7] {
    ["tenant", "backend", "kind", "cmp_id", "backend_id", "state", "labels"]
        .map(|member| text(mapping, &format!("/{member}")))
}

fn list(mappings: &Value) -> String {
    let shown = table(TITLES, items(mappings, "/items").iter().map(row));
    match text(mappings, "/next_cursor") {
        cursor if cursor.is_empty() => shown,
        cursor => format!("{shown}\n\nmore with --cursor {}", clean(&cursor)),
    }
}

/// The answers stand in the order of the questions; what is not mapped shows the id alone.
fn found(answer: &Value, cmp_ids: &[String], backend_ids: &[String]) -> String {
    let asked = cmp_ids.iter().map(|id| (Some(id), None)).chain(backend_ids.iter().map(|id| (None, Some(id))));
    let rows = asked.zip(items(answer, "/items")).map(|((cmp_id, backend_id), item)| match item.get("mapping") {
        Some(mapping) if !mapping.is_null() => row(mapping),
        _ => {
            let shown = |id: Option<&String>| id.cloned().unwrap_or_default();
            let nothing = String::new;
            [nothing(), nothing(), nothing(), shown(cmp_id), shown(backend_id), "not mapped".to_owned(), nothing()]
        }
    });
    table(TITLES, rows)
}
