//! Outcomes.

use crosspoint_contract::{Fault, Found, Json, Outcome, SessionGrant, State};
use serde::Serialize;

/// An outcome in the making, see [`outcome`].
#[derive(Clone, Debug)]
#[must_use = "an outcome says nothing until it is returned"]
pub struct OutcomeBuilder(Outcome);

/// An active object with this result: `outcome(&rule)?.id(&rule.id).revision(reply.etag()).into()`.
///
/// # Errors
/// [`Fault::Other`] where `result` cannot be written as JSON.
pub fn outcome<T: Serialize + ?Sized>(result: &T) -> Result<OutcomeBuilder, Fault> {
    Ok(OutcomeBuilder(Outcome { result: json(result)?, ..Outcome::default() }))
}

impl OutcomeBuilder {
    /// The backend's id of the object; `create` must give it.
    pub fn id(mut self, backend_id: impl Into<String>) -> Self {
        self.0.backend_id = Some(backend_id.into());
        self
    }

    /// The object's revision, if the backend keeps one.
    pub fn revision(mut self, revision: Option<impl Into<String>>) -> Self {
        self.0.revision = revision.map(Into::into);
        self
    }

    /// The backend works on it still; `poll_token` is what verb `poll` needs to ask again.
    pub fn pending(mut self, poll_token: impl Into<String>) -> Self {
        self.0.state = State::Pending(poll_token.into());
        self
    }

    /// What the host shall keep for the object and give with every later call.
    ///
    /// # Errors
    /// [`Fault::Other`] where `attributes` cannot be written as JSON.
    pub fn attributes<T: Serialize + ?Sized>(mut self, attributes: &T) -> Result<Self, Fault> {
        self.0.attributes = json(attributes)?;
        Ok(self)
    }

    /// The objects of a `find` or a `list`.
    pub fn found(mut self, found: Vec<Found>) -> Self {
        self.0.found = found;
        self
    }

    /// Where a `list` goes on; `None` at its end.
    pub fn next_page(mut self, token: Option<impl Into<String>>) -> Self {
        self.0.next_page = token.map(Into::into);
        self
    }

    /// The session of a `login`.
    pub fn session(mut self, grant: SessionGrant) -> Self {
        self.0.session = Some(grant);
        self
    }

    /// The outcome.
    #[must_use]
    pub fn build(self) -> Outcome {
        self.0
    }
}

/// So that `decode` can end in `.into()`.
impl From<OutcomeBuilder> for Result<Outcome, Fault> {
    fn from(builder: OutcomeBuilder) -> Self {
        Ok(builder.build())
    }
}

/// One object of a `find` or a `list`; set `revision` and `marker` as fields where they are known.
///
/// # Errors
/// [`Fault::Other`] where `result` cannot be written as JSON.
pub fn found<T: Serialize + ?Sized>(backend_id: impl Into<String>, result: &T) -> Result<Found, Fault> {
    Ok(Found { backend_id: backend_id.into(), result: json(result)?, ..Found::default() })
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Json, Fault> {
    Json::of(value).map_err(|error| Fault::Other(format!("a result cannot be written as JSON: {error}")))
}
