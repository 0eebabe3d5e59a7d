//! Alerts: what some machine has seen, and what was decided about it.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target};
use serde_json::{Map, Value};

/// An alert, as CrowdSec shows it. It shows more than this, which is passed on as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "alert")]
pub struct Alert {
    /// Its id.
    pub id: u64,
    /// What was seen: a scenario's name, or what a person wrote.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    scenario: String,
    /// A text for people.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    message: String,
    /// The machine that has seen it.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    machine_id: String,
    /// When it came to be known, in UTC.
    pub created_at: Option<String>,
    /// What was decided about it; null where nothing was.
    pub decisions: Option<Vec<Decision>>,
}

/// What was decided.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(title = "alert-decision")]
pub struct Decision {
    /// Its id.
    pub id: u64,
    /// Why: the alert's scenario.
    #[serde(default)]
    pub scenario: String,
    /// What kind of thing it is about: `Ip`, `Range` or another.
    pub scope: String,
    /// What it is about.
    pub value: String,
    /// What shall be done: `ban`, `captcha` or another.
    #[serde(rename = "type")]
    pub kind: String,
    /// For how long yet; it starts with `-` when that is over.
    pub duration: String,
    /// Who has decided.
    #[serde(default)]
    pub origin: String,
}

/// The kind's description. Alerts come from machines; here they are looked at and cleared away.
pub fn describe() -> KindBuilder {
    kind("alert", "What some machine has seen")
        .result::<Alert>()
        .verbs([Verb::Read, Verb::Delete, Verb::List])
        .reissuable([Verb::Delete])
}

/// The request of a call.
pub fn encode(call: &Call) -> Result<Http, Fault> {
    match &call.verb {
        Verb::Read => Ok(Http::get(member(number(call.backend_id()?)?)?)),
        Verb::Delete => Ok(Http::delete(member(number(call.backend_id()?)?)?)),
        Verb::List => Ok(Http::get(all()?)),
        _ => Err(call.unsupported()),
    }
}

/// What a successful reply means.
pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let alert = |shown: &Map<String, Value>| match shown.get("id").and_then(Value::as_u64) {
        Some(id) => found(id.to_string(), shown),
        None => Err(Fault::MalformedReply("the reply holds an alert without an id".to_owned())),
    };
    match &call.verb {
        Verb::Read => {
            let shown: Map<String, Value> = reply.json()?;
            outcome(&shown)?.id(alert(&shown)?.backend_id).into()
        }
        Verb::Delete => gone(reply),
        Verb::List => {
            let alerts: Option<Vec<Map<String, Value>>> = reply.json()?;
            let found = alerts.iter().flatten().map(alert).collect::<Result<_, _>>()?;
            outcome(&())?.found(found).into()
        }
        _ => Err(call.unsupported()),
    }
}

/// All alerts: the Local API has no pages, and without this limit it would stop at some.
pub fn all() -> Result<Target, Fault> {
    Ok(path("/v1/alerts", &[])?.query("limit", 0))
}

/// One alert.
pub fn member(id: u64) -> Result<Target, Fault> {
    path("/v1/alerts/{id}", &[("id", &id.to_string())])
}

/// An id, which is a number. Anything else is the id of nothing.
pub fn number(id: &str) -> Result<u64, Fault> {
    id.parse().map_err(|_| Fault::NotFound(format!("`{id}` is no id that CrowdSec gives")))
}

/// How many the Local API says that it has deleted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    nb_deleted: String,
}

/// How many were deleted.
pub fn deleted(reply: &HttpReply) -> Result<u64, Fault> {
    let Deleted { nb_deleted } = reply.json()?;
    nb_deleted.parse().map_err(|_| Fault::MalformedReply(format!("`{nb_deleted}` is no number of deleted objects")))
}

/// What the deletion of one object has come to.
pub fn gone(reply: &HttpReply) -> Result<Outcome, Fault> {
    match deleted(reply)? {
        0 => Err(Fault::NotFound("CrowdSec had nothing to delete".to_owned())),
        _ => outcome(&())?.into(),
    }
}
