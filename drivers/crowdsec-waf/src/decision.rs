//! Decisions: what shall be done to an address, and for how long.
//!
//! | who made it | its id here | is ended by |
//! |---|---|---|
//! | Crosspoint | its alert's, `17`: creation tells no other | its scenario, which ends with the marker and so is its own |
//! | anybody else | its alert's and its own, `17/231` | its own id |
//!
//! To delete by a decision's own id succeeds as often as it is tried, also for one that has long ended; to delete by the
//! scenario tells whether there was anything to end. But others may share a scenario that has no marker.

use std::net::IpAddr;

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{ActionBuilder, KindBuilder, Target};
use serde_json::json;

use crate::alert::{self, Alert};

/// The action that ends decisions by what they are about.
pub const REMOVAL: &str = "delete-decisions";

/// Longest scenario that every database of CrowdSec's takes, in characters.
const SCENARIO: usize = 255;

/// Who decided, as CrowdSec shows it.
const ORIGIN: &str = "crosspoint";

/// A ban, or a captcha to solve, for an address or a range of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "decision")]
struct Spec {
    /// Whether `value` is one address or a range.
    scope: Scope,
    /// The address (`198.51.100.7`, `2001:db8::7`), or the range (`198.51.100.0/24`).
    #[schemars(length(min = 2, max = 49))]
    value: String,
    /// What shall be done to it.
    #[serde(rename = "type")]
    remediation: Remediation,
    /// For how long, from the moment of creation: hours, minutes and seconds, such as `4h` or `1h30m`.
    #[schemars(length(min = 2, max = 20), regex(pattern = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"))]
    duration: String,
    /// Why, for people.
    #[serde(default = "default_reason")]
    #[schemars(length(min = 1, max = 220))]
    reason: String,
}

fn default_reason() -> String {
    "crosspoint".to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
enum Scope {
    /// One address.
    Ip,
    /// A range of addresses.
    Range,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Remediation {
    /// Let nothing through.
    Ban,
    /// Let through who solves a captcha.
    Captcha,
}

/// A decision, as CrowdSec shows it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "decision-result")]
struct Shown {
    /// What kind of thing it is about: `Ip`, `Range` or another.
    scope: String,
    /// What it is about.
    value: String,
    /// What shall be done: `ban`, `captcha` or another.
    #[serde(rename = "type")]
    remediation: String,
    /// For how long yet; as asked for where it was just made.
    duration: String,
    /// Why.
    reason: String,
    /// Who has decided: `crosspoint`, `cscli`, `crowdsec`, or another.
    origin: String,
    /// The id of its alert.
    alert: u64,
    /// Its own id, which creation does not tell.
    decision: Option<u64>,
    /// When its alert came to be known, in UTC, which creation does not tell.
    created_at: Option<String>,
}

/// How a decision can be ended, kept with the object.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Handle {
    /// It alone has this scenario.
    Scenario(String),
    /// Its own id.
    Decision(u64),
}

/// What decisions are about that shall end, whoever has made them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "delete-decisions")]
struct Removal {
    /// The address or the range, exactly as the decisions have it.
    #[schemars(length(min = 2, max = 49))]
    value: String,
    /// Only those of this type.
    #[serde(rename = "type")]
    remediation: Option<Remediation>,
}

/// How many have ended.
#[derive(Debug, Serialize, JsonSchema)]
struct Removed {
    /// How many have ended.
    deleted: u64,
}

/// The kind's description.
pub fn describe() -> KindBuilder {
    kind("decision", "A ban, or a captcha to solve, for an address or a range of them")
        .spec::<Spec>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete, Verb::Find, Verb::List])
        .reissuable([Verb::Delete])
        .creation(Creation::Duplicating)
        .marker()
}

/// The action's description.
pub fn removal() -> ActionBuilder {
    action(REMOVAL, "End all decisions about an address or a range, whoever has made them")
        .spec::<Removal>()
        .result::<Removed>()
        .reissuable()
}

/// The request of a call.
pub fn encode(call: &Call) -> Result<Http, Fault> {
    match &call.verb {
        Verb::Create => creation(call),
        Verb::Read => Ok(Http::get(alert::member(Id::of(call)?.alert)?)),
        Verb::Delete => end(call),
        Verb::Find => {
            let target = active()?.query("scenario", scenario(call, &call.spec::<Spec>()?)?);
            Ok(Http::get(target))
        }
        Verb::List => Ok(Http::get(active()?)),
        _ => Err(call.unsupported()),
    }
}

