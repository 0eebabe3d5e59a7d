use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use http::Method;
use serde_json::{Value, json};

use super::args::{Connection, Page};
use super::client::{Request, path};
use super::failure::Failure;
use super::object;
use super::terminal::{Terminal, clean, fields, indented, items, table, text};

const AFTER_HELP: &str = "\
An operation is in doubt (`unknown`) when its exchange may have reached the backend and its outcome is not known.
`resolve` asks the backend: one read. Where the backend cannot tell, look there yourself, and say what you found.

Examples:
  crosspoint operation list --state unknown
  crosspoint operation show 0190…
  crosspoint operation resolve 0190…                                   ask the backend
  crosspoint operation resolve 0190… --applied --backend-id 8c0f…      it was done; this is the object
  crosspoint operation resolve 0190… --not-applied                     it was not done";

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum OperationCommand {
    /// List operations, the latest first
    List {
        /// On this backend
        #[arg(long)]
        backend: Option<String>,
        /// On this kind
        #[arg(long)]
        kind: Option<String>,
        /// On this CMP id
        #[arg(long, value_name = "ID")]
        cmp_id: Option<String>,
        /// In this state
        #[arg(long, value_parser = ["open", "succeeded", "failed", "unknown", "pending", "observed"])]
        state: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Show an operation
    Show {
        /// The operation's id
        id: String,
    },
    /// Ask the backend how a pending operation stands: one exchange
    Refresh {
        /// The operation's id
        id: String,
    },
    /// Settle an operation that is in doubt
    Resolve {
        /// The operation's id
        id: String,
        /// Say that the backend did it; no exchange
        #[arg(long, conflicts_with = "not_applied")]
        applied: bool,
        /// The backend's id of the object
        #[arg(long, value_name = "ID", requires = "applied", value_parser = NonEmptyStringValueParser::new())]
        backend_id: Option<String>,
        /// Say that the backend did not do it; no exchange
        #[arg(long)]
        not_applied: bool,
    },
}

pub(super) async fn run(
    command: OperationCommand,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (id, verb, body) = match command {
        OperationCommand::List { backend, kind, cmp_id, state, page } => {
            let mut remote = connection.open(terminal)?;
            let request = Request::get(path(&["operations"]))
                .query("tenant", remote.tenant.clone())
                .query("backend", backend)
                .query("kind", kind)
                .query("cmp_id", cmp_id)
                .query("state", state)
                .query("limit", page.limit)
                .query("cursor", page.cursor);
            remote.show(request, list).await?;
            return Ok(());
        }
        OperationCommand::Show { id } => {
            connection.open(terminal)?.show(Request::get(path(&["operations", &id])), operation).await?;
            return Ok(());
        }
        OperationCommand::Refresh { id } => (id, "refresh", json!({})),
        OperationCommand::Resolve { id, applied, backend_id, not_applied } => {
            let decision = match (applied, not_applied, backend_id) {
                (true, _, Some(backend_id)) => json!({ "decision": "applied", "backend_id": backend_id }),
                (true, _, None) => json!({ "decision": "applied" }),
                (false, true, _) => json!({ "decision": "not_applied" }),
                (false, false, _) => json!({}),
            };
            (id, "resolve", decision)
        }
    };
    let remote = connection.open(terminal)?;
    let address = format!("{}:{verb}", path(&["operations", &id]));
    let answer = remote.client.send(Request::new(Method::POST, address).json(&body)).await?;
    object::tell(&answer, remote.terminal)
}

fn list(operations: &Value) -> String {
    let row = |operation: &Value| {
        ["/id", "/state", "/sent", "/verb", "/backend", "/kind", "/cmp_id", "/started_at", "/problem/code"]
            .map(|pointer| text(operation, pointer))
    };
    let titles = ["ID", "STATE", "SENT", "VERB", "BACKEND", "KIND", "CMP ID", "STARTED", "PROBLEM"];
    let shown = table(titles, items(operations, "/items").iter().map(row));
    match text(operations, "/next_cursor") {
        cursor if cursor.is_empty() => shown,
        cursor => format!("{shown}\n\nmore with --cursor {}", clean(&cursor)),
    }
}

fn operation(operation: &Value) -> String {
    let id = text(operation, "/id");
    let next = match text(operation, "/state").as_str() {
        "unknown" => format!("crosspoint operation resolve {id}"),
        "pending" => format!("crosspoint operation refresh {id}"),
        _ => String::new(),
    };
    let member = |name: &'static str, pointer: &str| (name, text(operation, pointer));
    fields([
        member("id", "/id"),
        member("state", "/state"),
        member("sent", "/sent"),
        member("verb", "/verb"),
        member("tenant", "/tenant"),
        member("backend", "/backend"),
        member("kind", "/kind"),
        member("cmp id", "/cmp_id"),
        member("caller", "/caller"),
        member("driver", "/driver"),
        member("idempotency key", "/idempotency_key"),
        member("started", "/started_at"),
        member("deadline", "/deadline"),
        member("finished", "/finished_at"),
        member("problem", "/problem/code"),
        member("because", "/problem/detail"),
        member("resolved by", "/resolution/by"),
        member("resolved at", "/resolution/at"),
        ("result", indented(operation, "/result")),
        ("next", next),
    ])
}
