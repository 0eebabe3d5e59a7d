//! Descriptions, with defaults for all that a small driver need not say.

use crosspoint_contract::{
    Action, AuthScheme, Creation, Description, EndpointRole, Extensions, HttpProtocol, Json, Kind, Limits, Protocol,
    Verb, VerbSupport,
};
use schemars::JsonSchema;

use crate::schema;

/// A description in the making, see [`driver`].
#[derive(Clone, Debug)]
#[must_use]
pub struct DriverBuilder(Description);

/// A kind in the making, see [`kind`].
#[derive(Clone, Debug)]
#[must_use]
pub struct KindBuilder(Kind);

/// An action in the making, see [`action`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ActionBuilder(Action);

/// Starts a description: HTTP, one endpoint role `default`, an empty configuration, [`Limits::default`], no probe.
///
/// `name` and `version` must be those that [`export!`](crate::export!) is given.
pub fn driver(name: &str, version: &str, summary: &str) -> DriverBuilder {
    DriverBuilder(Description {
        name: name.to_owned(),
        version: version.to_owned(),
        summary: summary.to_owned(),
        protocol: Protocol::Http(HttpProtocol::default()),
        endpoints: vec![role("default", "the backend's API", true)],
        authentication: Vec::new(),
        configuration_schema: Json::trusted(EMPTY_OBJECT.to_owned()),
        kinds: Vec::new(),
        actions: Vec::new(),
        probe: false,
        limits: Limits::default(),
        extensions: Extensions::new(),
    })
}

/// Starts a kind: no verbs, no marker, duplicating creation, unconditional, any result.
pub fn kind(name: &str, summary: &str) -> KindBuilder {
    KindBuilder(Kind {
        name: name.to_owned(),
        summary: summary.to_owned(),
        verbs: Vec::new(),
        spec_schema: Json::trusted(EMPTY_OBJECT.to_owned()),
        patch_schema: None,
        result_schema: Json::trusted(ANYTHING.to_owned()),
        marker: false,
        creation: Creation::Duplicating,
        conditional: false,
        actions: Vec::new(),
        extensions: Extensions::new(),
    })
}

/// Starts an action: no spec, any result, changes something, done when answered, not to be sent twice.
pub fn action(name: &str, summary: &str) -> ActionBuilder {
    ActionBuilder(Action {
        name: name.to_owned(),
        summary: summary.to_owned(),
        spec_schema: Json::trusted(NO_SPEC.to_owned()),
        result_schema: Json::trusted(ANYTHING.to_owned()),
        read_only: false,
        asynchronous: false,
        reissuable: false,
        extensions: Extensions::new(),
    })
}

const EMPTY_OBJECT: &str = r#"{"type":"object","additionalProperties":false}"#;
const NO_SPEC: &str = r#"{"type":["object","null"],"additionalProperties":false}"#;
const ANYTHING: &str = "{}";

impl DriverBuilder {
    /// Another protocol than HTTP, or HTTP with other facts.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.0.protocol = protocol;
        self
    }

    /// HTTP, and the backend checks credentials before it does anything: a 401 proves that nothing happened, so the
    /// host may log in again and send the same exchange once more.
    pub fn unauthorized_precedes_effects(self) -> Self {
        self.protocol(Protocol::Http(HttpProtocol { unauthorized_precedes_effects: true, ..HttpProtocol::default() }))
    }

    /// Another endpoint role, which the operator must fill.
    pub fn endpoint(mut self, name: &str, summary: &str) -> Self {
        self.0.endpoints.push(role(name, summary, true));
        self
    }

    /// Another endpoint role, which the operator may leave out.
    pub fn optional_endpoint(mut self, name: &str, summary: &str) -> Self {
        self.0.endpoints.push(role(name, summary, false));
        self
    }

    /// A way of authenticating. With none of them, the only one is [`AuthScheme::None`].
    pub fn auth(mut self, scheme: AuthScheme) -> Self {
        self.0.authentication.push(scheme);
        self
    }

    /// The type of the backend's configuration.
    pub fn configuration<T: JsonSchema>(mut self) -> Self {
        self.0.configuration_schema = schema::<T>();
        self
    }

    /// A kind of object.
    pub fn kind(mut self, kind: KindBuilder) -> Self {
        self.0.kinds.push(kind.0);
        self
    }

    /// An action on the backend as a whole.
    pub fn action(mut self, action: ActionBuilder) -> Self {
        self.0.actions.push(action.0);
        self
    }

    /// Verb `probe` is supported.
    pub fn probe(mut self) -> Self {
        self.0.probe = true;
        self
    }

    /// Limits worth defaulting.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// The description.
    #[must_use]
    pub fn build(mut self) -> Description {
        if self.0.authentication.is_empty() {
            self.0.authentication.push(AuthScheme::None);
        }
        self.0
    }
}