/// What a successful reply means.
pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Create => created(call, reply),
        Verb::Read => read(call, reply),
        Verb::Delete => alert::gone(reply),
        Verb::Find | Verb::List => {
            let alerts: Option<Vec<Alert>> = reply.json()?;
            let mut found = Vec::new();
            for known in alerts.iter().flatten().flat_map(known) {
                found.push(known.found()?);
            }
            if call.verb == Verb::Find {
                // A Local API that ignores the filter must not make a stranger's decision ours.
                found.retain(|found| found.marker.as_ref() == Some(&call.marker));
            }
            outcome(&())?.found(found).into()
        }
        _ => Err(call.unsupported()),
    }
}

/// The request of the action.
pub fn remove(call: &Call) -> Result<Http, Fault> {
    let spec: Removal = call.spec()?;
    if !is_address(&spec.value) && !is_range(&spec.value) {
        return Err(Fault::invalid("/value", "neither an address nor a range"));
    }
    let kind = spec.remediation.map(Remediation::name);
    Ok(Http::delete(path("/v1/decisions", &[])?.query("value", spec.value).query_if("type", kind)))
}

/// What has come of the action.
pub fn removed(reply: &HttpReply) -> Result<Outcome, Fault> {
    outcome(&Removed { deleted: alert::deleted(reply)? })?.into()
}

/// An alert about nothing but this decision.
fn creation(call: &Call) -> Result<Http, Fault> {
    let spec: Spec = call.spec()?;
    spec.check()?;
    let scenario = scenario(call, &spec)?;
    let body = json!([{
        "scenario": scenario,
        "scenario_hash": "",
        "scenario_version": "",
        "message": scenario,
        "events_count": 1,
        "events": [],
        // Both are required. CrowdSec takes what is no time for now, by its own clock; and the decision ends that long
        // after `stop_at`.
        "start_at": "",
        "stop_at": "",
        "capacity": 0,
        "leakspeed": "0",
        "simulated": false,
        "source": {"scope": spec.scope, "value": spec.value},
        "decisions": [{
            "type": spec.remediation,
            "scope": spec.scope,
            "value": spec.value,
            "duration": spec.duration,
            "origin": ORIGIN,
            "scenario": scenario,
        }],
    }]);
    Ok(Http::post(path("/v1/alerts", &[])?).json(&body))
}

fn created(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let ids: Vec<String> = reply.json()?;
    let id = match ids.as_slice() {
        [id] => id.parse::<u64>().ok(),
        _ => None,
    };
    let Some(id) = id else {
        return Err(Fault::MalformedReply(format!("one alert was to be made, and its id is told as {ids:?}")));
    };
    let spec: Spec = call.spec()?;
    let scenario = scenario(call, &spec)?;
    let shown = Shown {
        scope: format!("{:?}", spec.scope),
        value: spec.value,
        remediation: spec.remediation.name().to_owned(),
        duration: spec.duration,
        reason: spec.reason,
        origin: ORIGIN.to_owned(),
        alert: id,
        decision: None,
        created_at: None,
    };
    outcome(&shown)?.id(id.to_string()).attributes(&Handle::Scenario(scenario))?.into()
}

fn read(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let id = Id::of(call)?;
    let alert: Alert = reply.json()?;
    let Some(known) = known(&alert).find(|known| known.id() == id) else {
        return Err(Fault::NotFound(format!("alert {} has no such decision that is still in force", id.alert)));
    };
    let Found { backend_id, result, attributes, .. } = known.found()?;
    // What is kept already is as good.
    let attributes = if call.attributes.is_null() { attributes } else { Json::null() };
    Ok(Outcome { backend_id: Some(backend_id), result, attributes, ..Outcome::default() })
}

fn end(call: &Call) -> Result<Http, Fault> {
    let target = match call.attributes::<Handle>()? {
        Some(Handle::Scenario(scenario)) => path("/v1/decisions", &[])?.query("scenario", scenario),
        Some(Handle::Decision(id)) => path("/v1/decisions/{id}", &[("id", &id.to_string())])?,
        None => return Err(Fault::Other("nothing is kept by which this decision could be ended".to_owned())),
    };
    Ok(Http::delete(target))
}

