use http::Method;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Request, State, Told};

/// A change that NEO works on. It gets on each time that somebody asks.
pub struct Job {
    id: u32,
    asked: u32,
    trouble: Option<Trouble>,
}

/// What a job can end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Not all switches were configured.
    Errors,
    /// Nothing was done.
    Failed,
}

impl Job {
    fn shown(&self) -> Value {
        let (status, progress, summary) = match (self.asked, self.trouble) {
            (0 | 1, _) => ("Running", 50, Value::Null),
            (_, None) => ("Completed", 100, "".into()),
            (_, Some(Trouble::Errors)) => ("Completed With Errors", 100, "1 of 2 switches did not answer".into()),
            (_, Some(Trouble::Failed)) => ("Failed", 0, "No switch answered".into()),
        };
        json!({"ID": self.id.to_string(), "Status": status, "Progress": progress, "Summary": summary})
    }
}

impl State {
    /// A new job, named by its URL.
    pub fn accepted(&mut self) -> Told {
        let id = self.id();
        self.jobs.push(Job { id, asked: 0, trouble: self.trouble.take() });
        Told { location: Some(format!("/neo/app/jobs/{id}")), ..Told::new(202, "") }
    }

    pub fn job(&mut self, request: &Request, id: &str) -> Answer {
        request.only(&Method::GET)?;
        let Some(job) = self.jobs.iter_mut().find(|job| job.id.to_string() == id) else {
            return Err(Refusal::not_found("job"));
        };
        job.asked += 1;
        Ok(Told::new(200, job.shown()))
    }
}
