use std::time::Duration;

use clap::Args;
use http::HeaderName;
use http::header::ACCEPT;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::args::Connection;
use super::client::{Request, path};
use super::connect::Remote;
use super::failure::Failure;
use super::sse::{Event, Reader};
use super::terminal::{Output, Terminal, clean, text};

/// How long the server must have nothing to send before what is kept counts as shown.
const QUIET: Duration = Duration::from_secs(1);

/// How long to wait before following on after a lost connection.
const PAUSE: Duration = Duration::from_secs(1);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const AFTER_HELP: &str = "\
With --output json, each event is one line of JSON.

Examples:
  crosspoint events                             everything that is kept
  crosspoint events --after 4711                what came after
  crosspoint events --follow                    from now on, until interrupted
  crosspoint events --follow -o json | jq 'select(.type == \"mapping.unknown\")'";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct EventsArgs {
    /// Begin after this event's index; 0 is the oldest that is kept. Left out: all that is kept, or, with --follow,
    /// from now on
    #[arg(long, value_name = "N")]
    after: Option<u64>,
    /// Go on with what happens from now on, and connect again when the connection is lost
    #[arg(long, short = 'F')]
    follow: bool,
}

pub(super) async fn run(
    args: &EventsArgs,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let mut remote = connection.open(terminal)?;
    let after = args.after.or((!args.follow).then_some(0));
    let mut last = None;
    let mut connected = false;
    loop {
        let request = Request::get(path(&["events"]))
            .query("tenant", remote.tenant.clone())
            .query("after", after.filter(|_| last.is_none()))
            .header(LAST_EVENT_ID, last.as_deref())?
            .header(ACCEPT, Some("text/event-stream"))?;
        match remote.client.stream(request).await {
            Ok(body) => {
                connected = true;
                follow(body, args.follow, &mut last, &mut remote).await?;
            }
            // Before the first connection there is nothing to go on with: the address may be wrong.
            Err(Failure::Unreachable { .. }) if connected => {}
            Err(failure) => return Err(failure),
        }
        if !args.follow {
            return Ok(());
        }
        remote.terminal.note("the connection is lost; connecting again")?;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Shows events until the stream ends, or, unless they are followed, until it is quiet.
async fn follow(
    mut body: Incoming,
    forever: bool,
    last: &mut Option<String>,
    remote: &mut Remote<'_, '_>,
) -> Result<(), Failure> {
    let mut reader = Reader::default();
    loop {
        let frame = if forever {
            body.frame().await
        } else {
            let Ok(frame) = tokio::time::timeout(QUIET, body.frame()).await else { return Ok(()) };
            frame
        };
        // A broken stream ends like one that was ended: what came is shown, and the rest can be asked for again.
        let Some(Ok(frame)) = frame else { return Ok(()) };
        let Ok(piece) = frame.into_data() else { continue };
        for event in reader.take(&piece).map_err(anyhow::Error::from)? {
            show(&event, remote.terminal)?;
            *last = event.id.or(last.take());
        }
    }
}

fn show(event: &Event, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let line = match (terminal.output, serde_json::from_str::<Value>(&event.data)) {
        (Output::Json, Ok(data)) => data.to_string(),
        (Output::Table, Ok(data)) => people(&data),
        (_, Err(_)) => clean(&event.data),
    };
    Ok(terminal.say(&line)?)
}

fn people(event: &Value) -> String {
    let place = ["tenant", "backend", "kind", "cmp_id"]
        .map(|member| text(event, &format!("/{member}")))
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("/");
    let mut line = format!("{:>8}  {}  {:<20}", text(event, "/index"), text(event, "/at"), text(event, "/type"));
    let optional = [
        ("", place),
        ("= ", text(event, "/backend_id")),
        ("operation ", text(event, "/operation_id")),
        ("", text(event, "/driver")),
    ];
    for (mark, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
        line.push_str("  ");
        line.push_str(mark);
        line.push_str(&value);
    }
    clean(&line)
}
