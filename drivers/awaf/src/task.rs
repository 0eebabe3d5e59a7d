//! `apply-policy`: a task that puts a policy's changes in force, and how it gets on.

use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::{link, policy};

const TASKS: &str = "/mgmt/tm/asm/tasks/apply-policy";

/// A task of the appliance.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "task")]
struct Task {
    /// The task's id.
    id: String,
    /// `NEW`, `STARTED`, `COMPLETED` or `FAILURE`.
    status: String,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    /// What came of it.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    result: Option<Value>,
}

/// The action's description.
pub fn describe() -> ActionBuilder {
    // To apply what is in force already changes nothing.
    action(policy::APPLY, "Put the policy's changes in force").result::<Task>().asynchronous().reissuable()
}

/// The request for a new task, or about one.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    match &call.verb {
        Verb::Action(name) if name == policy::APPLY => {
            let policy = link::to(policy::COLLECTION, call.backend_id()?)?;
            Http::post(path(TASKS, &[])?).json(&json!({"policyReference": policy})).into_exchange()
        }
        Verb::Poll => {
            let id = call.poll_token.as_deref().unwrap_or_default();
            Http::get(path("/mgmt/tm/asm/tasks/apply-policy/{id}", &[("id", id)])?).into_exchange()
        }
        _ => Err(call.unsupported()),
    }
}

/// How the task gets on.
pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let task: Task = reply.json()?;
    if task.id.is_empty() {
        return Err(Fault::MalformedReply("the reply holds a task without an id".to_owned()));
    }
    match task.status.as_str() {
        "COMPLETED" => outcome(&task)?.into(),
        "FAILURE" => {
            let message = task.result.as_ref().and_then(|result| result.get("message")).and_then(Value::as_str);
            Err(Fault::Rejected(Rejection {
                code: task.status.clone(),
                message: message.unwrap_or("the appliance could not apply the policy and did not say why").to_owned(),
                retryable: false,
            }))
        }
        // A task that is asked about keeps its id, whatever the reply says.
        _ => outcome(&task)?.pending(call.poll_token.as_ref().unwrap_or(&task.id)).into(),
    }
}
