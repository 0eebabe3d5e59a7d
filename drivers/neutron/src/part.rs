//! Objects that are parts of others: rules of a quality-of-service policy. A part's collection is below the whole, its id
//! at Crosspoint is `WHOLE/PART`, and a page of parts is the parts of a page of wholes, because Neutron lists those of one
//! whole at a time and a list is of one backend.

use crosspoint_sdk::Target;
use crosspoint_sdk::prelude::*;
use serde_json::Value;

use crate::resource::{Kind, Object, plural};

/// What a kind's objects are parts of.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    /// The attribute of the spec that names the whole. Neutron has it in the path alone.
    pub attribute: &'static str,
    /// The collection of the wholes, below `/v2.0/`.
    pub path: &'static str,
    /// The member of a whole that holds its parts of every kind.
    pub member: &'static str,
    /// The `type` there of the parts of this kind.
    pub part: &'static str,
    /// How many parts of this kind a whole has at most.
    pub most: u32,
}

impl Within {
    /// The id of the whole that a call is about.
    pub fn whole(&self, call: &Call) -> Result<String, Fault> {
        if let Some(id) = &call.backend_id {
            return Ok(split(id)?.0.to_owned());
        }
        let spec: Object = call.spec()?;
        let id = spec.get(self.attribute).and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| Fault::invalid(format!("/{}", self.attribute), "it is required"))
    }

    /// Where the parts of this kind are made.
    pub fn collection(&self, kind: &Kind, call: &Call) -> Result<Target, Fault> {
        let template = format!("/v2.0/{}/{{whole}}/{}", self.path, kind.path);
        path(&template, &[("whole", &self.whole(call)?)])
    }

    /// Where one part is.
    pub fn member(&self, kind: &Kind, call: &Call) -> Result<Target, Fault> {
        let (whole, part) = split(call.backend_id()?)?;
        path(&format!("/v2.0/{}/{{whole}}/{}/{{part}}", self.path, kind.path), &[("whole", whole), ("part", part)])
    }

    /// The member that holds a page of wholes.
    pub fn plural(&self) -> String {
        plural(self.path)
    }

    /// The parts of this kind that a whole shows, and the whole's id.
    pub fn parts(&self, whole: Value) -> Result<(String, Vec<Value>), Fault> {
        let Value::Object(mut whole) = whole else {
            return Err(Fault::MalformedReply("the reply holds no object where one should be".to_owned()));
        };
        let (Some(Value::String(id)), Some(Value::Array(mut parts))) = (whole.remove("id"), whole.remove(self.member))
        else {
            let text = format!("the reply holds an object without an id or without its `{}`", self.member);
            return Err(Fault::MalformedReply(text));
        };
        parts.retain(|part| part.get("type").and_then(Value::as_str) == Some(self.part));
        Ok((id, parts))
    }
}

/// The id at Crosspoint.
pub fn join(whole: &str, part: &str) -> String {
    format!("{whole}/{part}")
}

/// The id of the whole and that of the part.
fn split(id: &str) -> Result<(&str, &str), Fault> {
    let parts = id.split_once('/').filter(|(whole, part)| !whole.is_empty() && !part.is_empty());
    parts.ok_or_else(|| Fault::invalid("", format!("`{id}` is not `POLICY/RULE`, the backend id of a policy's rule")))
}
