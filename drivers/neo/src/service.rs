//! VLAN services: a VLAN on ports of several switches, which NEO configures and watches over.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target};
use serde_json::{Value, json};

use crate::job::{self, Token};
use crate::{Configuration, Object, page, skipped};

pub const NAME: &str = "vlan-service";
const COLLECTION: &str = "/neo/app/services";

/// Longest description that we give NEO, in characters.
const DESCRIPTION: usize = 255;

/// A VLAN on ports of several switches.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "vlan-service")]
struct Spec {
    /// A name for people.
    #[schemars(length(min = 1, max = 64))]
    name: String,
    /// A text for people.
    #[serde(default)]
    #[schemars(length(max = 220))]
    description: String,
    /// The VLAN's number.
    #[schemars(range(min = 1, max = 4094))]
    vlan: u16,
    /// NEO's ids of the ports that are in it.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    ports: Vec<String>,
}

/// A VLAN service as it is.
#[derive(JsonSchema)]
#[schemars(title = "vlan-service-result")]
#[allow(dead_code, reason = "it is there for its schema: what is shown are NEO's own values")]
struct View {
    /// NEO's id.
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    vlan: Option<u16>,
    ports: Option<Vec<String>>,
    /// What NEO does with it just now, `Idle` for instance.
    state: Option<String>,
    /// How it was configured last: `Completed`, `Completed With Errors`, `Unknown`.
    config_status: Option<String>,
    /// How it was validated last.
    validation_status: Option<String>,
    /// How many switches it is on.
    devices: Option<u32>,
    /// How many of them are not as they should be.
    faulty_devices: Option<u32>,
    /// What went wrong when NEO made it.
    problem: Option<String>,
}

/// The kind's description.
pub fn describe() -> KindBuilder {
    use Verb::{Create, Delete, Find, List, Poll, Read, Replace};
    kind(NAME, "A VLAN on ports of several switches")
        .spec::<Spec>()
        .result::<View>()
        .verbs([Create, Read, Replace, Delete, Find, List, Poll])
        .asynchronous([Create, Replace, Delete])
        .reissuable([Replace, Delete])
        .marker()
}

/// The request of a call.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let http = match call.verb {
        Verb::Create => Http::post(path(COLLECTION, &[])?).json(&body(call)?),
        Verb::Read => Http::get(member(call)?),
        Verb::Replace => Http::put(member(call)?).json(&body(call)?),
        Verb::Delete => Http::delete(member(call)?),
        Verb::Find => Http::get(all(call)?),
        Verb::List => {
            skipped(call)?;
            Http::get(all(call)?)
        }
        Verb::Poll => match Token::of(call)? {
            Token::Job(id) => return job::encode(id),
            Token::Made(_) => Http::get(all(call)?),
        },
        _ => return Err(call.unsupported()),
    };
    http.into_exchange()
}

/// What a successful reply means.
pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match call.verb {
        Verb::Create | Verb::Replace | Verb::Delete => match (job::of_location(reply), &call.verb) {
            (Some(id), _) => job::accepted(id),
            (None, Verb::Create) => created(call, reply),
            (None, Verb::Replace) => replaced(call),
            _ => outcome(&())?.into(),
        },
        Verb::Poll => match Token::of(call)? {
            Token::Job(id) => job::decode(call, id, reply),
            Token::Made(trouble) => made(call, trouble, reply),
        },
        Verb::Find => {
            let found = shown(reply)?.into_iter().filter(|shown| shown.marker.as_ref() == Some(&call.marker));
            outcome(&())?.found(found.map(Shown::found).collect::<Result<_, _>>()?).into()
        }
        Verb::List => page(call, shown(reply)?.into_iter().map(Shown::found).collect::<Result<_, _>>()?),
        _ => {
            let shown = Shown::new(&reply.json()?, Some(&call.marker))?;
            outcome(&shown.view)?.id(shown.id).into()
        }
    }
}

/// The services, to see that NEO answers and accepts the session.
pub fn encode_probe(call: &Call) -> Result<Exchange, Fault> {
    Http::get(all(call)?).into_exchange()
}

/// How many there are.
pub fn decode_probe(reply: &HttpReply) -> Result<Outcome, Fault> {
    let services: Vec<Object> = reply.json()?;
    outcome(&json!({"services": services.len()}))?.into()
}

/// What a replacement that is done leaves: NEO shows nothing of it, so the spec speaks.
pub fn replaced(call: &Call) -> Result<Outcome, Fault> {
    outcome(&asked_for(call, call.backend_id.as_deref())?)?.into()
}

/// A service as the spec has it.
fn asked_for(call: &Call, id: Option<&str>) -> Result<Value, Fault> {
    let Spec { name, description, vlan, ports } = call.spec()?;
    Ok(json!({"id": id, "name": name, "description": description, "vlan": vlan, "ports": ports}))
}

