//! What NEO has discovered: systems and their ports. They are only looked at.

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::{Object, page, skipped};

/// A kind of object that NEO discovers.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    System,
    Port,
}

/// What NEO says of a system or a port, which depends on what it is. The names are NEO's own.
#[derive(JsonSchema)]
#[schemars(title = "resource", rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its schema: what is shown is NEO's own object")]
struct View {
    /// NEO's id of it.
    #[schemars(rename = "instanceID")]
    instance_id: String,
    name: Option<Value>,
    description: Option<Value>,
}

impl Resource {
    /// The resource of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::System, Self::Port].into_iter().find(|resource| resource.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Port => "port",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::System => "systems",
            Self::Port => "ports",
        }
    }

    /// The kind's description.
    pub fn describe(self) -> KindBuilder {
        let summary = match self {
            Self::System => "A switch, host or other device that NEO has discovered",
            Self::Port => "A port of a system",
        };
        kind(self.name(), summary).result::<View>().verbs([Verb::Read, Verb::List])
    }

    /// The request of a call.
    pub fn encode(self, call: &Call) -> Result<Exchange, Fault> {
        let target = match call.verb {
            Verb::List => {
                skipped(call)?;
                path("/neo/resources/{resources}", &[("resources", self.path())])?
            }
            Verb::Read => {
                let values = [("resources", self.path()), ("id", call.backend_id()?)];
                path("/neo/resources/{resources}/{id}", &values)?
            }
            _ => return Err(call.unsupported()),
        };
        Http::get(target).into_exchange()
    }

    /// What a successful reply means.
    pub fn decode(self, call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
        if call.verb == Verb::List {
            let objects: Vec<Object> = reply.json()?;
            let found = objects.iter().map(|object| found(id(object)?, object)).collect::<Result<_, _>>()?;
            return page(call, found);
        }
        let object = match reply.json()? {
            Value::Object(object) => object,
            // One that is asked for by its id may come as a list of one.
            Value::Array(objects) => match <[Value; 1]>::try_from(objects) {
                Ok([Value::Object(object)]) => object,
                Err(none) if none.is_empty() => {
                    return Err(Fault::NotFound(format!("NEO has no such {}", self.name())));
                }
                _ => return Err(Fault::MalformedReply("the reply holds more than the object asked for".to_owned())),
            },
            _ => return Err(Fault::MalformedReply("the reply holds no object".to_owned())),
        };
        outcome(&object)?.id(id(&object)?).into()
    }
}

fn id(object: &Object) -> Result<&str, Fault> {
    let id = object.get("instanceID").and_then(Value::as_str).filter(|id| !id.is_empty());
    id.ok_or_else(|| Fault::MalformedReply("the reply holds an object without an `instanceID`".to_owned()))
}