impl KindBuilder {
    /// The type of the spec of `create` and `replace`.
    pub fn spec<T: JsonSchema>(mut self) -> Self {
        self.0.spec_schema = schema::<T>();
        self
    }

    /// The type of the spec of `update`.
    pub fn patch<T: JsonSchema>(mut self) -> Self {
        self.0.patch_schema = Some(schema::<T>());
        self
    }

    /// The type of the result.
    pub fn result<T: JsonSchema>(mut self) -> Self {
        self.0.result_schema = schema::<T>();
        self
    }

    /// The verbs. Those that only read are reissuable; name the others with [`KindBuilder::reissuable`].
    pub fn verbs(mut self, verbs: impl IntoIterator<Item = Verb>) -> Self {
        self.0.verbs.extend(verbs.into_iter().map(|verb| {
            let reissuable = matches!(verb, Verb::Read | Verb::Find | Verb::List | Verb::Poll);
            VerbSupport { verb, asynchronous: false, reissuable }
        }));
        self
    }

    /// Those of the verbs whose exchange may be sent again, harmlessly, when the fate of the first is unknown.
    pub fn reissuable(mut self, verbs: impl IntoIterator<Item = Verb>) -> Self {
        self.each(verbs, |support| support.reissuable = true);
        self
    }

    /// Those of the verbs that may be answered with a pending outcome.
    pub fn asynchronous(mut self, verbs: impl IntoIterator<Item = Verb>) -> Self {
        self.each(verbs, |support| support.asynchronous = true);
        self
    }

    /// `create` stores the call's marker in the object, and `find` finds it again.
    pub fn marker(mut self) -> Self {
        self.0.marker = true;
        self
    }

    /// What happens when the same creation is sent twice.
    pub fn creation(mut self, creation: Creation) -> Self {
        self.0.creation = creation;
        self
    }

    /// `update`, `replace` and `delete` honour the call's precondition.
    pub fn conditional(mut self) -> Self {
        self.0.conditional = true;
        self
    }

    /// An action on an object of this kind.
    pub fn action(mut self, action: ActionBuilder) -> Self {
        self.0.actions.push(action.0);
        self
    }

    /// A verb that was not named before is added, so that a slip shows in the description instead of vanishing.
    fn each(&mut self, verbs: impl IntoIterator<Item = Verb>, change: impl Fn(&mut VerbSupport)) {
        for verb in verbs {
            match self.0.verbs.iter_mut().find(|support| support.verb == verb) {
                Some(support) => change(support),
                None => {
                    let mut support = VerbSupport { verb, asynchronous: false, reissuable: false };
                    change(&mut support);
                    self.0.verbs.push(support);
                }
            }
        }
    }
}

impl ActionBuilder {
    /// The type of the spec.
    pub fn spec<T: JsonSchema>(mut self) -> Self {
        self.0.spec_schema = schema::<T>();
        self
    }

    /// The type of the result.
    pub fn result<T: JsonSchema>(mut self) -> Self {
        self.0.result_schema = schema::<T>();
        self
    }

    /// The action changes nothing, so it needs no intent.
    pub fn read_only(mut self) -> Self {
        self.0.read_only = true;
        self.0.reissuable = true;
        self
    }

    /// The action may be answered with a pending outcome.
    pub fn asynchronous(mut self) -> Self {
        self.0.asynchronous = true;
        self
    }

    /// The action may be sent again, harmlessly, when the fate of the first is unknown.
    pub fn reissuable(mut self) -> Self {
        self.0.reissuable = true;
        self
    }
}

fn role(name: &str, summary: &str, required: bool) -> EndpointRole {
    EndpointRole { name: name.to_owned(), summary: summary.to_owned(), required }
}
