use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use http::Method;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::args::Connection;
use super::client::{Answer, IDEMPOTENCY_KEY, Request, path};
use super::connect::Remote;
use super::failure::Failure;
use super::input::{Spec, label, labels};
use super::terminal::{Output, Terminal, clean, clean_lines, fields, indented, items, table, text};

const AFTER_HELP: &str = "\
Each command is one exchange with the backend (`release` and --dry-run make none). The answer of a change says what the
object is at the backend; an error says whether the backend was reached. A change that is repeated with the same
--idempotency-key is not done twice.

Examples:
  crosspoint object put dc1 network net-42 --spec '{\"name\":\"blue\"}' --label env=prod
  crosspoint object put dc1 network net-42 -f blue.json --dry-run      which exchange would it be?
  crosspoint object patch dc1 network net-42 --spec '{\"name\":\"green\"}' --if-match 7
  crosspoint object action dc1 router r-1 add_router_interface --spec '{\"subnet_id\":\"…\"}'
  crosspoint object adopt dc1 network net-43 --backend-id 8c0f…        take over what is there already";

#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(super) enum ObjectCommand {
    /// Create an object, or replace it where it is mapped
    Put {
        #[command(flatten)]
        object: Object,
        #[command(flatten)]
        spec: Spec,
        /// A label to keep with the mapping, `key=value`; repeat for more
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
        /// Only create: refuse where the object is mapped
        #[arg(long, conflicts_with = "if_match")]
        if_none_match: bool,
        #[command(flatten)]
        options: ChangeOptions,
    },
    /// Read an object from its backend
    Get {
        #[command(flatten)]
        object: Object,
        /// Show the exchange, and make none
        #[arg(long)]
        dry_run: bool,
    },
    /// Change what the spec names, and nothing else
    Patch {
        #[command(flatten)]
        object: Object,
        #[command(flatten)]
        spec: Spec,
        /// A label to keep with the mapping, `key=value`; repeat for more
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
        #[command(flatten)]
        options: ChangeOptions,
    },
    /// Delete an object, and its mapping
    Delete {
        #[command(flatten)]
        object: Object,
        #[command(flatten)]
        options: ChangeOptions,
    },
    /// List the objects at the backend, mapped or not
    List {
        /// The backend's name
        backend: String,
        /// The kind
        kind: String,
        /// The most objects to ask for
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Go on where an earlier page ended
        #[arg(long, value_name = "PAGE")]
        page: Option<String>,
    },
    /// Run an action on an object. A key makes a repeat safe; where none is given, one is made and shown
    Action {
        #[command(flatten)]
        object: Object,
        /// The action, as `driver inspect` shows it
        action: String,
        #[command(flatten)]
        spec: Spec,
        #[command(flatten)]
        options: ActionOptions,
    },
    /// Map a CMP id to an object that the backend has already; one read checks that it is there. For operators
    Adopt {
        #[command(flatten)]
        object: Object,
        /// The backend's id of the object
        #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        backend_id: String,
        /// A label to keep with the mapping, `key=value`; repeat for more
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
    },
    /// Forget a mapping, and leave the backend alone
    Release {
        #[command(flatten)]
        object: Object,
    },
}

#[derive(Debug, Args)]
pub(super) struct Object {
    /// The backend's name
    backend: String,
    /// The kind
    kind: String,
    /// The CMP's id of the object
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    cmp_id: String,
}

impl Object {
    fn path(&self) -> String {
        path(&["backends", &self.backend, "objects", &self.kind, &self.cmp_id])
    }
}

#[derive(Debug, Args)]
pub(super) struct ChangeOptions {
    /// Only where the object is still at this entity tag, with or without its quotes; `*` is any
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    #[command(flatten)]
    action: ActionOptions,
}

#[derive(Debug, Args)]
pub(super) struct ActionOptions {
    /// A repeat with the same key is answered, and not done again
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Show the exchange, secrets hidden, and make none
    #[arg(long)]
    dry_run: bool,
}

impl ActionOptions {
    fn apply(&self, request: Request) -> Result<Request, Failure> {
        request.header(IDEMPOTENCY_KEY, self.idempotency_key.as_deref()).map(|request| dry(request, self.dry_run))
    }
}

impl ChangeOptions {
    fn apply(&self, request: Request) -> Result<Request, Failure> {
        let if_match = self.if_match.as_deref().map(quoted);
        self.action.apply(request.header(IF_MATCH, if_match.as_deref())?)
    }
}

/// An entity tag with the quotes that belong to it (RFC 9110, section 8.8.3), and that a shell tends to eat.
fn quoted(tag: &str) -> String {
    if tag == "*" || tag.contains('"') { tag.to_owned() } else { format!("\"{tag}\"") }
}

fn dry(request: Request, dry_run: bool) -> Request {
    if dry_run { request.reading().query("dry_run", Some(true)) } else { request }
}

fn change(spec: Value, given: &[(String, String)]) -> Value {
    let mut body = Map::from_iter([("spec".to_owned(), spec)]);
    body.extend(labels(given).map(|labels| ("labels".to_owned(), json!(labels))));
    Value::Object(body)
}