fn member(call: &Call) -> Result<Target, Fault> {
    path("/neo/app/services/{id}", &[("id", call.backend_id()?)])
}

/// All services of our type. There is no way to ask for less.
fn all(call: &Call) -> Result<Target, Fault> {
    Ok(path(COLLECTION, &[])?.query("service_type", service_type(call)?))
}

fn service_type(call: &Call) -> Result<String, Fault> {
    if call.configuration.is_null() {
        return Ok(crate::vlan());
    }
    Ok(call.configuration::<Configuration>()?.vlan_service_type)
}

fn body(call: &Call) -> Result<Value, Fault> {
    let spec: Spec = call.spec()?;
    Ok(json!({
        "name": spec.name,
        "serviceType": service_type(call)?,
        "description": marker::fit(&spec.description, &call.marker, DESCRIPTION, "/description")?,
        "config": {"vlanId": spec.vlan, "ports": spec.ports},
    }))
}

/// A service that NEO made at once: its id is in `Location`, and its attributes may be in the body.
fn created(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let attributes: Option<Object> = reply.json().ok();
    let shown = attributes.as_ref().and_then(|object| Shown::new(object, Some(&call.marker)).ok());
    let Some(id) = job::last_of(reply, "/neo/app/services/") else {
        return match shown {
            Some(shown) => outcome(&shown.view)?.id(shown.id).into(),
            None => {
                Err(Fault::MalformedReply("the reply to the creation names neither a service nor a job".to_owned()))
            }
        };
    };
    if shown.as_ref().is_some_and(|shown| shown.id != id) {
        return Err(Fault::MalformedReply("the reply to the creation names two services".to_owned()));
    }
    match shown {
        Some(shown) => outcome(&shown.view)?.id(id).into(),
        None => outcome(&asked_for(call, Some(id))?)?.id(id).into(),
    }
}

/// The service that a job made, found by its marker.
fn made(call: &Call, trouble: Option<&str>, reply: &HttpReply) -> Result<Outcome, Fault> {
    let mut found = shown(reply)?;
    found.retain(|shown| shown.marker.as_ref() == Some(&call.marker));
    match (found.pop(), trouble) {
        (Some(_), _) if !found.is_empty() => {
            Err(Fault::Other(format!("several services carry the marker `{}`: remove all but one", call.marker)))
        }
        (Some(mut shown), trouble) => {
            if let Some(trouble) = trouble {
                shown.view.insert("problem".to_owned(), trouble.into());
            }
            outcome(&shown.view)?.id(shown.id).into()
        }
        (None, Some(trouble)) => {
            Err(Fault::Rejected(Rejection { code: "job".to_owned(), message: trouble.to_owned(), retryable: false }))
        }
        (None, None) => Err(Fault::Other("NEO's job is done, but no service carries its marker".to_owned())),
    }
}

fn shown(reply: &HttpReply) -> Result<Vec<Shown>, Fault> {
    let services: Vec<Object> = reply.json()?;
    services.iter().map(|service| Shown::new(service, None)).collect()
}

/// A service as a CMP sees it, without the marker.
struct Shown {
    id: String,
    marker: Option<String>,
    view: Object,
}

impl Shown {
    /// Takes `marker` from the end of the description, or if there is none whatever looks like a marker.
    fn new(service: &Object, marker: Option<&str>) -> Result<Self, Fault> {
        let Some(id) = service.get("instanceID").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
            return Err(Fault::MalformedReply("the reply holds a service without an `instanceID`".to_owned()));
        };
        let config = service.get("config").and_then(Value::as_object);
        let of_config = |name: &str| config.and_then(|config| config.get(name));
        let members = [
            ("name", service.get("name")),
            ("vlan", of_config("vlanId")),
            ("ports", of_config("ports")),
            ("state", service.get("state")),
            ("config_status", service.get("lastConfigStatus")),
            ("validation_status", service.get("lastValidationStatus")),
            ("devices", service.get("numOfDevices")),
            ("faulty_devices", service.get("numOfFaultyDevices")),
        ];
        let member = |(name, value): (&str, Option<&Value>)| Some((name.to_owned(), value?.clone()));
        let mut view: Object = members.into_iter().filter_map(member).collect();
        let mut found = None;
        if let Some(description) = service.get("description").and_then(Value::as_str) {
            let (text, carried) = marker::split(description);
            let carried = carried.filter(|carried| marker.is_none_or(|marker| marker == *carried));
            view.insert("description".to_owned(), if carried.is_some() { text } else { description }.into());
            found = carried.map(str::to_owned);
        }
        view.insert("id".to_owned(), id.into());
        Ok(Self { id: id.to_owned(), marker: found, view })
    }

    fn found(self) -> Result<Found, Fault> {
        let mut found = found(self.id, &self.view)?;
        found.marker = self.marker;
        Ok(found)
    }
}
