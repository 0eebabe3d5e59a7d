use http::Method;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Request, State, link, linked};

/// A policy that is being applied. It gets on each time that somebody asks.
pub struct Task {
    id: String,
    policy: String,
    status: &'static str,
    result: Value,
}

const COLLECTION: &str = "/mgmt/tm/asm/tasks/apply-policy";

impl Task {
    fn shown(&self) -> Value {
        json!({
            "kind": "tm:asm:tasks:apply-policy:apply-policy-taskstate",
            "selfLink": link(&format!("{COLLECTION}/{}", self.id))["link"],
            "id": self.id,
            "status": self.status,
            "startTime": "2026-01-01T00:00:00Z",
            "policyReference": link(&format!("/mgmt/tm/asm/policies/{}", self.policy)),
            "result": self.result,
        })
    }
}

impl State {
    pub fn apply(&mut self, request: &Request) -> Answer {
        if request.method != Method::POST {
            return Err(request.wrong_method());
        }
        let given = request.object("task", &["policyReference"])?;
        let Some(policy) = linked(given.get("policyReference"), "/mgmt/tm/asm/policies") else {
            return Err(Refusal::new(400, "Could not parse/validate the task. Invalid policy reference."));
        };
        self.policy_of(&policy)?;
        let task = Task { id: self.id(), policy, status: "NEW", result: Value::Null };
        let shown = task.shown();
        self.tasks.push(task);
        Ok((201, shown))
    }

    pub fn task(&mut self, request: &Request, id: &str) -> Answer {
        if request.method != Method::GET {
            return Err(request.wrong_method());
        }
        let fails = self.applying_fails;
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else {
            return Err(Refusal::not_found("task"));
        };
        match task.status {
            "NEW" => task.status = "STARTED",
            "STARTED" if fails => {
                (task.status, task.result) = ("FAILURE", json!({"message": "The enforcer did not take the policy"}));
            }
            "STARTED" => {
                (task.status, task.result) = ("COMPLETED", json!({}));
                let policy = task.policy.clone();
                if let Ok(policy) = self.policy_of(&policy) {
                    policy.object.insert("isModified".to_owned(), false.into());
                }
            }
            _ => {}
        }
        let task = self.tasks.iter().find(|task| task.id == id);
        Ok((200, task.map(Task::shown).unwrap_or_default()))
    }
}
