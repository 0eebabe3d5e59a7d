//! What comes back from a `transact`: one answer for each operation, in order (RFC 7047, section 4.1.3).

use crosspoint_sdk::json_rpc;
use crosspoint_sdk::prelude::*;
use serde_json::{Map, Value};

use crate::column::tagged;
use crate::faults;
use crate::plan::Role;

/// A row: values by column.
pub type Row = Map<String, Value>;

/// The rows that a plan asked for.
#[derive(Debug, Default)]
pub struct Answers {
    pub objects: Vec<Row>,
    pub interfaces: Vec<Row>,
    pub bridges: Vec<Row>,
    pub switch: Vec<Row>,
}

/// One operation's answer.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    error: Option<String>,
    #[serde(default)]
    details: String,
    rows: Option<Vec<Row>>,
}

/// Reads the answers. An operation that failed, or the commit at the end, means that nothing at all has happened.
pub fn read(call: &Call, context: &[u8], reply: &Reply) -> Result<Answers, Fault> {
    let roles: Vec<Role> = serde_json::from_slice(context)
        .map_err(|error| Fault::Other(format!("the exchange's context cannot be read: {error}")))?;
    let results: Vec<Option<Answer>> = match json_rpc::Version::V1.reply(call, reply.message()?)? {
        json_rpc::Reply::Result(results) => results,
        json_rpc::Reply::Error(error) => return Err(faults::refused(&error)),
    };
    let mut answers = Answers::default();
    let mut existing = Vec::new();
    for (place, answer) in results.iter().enumerate() {
        // What comes after the first failure is null, so a null without one is no answer.
        let Some(answer) = answer else { return Err(malformed("an operation has no answer")) };
        let role = roles.get(place);
        if let Some(error) = &answer.error {
            let existing = existing.first().map(id).transpose()?;
            return Err(faults::failed(role, error, &answer.details, existing));
        }
        let Some(role) = role else { return Err(malformed("there are more answers than operations")) };
        let rows = || answer.rows.clone().ok_or_else(|| malformed("a select has no rows"));
        match role {
            Role::Effect | Role::Demand(_) => {}
            Role::Existing => existing.extend(rows()?),
            Role::Objects => answers.objects.extend(rows()?),
            Role::Interfaces => answers.interfaces.extend(rows()?),
            Role::Bridges => answers.bridges.extend(rows()?),
            Role::Switch => answers.switch.extend(rows()?),
        }
    }
    if results.len() < roles.len() {
        return Err(malformed("there are fewer answers than operations"));
    }
    Ok(answers)
}

/// The id of a row.
pub fn id(row: &Row) -> Result<String, Fault> {
    let id = row.get("_uuid").and_then(|id| tagged(id, "uuid")).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| malformed("a row has no id"))
}

pub fn malformed(why: &str) -> Fault {
    Fault::MalformedReply(format!("the database's reply makes no sense: {why}"))
}