pub(super) async fn run(
    command: ObjectCommand,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let request = match command {
        ObjectCommand::Put { object, spec, labels, if_none_match, options } => {
            let body = change(spec.required(terminal)?, &labels);
            let request = options.apply(Request::new(Method::PUT, object.path()))?.json(&body);
            request.header(IF_NONE_MATCH, if_none_match.then_some("*"))?
        }
        ObjectCommand::Patch { object, spec, labels, options } => {
            let body = change(spec.required(terminal)?, &labels);
            options.apply(Request::new(Method::PATCH, object.path()))?.json(&body)
        }
        ObjectCommand::Get { object, dry_run } => dry(Request::get(object.path()), dry_run),
        ObjectCommand::Delete { object, options } => options.apply(Request::new(Method::DELETE, object.path()))?,
        ObjectCommand::Adopt { object, backend_id, labels: given } => {
            let labels = labels(&given).unwrap_or_default();
            Request::new(Method::POST, object.path() + ":adopt")
                .json(&json!({ "backend_id": backend_id, "labels": labels }))
        }
        ObjectCommand::Release { object } => Request::new(Method::POST, object.path() + ":release").json(&json!({})),
        ObjectCommand::List { backend, kind, limit, page } => {
            let mut remote = connection.open(terminal)?;
            let request = Request::get(path(&["backends", &backend, "objects", &kind]))
                .query("tenant", remote.tenant.clone())
                .query("limit", limit)
                .query("page", page);
            remote.show(request, list).await?;
            return Ok(());
        }
        ObjectCommand::Action { object, action, spec, options } => {
            let address = format!("{}/actions/{}", object.path(), path(&[&action]).trim_start_matches("/v1/"));
            return act(address, &spec, &options, connection, terminal).await;
        }
    };
    let mut remote = connection.open(terminal)?;
    show(request, &mut remote).await
}

/// Runs an action. The key is told before anything is sent: afterwards may be too late.
pub(super) async fn act(
    address: String,
    spec: &Spec,
    options: &ActionOptions,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let spec = spec.read(terminal)?.unwrap_or_else(|| json!({}));
    let mut request = options.apply(Request::new(Method::POST, address))?.json(&json!({ "spec": spec }));
    let mut remote = connection.open(terminal)?;
    if options.idempotency_key.is_none() {
        let key = Uuid::now_v7().to_string();
        if !options.dry_run {
            remote.terminal.note(&format!("idempotency key: {key}"))?;
        }
        request = request.header(IDEMPOTENCY_KEY, Some(&key))?;
    }
    show(request, &mut remote).await
}

async fn show(request: Request, remote: &mut Remote<'_, '_>) -> Result<(), Failure> {
    let request = request.query("tenant", remote.tenant.clone());
    let answer = remote.client.send(request).await?;
    tell(&answer, remote.terminal)
}

/// Shows the answer of an object route, and to people also what its status and headers say.
pub(super) fn tell(answer: &Answer, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let etag = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    terminal.show(&answer.body, |body| object(body, etag))?;
    if terminal.output == Output::Table {
        notes(answer, terminal)?;
    }
    Ok(())
}

fn notes(answer: &Answer, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    if answer.headers.contains_key("idempotency-replayed") {
        terminal.note("this is the answer to the first call with this key; nothing was done again")?;
    }
    if answer.status == http::StatusCode::ACCEPTED {
        let id = text(&answer.body, "/operation/id");
        terminal.note(&format!("the backend is still at work: crosspoint operation refresh {}", clean(&id)))?;
    }
    Ok(())
}

/// What the object is mapped to, and what the backend says of it.
fn object(answer: &Value, etag: &str) -> String {
    if answer.get("dry_run") == Some(&Value::Bool(true)) {
        return exchange(answer);
    }
    let members = [
        ("cmp id", "/mapping/cmp_id"),
        ("backend id", "/mapping/backend_id"),
        ("state", "/mapping/state"),
        ("tenant", "/mapping/tenant"),
        ("backend", "/mapping/backend"),
        ("kind", "/mapping/kind"),
        ("labels", "/mapping/labels"),
        ("backend revision", "/mapping/backend_revision"),
        ("marker", "/mapping/marker"),
        ("updated", "/mapping/updated_at"),
        ("operation", "/operation/id"),
        ("outcome", "/operation/state"),
    ];
    let known = members.map(|(name, pointer)| (name, text(answer, pointer)));
    let known = fields(known.into_iter().chain([("etag", etag.to_owned())]));
    match indented(answer, "/result") {
        nothing if nothing.is_empty() => known,
        result => format!("{known}\n\n{}", clean_lines(&result)),
    }
}

fn list(objects: &Value) -> String {
    let row = |object: &Value| ["/backend_id", "/cmp_id", "/revision"].map(|pointer| text(object, pointer));
    let shown = table(["BACKEND ID", "CMP ID", "REVISION"], items(objects, "/items").iter().map(row));
    match text(objects, "/next_page") {
        page if page.is_empty() => shown,
        page => format!("{shown}\n\nmore with --page {}", clean(&page)),
    }
}

/// The exchange that a dry run did not make.
fn exchange(answer: &Value) -> String {
    let exchange = answer.get("exchange").unwrap_or(&Value::Null);
    let headers =
        items(exchange, "/headers").iter().map(|header| format!("{}: {}", text(header, "/0"), text(header, "/1")));
    let mut lines = vec![
        format!("dry run: nothing was sent to endpoint `{}`", text(exchange, "/endpoint")),
        String::new(),
        format!("{} {}", text(exchange, "/method"), text(exchange, "/url")),
    ];
    lines.extend(headers);
    match exchange.get("body") {
        None | Some(Value::Null) => {}
        Some(Value::String(body)) => lines.extend([String::new(), body.clone()]),
        Some(body) => lines.extend([String::new(), format!("{body:#}")]),
    }
    clean_lines(&lines.join("\n"))
}
