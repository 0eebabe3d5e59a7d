//! A commit: the job that puts the candidate configuration in force.
//!
//! It is a kind and not an action on the backend, because a job takes minutes and can fail, and only what has an object can
//! be pending and be asked after. The job's number is the id, and the commit's description carries the marker.

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use crate::answer::Answer;

/// The kind's name.
pub const NAME: &str = "commit";

/// Longest description of a commit, in characters.
const DESCRIPTION: usize = 512;

/// What is put in force: all that is in the candidate configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// What the commit is for.
    #[serde(default)]
    #[schemars(length(max = 477))]
    description: String,
}

/// A job as the firewall shows it.
#[derive(Debug, Serialize, JsonSchema)]
struct Job {
    /// The job's number.
    id: String,
    description: String,
    status: Status,
    /// Whether it was done; only a finished job has a result.
    result: Option<Verdict>,
    /// Percent.
    #[schemars(range(max = 100))]
    progress: u8,
    /// What the firewall says of it.
    details: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Status {
    /// It waits for another job.
    Pending,
    Active,
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Ok,
    Failed,
}

/// What the host is told of the kind.
pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A commit of the candidate configuration: a job, which is followed until it is done")
        .spec::<Spec>()
        .result::<Job>()
        .verbs([Verb::Create, Verb::Read, Verb::Find, Verb::List, Verb::Poll])
        .asynchronous([Verb::Create])
        .marker()
}

/// The request of a call.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    match call.verb {
        Verb::Create => {
            let spec: Spec = call.spec()?;
            let description = marker::fit(&spec.description, &call.marker, DESCRIPTION, "/description")?;
            let command = Element::new("commit").with(Element::new("description").with_text(description));
            crate::ask(&[("type", "commit"), ("cmd", &command.to_xml()?)])
        }
        Verb::Read => jobs(Element::new("id").with_text(call.backend_id()?)),
        Verb::Poll => jobs(Element::new("id").with_text(call.poll_token.as_deref().unwrap_or_default())),
        Verb::Find | Verb::List => jobs(Element::new("all")),
        _ => Err(call.unsupported()),
    }
}

fn jobs(which: Element) -> Result<Exchange, Fault> {
    let command = Element::new("show").with(Element::new("jobs").with(which));
    crate::ask(&[("type", "op"), ("cmd", &command.to_xml()?)])
}

/// What a successful reply means.
pub fn decode(call: &Call, answer: &Answer) -> Result<Outcome, Fault> {
    let jobs = answer.result().into_iter().flat_map(|result| result.named("job"));
    match call.verb {
        Verb::Create => match answer.result().and_then(|result| result.text_at("job")) {
            Some(id) => outcome(&())?.id(id).pending(id).into(),
            // A success, with nothing to show for it: the candidate is what is in force.
            None if answer.message().contains("no changes to commit") => Err(Fault::Conflict(answer.message())),
            None => Err(Fault::MalformedReply("the reply to a commit names no job".to_owned())),
        },
        Verb::Read | Verb::Poll => {
            let Some(element) = { jobs }.next() else {
                return Err(Fault::NotFound("the firewall does not know the job any more".to_owned()));
            };
            let job = Job::read(element, Some(&call.marker))?;
            let id = job.id.clone();
            match (&call.verb, job.status, job.result) {
                (Verb::Read, ..) | (_, Status::Finished, Some(Verdict::Ok)) => outcome(&job)?.id(id).into(),
                (_, Status::Finished, _) => Err(Fault::Rejected(Rejection {
                    code: "commit-failed".to_owned(),
                    message: format!("job {id} failed: {}", job.details.join("; ")),
                    retryable: false,
                })),
                _ => outcome(&job)?.id(&id).pending(&id).into(),
            }
        }
        Verb::Find | Verb::List => {
            let commits = jobs.filter(|job| job.text_at("type") == Some("Commit")).map(|job| {
                let marker = marker::split(job.text_at("description").unwrap_or_default()).1.map(str::to_owned);
                let job = Job::read(job, None)?;
                Ok(Found { marker, ..found(&job.id, &job)? })
            });
            let mut found = commits.collect::<Result<Vec<_>, Fault>>()?;
            if call.verb == Verb::Find {
                found.retain(|found| found.marker.as_ref() == Some(&call.marker));
            }
            outcome(&())?.found(found).into()
        }
        _ => Err(call.unsupported()),
    }
}

impl Job {
    /// Without `marker` in the description, or without whatever looks like one.
    fn read(job: &Element, marker: Option<&str>) -> Result<Self, Fault> {
        let Some(id) = job.text_at("id") else {
            return Err(Fault::MalformedReply("the reply holds a job without a number".to_owned()));
        };
        let status = match job.text_at("status") {
            Some("PEND") => Status::Pending,
            Some("ACT") => Status::Active,
            Some("FIN") => Status::Finished,
            _ => return Err(Fault::MalformedReply("the reply holds a job in no known state".to_owned())),
        };
        let result = match job.text_at("result") {
            Some("OK") => Some(Verdict::Ok),
            // Not done yet: there is a word for that too.
            _ if status != Status::Finished => None,
            _ => Some(Verdict::Failed),
        };
        let text = job.text_at("description").unwrap_or_default();
        let description = marker.map_or(marker::split(text).0, |marker| marker::strip(text, marker));
        let lines = |name| -> Vec<String> {
            job.child(name)
                .into_iter()
                .flat_map(|lines| lines.named("line"))
                .map(|line| line.text().to_owned())
                .collect()
        };
        // A finished job shows the time of its end here.
        let progress = job.text_at("progress").and_then(|progress| progress.parse().ok());
        Ok(Self {
            id: id.to_owned(),
            description: description.to_owned(),
            status,
            result,
            progress: progress.filter(|percent| *percent <= 100).unwrap_or(if status == Status::Finished {
                100
            } else {
                0
            }),
            details: lines("details"),
            warnings: lines("warnings"),
        })
    }
}
