//! Jobs: changes that NEO accepted and works on. It names a job by its URL, `/neo/app/jobs/{id}`, in `Location`.

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::service;

/// What is polled.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// The job of this id.
    Job(&'a str),
    /// A job that made a service is done; what is left is to see under which id. `Some` is what went wrong in the job.
    Made(Option<&'a str>),
}

const JOB: &str = "job:";
const MADE: &str = "made";
const TROUBLED: &str = "made:";

impl<'a> Token<'a> {
    /// What the call polls.
    pub fn of(call: &'a Call) -> Result<Self, Fault> {
        let token = call.poll_token.as_deref().unwrap_or_default();
        match (token.strip_prefix(JOB), token.strip_prefix(TROUBLED)) {
            (Some(id), _) if !id.is_empty() => Ok(Self::Job(id)),
            (None, Some(trouble)) => Ok(Self::Made(Some(trouble))),
            (None, None) if token == MADE => Ok(Self::Made(None)),
            _ => Err(Fault::Other(format!("`{token}` is no poll token of this driver"))),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Job(id) => format!("{JOB}{id}"),
            Self::Made(None) => MADE.to_owned(),
            Self::Made(Some(trouble)) => format!("{TROUBLED}{trouble}"),
        }
    }
}

/// What NEO says of a job.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Job {
    status: String,
    progress: Option<Value>,
    summary: Option<Value>,
}

/// Longest part of a job's summary that is passed on, in characters.
const SUMMARY: usize = 500;

/// How far a job is.
enum Progress {
    Going,
    Done,
    /// It has ended, and not all of it was done.
    Troubled(String),
}

impl Job {
    fn progress(&self) -> Progress {
        match self.status.as_str() {
            "Completed" => Progress::Done,
            "Completed With Errors" | "Failed" | "Error" | "Aborted" | "Canceled" | "Cancelled" => {
                let summary = match &self.summary {
                    Some(Value::String(text)) if !text.is_empty() => text.clone(),
                    Some(Value::Null) | None => "NEO does not say why".to_owned(),
                    Some(other) => other.to_string(),
                };
                let summary: String = summary.chars().take(SUMMARY).collect();
                Progress::Troubled(format!("the job ended as `{}`: {summary}", self.status))
            }
            // `Running`, `Pending`, `Created`, and whatever else is not the end.
            _ => Progress::Going,
        }
    }
}

/// The id of the job that a reply's `Location` names.
pub fn of_location(reply: &HttpReply) -> Option<&str> {
    last_of(reply, "/neo/app/jobs/")
}

/// The last segment of a reply's `Location`, where its path begins so.
pub fn last_of<'a>(reply: &'a HttpReply, start: &str) -> Option<&'a str> {
    let location = reply.header_text("location")?;
    let path = location.split(['?', '#']).next()?;
    let (_, id) = path.split_once(start)?;
    let id = id.trim_end_matches('/');
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// The outcome of a change that became a job.
pub fn accepted(id: &str) -> Result<Outcome, Fault> {
    outcome(&json!({"job": id}))?.pending(Token::Job(id).text()).into()
}

/// The request for a job.
pub fn encode(id: &str) -> Result<Exchange, Fault> {
    Http::get(path("/neo/app/jobs/{id}", &[("id", id)])?).into_exchange()
}

/// How a job gets on.
pub fn decode(call: &Call, id: &str, reply: &HttpReply) -> Result<Outcome, Fault> {
    let job: Job = reply.json()?;
    let makes = call.backend_id.is_none();
    match job.progress() {
        Progress::Going => {
            let shown = json!({"job": id, "status": job.status, "progress": job.progress});
            outcome(&shown)?.pending(Token::Job(id).text()).into()
        }
        // A job does not say what it made, and may have made it although it has errors.
        Progress::Done if makes => outcome(&json!({"job": id}))?.pending(Token::Made(None).text()).into(),
        Progress::Troubled(why) if makes => {
            outcome(&json!({"job": id}))?.pending(Token::Made(Some(&why)).text()).into()
        }
        // Nothing is left to show of what was deleted.
        Progress::Done if call.spec.is_null() => outcome(&())?.into(),
        Progress::Done => service::replaced(call),
        Progress::Troubled(message) => Err(Fault::Rejected(Rejection { code: job.status, message, retryable: false })),
    }
}
