use std::collections::HashMap;

use crosspoint_contract::{Action, Kind, Verb, Violation};
use serde_json::Value;

use super::schema::Schema;

/// A kind of object with its schemas compiled.
pub struct CheckedKind {
    pub(super) kind: Kind,
    pub(super) spec: Schema,
    pub(super) patch: Option<Schema>,
    pub(super) result: Schema,
    pub(super) actions: HashMap<String, CheckedAction>,
}

impl CheckedKind {
    /// What the driver says of the kind.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The action of this name on an object of the kind.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&CheckedAction> {
        self.actions.get(name)
    }

    /// Checks the spec of a verb. Verbs that take none, and actions that the kind lacks, have nothing to violate:
    /// whether the kind supports the verb is another question.
    ///
    /// # Errors
    /// Every place where the spec does not fit, up to a bound.
    pub fn validate_spec(&self, verb: &Verb, spec: &Value) -> Result<(), Vec<Violation>> {
        let schema = match verb {
            Verb::Create | Verb::Replace => Some(&self.spec),
            Verb::Update => self.patch.as_ref(),
            Verb::Action(name) => self.actions.get(name).map(|action| &action.spec),
            Verb::Read | Verb::Delete | Verb::Find | Verb::List | Verb::Poll | Verb::Probe | Verb::Login => None,
        };
        schema.map_or(Ok(()), |schema| schema.validate(spec))
    }

    /// Checks what an outcome says an object is now.
    ///
    /// # Errors
    /// Every place where it does not fit, up to a bound.
    pub fn validate_result(&self, result: &Value) -> Result<(), Vec<Violation>> {
        self.result.validate(result)
    }
}

/// An action with its schemas compiled.
pub struct CheckedAction {
    pub(super) action: Action,
    pub(super) spec: Schema,
    pub(super) result: Schema,
}

impl CheckedAction {
    /// What the driver says of the action.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Checks the action's spec.
    ///
    /// # Errors
    /// Every place where it does not fit, up to a bound.
    pub fn validate_spec(&self, spec: &Value) -> Result<(), Vec<Violation>> {
        self.spec.validate(spec)
    }

    /// Checks the action's result.
    ///
    /// # Errors
    /// Every place where it does not fit, up to a bound.
    pub fn validate_result(&self, result: &Value) -> Result<(), Vec<Violation>> {
        self.result.validate(result)
    }
}
