use crosspoint_sdk::prelude::*;

/// What a device can do, which it says in its hello and a driver cannot see.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// What is changed and read: `running` where the device lets one write to it (capability `:writable-running`), else
    /// `candidate` (capability `:candidate`), where changes take effect with action `commit`.
    #[serde(default)]
    pub datastore: Datastore,
    /// A change that fails half-way is undone (capability `:rollback-on-error`, which nearly all devices have).
    #[serde(default = "yes")]
    pub rollback_on_error: bool,
}

/// A datastore that can be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Datastore {
    #[default]
    Running,
    Candidate,
}

impl Configuration {
    /// The configuration of the call's backend.
    ///
    /// # Errors
    /// Where it does not fit its schema.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        call.configuration()
    }

    /// The name of the datastore's element.
    pub fn datastore(&self) -> &'static str {
        match self.datastore {
            Datastore::Running => "running",
            Datastore::Candidate => "candidate",
        }
    }
}

fn yes() -> bool {
    true
}