/// Alerts with a decision in force. There is a filter for those that CrowdSec's own service has sent, but in 1.4.6 it
/// hides others too.
fn active() -> Result<Target, Fault> {
    Ok(alert::all()?.query("has_active_decision", true))
}

/// The reason with the marker.
fn scenario(call: &Call, spec: &Spec) -> Result<String, Fault> {
    marker::fit(&spec.reason, &call.marker, SCENARIO, "/reason")
}

/// A decision that is in force, beside its alert.
struct Known<'a> {
    alert: &'a Alert,
    decision: &'a alert::Decision,
}

fn known(alert: &Alert) -> impl Iterator<Item = Known<'_>> {
    let decisions = alert.decisions.iter().flatten();
    decisions.filter(|decision| !decision.duration.starts_with('-')).map(|decision| Known { alert, decision })
}

impl Known<'_> {
    /// The marker, if Crosspoint has made it.
    fn marker(&self) -> Option<&str> {
        marker::split(&self.decision.scenario).1.filter(|_| self.decision.origin == ORIGIN)
    }

    fn id(&self) -> Id {
        let decision = if self.marker().is_some() { None } else { Some(self.decision.id) };
        Id { alert: self.alert.id, decision }
    }

    fn found(&self) -> Result<Found, Fault> {
        let marker = self.marker();
        let scenario = &self.decision.scenario;
        let shown = Shown {
            scope: self.decision.scope.clone(),
            value: self.decision.value.clone(),
            remediation: self.decision.kind.clone(),
            duration: self.decision.duration.clone(),
            reason: marker.map_or(scenario.as_str(), |marker| marker::strip(scenario, marker)).to_owned(),
            origin: self.decision.origin.clone(),
            alert: self.alert.id,
            decision: Some(self.decision.id),
            created_at: self.alert.created_at.clone(),
        };
        let handle = match marker {
            Some(_) => Handle::Scenario(scenario.clone()),
            None => Handle::Decision(self.decision.id),
        };
        let attributes = Json::of(&handle).map_err(|error| Fault::Other(error.to_string()))?;
        Ok(Found { marker: marker.map(str::to_owned), attributes, ..found(self.id().to_string(), &shown)? })
    }
}

/// A decision's id here, see above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Id {
    alert: u64,
    decision: Option<u64>,
}

impl Id {
    fn of(call: &Call) -> Result<Self, Fault> {
        let id = call.backend_id()?;
        match id.split_once('/') {
            Some((alert, decision)) => {
                Ok(Self { alert: alert::number(alert)?, decision: Some(alert::number(decision)?) })
            }
            None => Ok(Self { alert: alert::number(id)?, decision: None }),
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.decision {
            Some(decision) => write!(f, "{}/{decision}", self.alert),
            None => write!(f, "{}", self.alert),
        }
    }
}

impl Remediation {
    const fn name(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Captcha => "captcha",
        }
    }
}

impl Spec {
    /// Checks what the schema cannot say, and what CrowdSec takes and makes nothing of.
    fn check(&self) -> Result<(), Fault> {
        let fits = match self.scope {
            Scope::Ip => is_address(&self.value),
            Scope::Range => is_range(&self.value),
        };
        if !fits {
            let what = if self.scope == Scope::Ip { "an IP address" } else { "a range such as 198.51.100.0/24" };
            return Err(Fault::invalid("/value", format!("this is not {what}")));
        }
        if !self.duration.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
            return Err(Fault::invalid("/duration", "it would be over at once"));
        }
        Ok(())
    }
}

fn is_address(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok()
}

fn is_range(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else { return false };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.bytes().all(|byte| byte.is_ascii_digit()) && length.parse::<u8>().is_ok_and(|length| length <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_are_told_apart_from_what_is_neither() {
        assert!(["198.51.100.7", "2001:db8::7"].iter().all(|value| is_address(value) && !is_range(value)));
        assert!(["198.51.100.0/24", "2001:db8::/128", "0.0.0.0/0"].iter().all(|value| is_range(value)));
        for neither in ["", "x", "198.51.100.7/33", "198.51.100.7/", "198.51.100.7/+1", "1.2.3", "1.2.3.4/1/2"] {
            assert!(!is_address(neither) && !is_range(neither), "{neither}");
        }
    }
}
