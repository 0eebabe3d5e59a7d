//! Whether what a driver says of itself holds together. Every problem is found before any is told.

use std::collections::{HashMap, HashSet};

use crosspoint_contract::{
    Action, AuthScheme, CommandTransport, Correlation, Description, Framing, Json, Kind, Limits, Metadata, Protocol,
    Verb,
};
use semver::Version;

use super::kind::{CheckedAction, CheckedKind};
use super::schema::{Schema, patterns};

/// The longest name, in bytes: it stands in paths, file names and metrics.
const NAME: usize = 63;
/// How many kinds, and how many actions, a driver may have.
const MANY: usize = 256;

/// How many patterns its schemas may have together, each of which takes memory.
const PATTERNS: usize = 128;
/// How many problems are told, and the longest text of one in bytes.
const TOLD: usize = 32;
const PROBLEM: usize = 500;

/// What a description becomes once it is believed.
pub struct Checked {
    pub version: Version,
    pub configuration: Schema,
    pub kinds: HashMap<String, CheckedKind>,
    pub actions: HashMap<String, CheckedAction>,
}

/// # Errors
/// All problems, one sentence each.
pub fn check(description: &Description, metadata: Option<&Metadata>) -> Result<Checked, Vec<String>> {
    let mut problems = Problems::default();
    problems.identity(description, metadata);
    problems.protocol(&description.protocol);
    problems.unique_names("endpoint", description.endpoints.iter().map(|role| role.name.as_str()));
    problems.unless(description.endpoints.iter().any(|role| role.name == "default"), || {
        "no endpoint is called `default`".to_owned()
    });
    problems.unless(!description.authentication.is_empty(), || {
        "no way of authenticating is offered (`none` is one)".to_owned()
    });
    problems.unique("way of authenticating", description.authentication.iter().map(AuthScheme::name));
    problems.limits(&description.limits);
    problems.unless(description.kinds.len() <= MANY, || format!("there are more than {MANY} kinds"));
    problems.unique_names("kind", description.kinds.iter().map(|kind| kind.name.as_str()));
    let configuration = problems.schema("the configuration's", &description.configuration_schema);
    let kinds: HashMap<_, _> = description.kinds.iter().filter_map(|kind| problems.kind(kind)).collect();
    let actions = problems.actions("", &description.actions);
    let version = Version::parse(&description.version).map_err(|error| {
        problems.add(format!("version `{:.64}` is no semantic version: {error}", description.version));
    });
    match (version, configuration) {
        (Ok(version), Some(configuration)) if problems.found.is_empty() => {
            Ok(Checked { version, configuration, kinds, actions })
        }
        _ => Err(problems.told()),
    }
}

#[derive(Default)]
struct Problems {
    found: Vec<String>,
    patterns: usize,
}

impl Problems {
    /// A description can be wrong in a million places, and its names as long as it likes.
    fn add(&mut self, mut problem: String) {
        if self.found.len() <= TOLD {
            problem.truncate(problem.floor_char_boundary(PROBLEM));
            self.found.push(problem);
        }
    }

    fn told(mut self) -> Vec<String> {
        if self.found.len() > TOLD {
            self.found.truncate(TOLD);
            self.found.push("and more".to_owned());
        }
        self.found
    }

    fn unless(&mut self, fine: bool, problem: impl FnOnce() -> String) {
        if !fine {
            self.add(problem());
        }
    }

    fn identity(&mut self, description: &Description, metadata: Option<&Metadata>) {
        self.name("driver", &description.name);
        self.unless(description.version.len() <= NAME, || {
            format!("version `{:.64}` is longer than {NAME} bytes", description.version)
        });
        let Some(metadata) = metadata else { return };
        for (what, described, packaged) in
            [("name", &description.name, &metadata.name), ("version", &description.version, &metadata.version)]
        {
            self.unless(described == packaged, || {
                format!("`describe` gives {what} `{described:.64}`, but the package's metadata `{packaged:.64}`")
            });
        }
    }

    fn name(&mut self, what: &str, name: &str) {
        let fine = name.len() <= NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        self.unless(fine, || {
            format!("`{name:.64}` is no name for a {what}: it is `[a-z][a-z0-9_-]*`, at most {NAME} long")
        });
    }

    fn unique<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for name in names {
            self.unless(seen.insert(name), || format!("{what} `{name:.64}` stands there twice"));
        }
    }

    fn unique_names<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str> + Clone) {
        for name in names.clone() {
            self.name(what, name);
        }
        self.unique(what, names);
    }

    fn schema(&mut self, whose: &str, schema: &Json) -> Option<Schema> {
        self.patterns += patterns(&schema.value());
        if self.patterns > PATTERNS {
            self.add(format!("{whose} schema is none: there are more than {PATTERNS} patterns in all schemas"));
            return None;
        }
        Schema::compile(schema).map_err(|error| self.add(format!("{whose} schema is none: {error}"))).ok()
    }

    fn kind(&mut self, kind: &Kind) -> Option<(String, CheckedKind)> {
        let name = &kind.name;
        self.verbs(kind);
        let spec = self.schema(&format!("kind `{name}`: the spec's"), &kind.spec_schema);
        let result = self.schema(&format!("kind `{name}`: the result's"), &kind.result_schema);
        let patch =
            kind.patch_schema.as_ref().map(|schema| self.schema(&format!("kind `{name}`: the patch's"), schema));
        let actions = self.actions(&format!("kind `{name}`: "), &kind.actions);
        let checked = CheckedKind { kind: kind.clone(), spec: spec?, patch: patch.flatten(), result: result?, actions };
        Some((name.clone(), checked))
    }

    fn verbs(&mut self, kind: &Kind) {
        let name = &kind.name;
        let mut seen = HashSet::new();
        for support in &kind.verbs {
            let verb = &support.verb;
            self.unless(seen.insert(verb), || format!("kind `{name}`: verb `{verb}` stands there twice"));
            self.unless(!matches!(verb, Verb::Probe | Verb::Login | Verb::Action(_)), || {
                format!("kind `{name}`: `{verb}` is no verb of a kind")
            });
            let reads = matches!(verb, Verb::Read | Verb::Find | Verb::List | Verb::Poll);
            self.unless(!(support.asynchronous && reads), || {
                format!("kind `{name}`: `{verb}` only reads, and so cannot be asynchronous")
            });
        }
        let has = |verb| kind.supports(&verb).is_some();
        self.unless(!kind.verbs.is_empty() || !kind.actions.is_empty(), || {
            format!("kind `{name}` supports no verb and has no action")
        });
        self.unless(has(Verb::Update) == kind.patch_schema.is_some(), || {
            format!("kind `{name}`: a patch schema and the verb `update` need each other")
        });
        self.unless(!kind.marker || has(Verb::Find), || {
            format!("kind `{name}` carries a marker, which only the verb `find` makes useful")
        });
        let asynchronous = kind.verbs.iter().any(|support| support.asynchronous)
            || kind.actions.iter().any(|action| action.asynchronous);
        self.unless(!asynchronous || has(Verb::Poll), || {
            format!("kind `{name}` has something asynchronous, which needs the verb `poll`")
        });
    }

    /// `place` leads the messages: empty for the backend's own actions.
    fn actions(&mut self, place: &str, actions: &[Action]) -> HashMap<String, CheckedAction> {
        self.unless(actions.len() <= MANY, || format!("{place}there are more than {MANY} actions"));
        self.unique_names("action", actions.iter().map(|action| action.name.as_str()));
        let mut checked = HashMap::new();
        for action in actions {
            let name = &action.name;
            self.unless(!(place.is_empty() && action.asynchronous), || {
                format!("action `{name}` is on the backend, which has no verb `poll`, and so cannot be asynchronous")
            });
            self.unless(!(action.read_only && action.asynchronous), || {
                format!("{place}action `{name}` only reads, and so cannot be asynchronous")
            });
            let spec = self.schema(&format!("{place}action `{name}`: the spec's"), &action.spec_schema);
            let result = self.schema(&format!("{place}action `{name}`: the result's"), &action.result_schema);
            if let (Some(spec), Some(result)) = (spec, result) {
                checked.insert(name.clone(), CheckedAction { action: action.clone(), spec, result });
            }
        }
        checked
    }

    fn limits(&mut self, limits: &Limits) {
        for (what, value) in [
            ("mutation-concurrency", Some(limits.mutation_concurrency)),
            ("read-concurrency", Some(limits.read_concurrency)),
            ("reply-timeout-ms", limits.reply_timeout_ms),
            ("reply-size", limits.reply_size),
        ] {
            self.unless(value != Some(0), || format!("limit `{what}` is 0, which would let nothing through"));
        }
    }

    fn protocol(&mut self, protocol: &Protocol) {
        const WIDTHS: [u8; 4] = [1, 2, 4, 8];
        match protocol {
            Protocol::Http(_) => {}
            Protocol::Message(message) => {
                match &message.framing {
                    Framing::Fixed(size) => self.unless(*size > 0, || "frames have a size of 0".to_owned()),
                    Framing::LengthPrefixed(prefix) => {
                        self.unless(WIDTHS.contains(&prefix.width), || {
                            format!("a length field of {} bytes is not 1, 2, 4 or 8 wide", prefix.width)
                        });
                        self.unless(prefix.maximum > 0, || "the longest frame has 0 bytes".to_owned());
                    }
                    Framing::Delimited(delimiter) => {
                        self.unless(!delimiter.is_empty(), || "the delimiter of frames is empty".to_owned());
                    }
                    Framing::JsonValues | Framing::UntilClose | Framing::Netconf | Framing::Grpc => {}
                }
                match &message.correlation {
                    Correlation::Field(field) => self.unless(WIDTHS.contains(&field.width), || {
                        format!("a correlation field of {} bytes is not 1, 2, 4 or 8 wide", field.width)
                    }),
                    Correlation::JsonPointer(pointer) => self.unless(pointer.starts_with('/'), || {
                        format!("`{pointer:.64}` is no JSON Pointer to a correlation member")
                    }),
                    Correlation::InOrder | Correlation::SingleUse => {}
                }
                self.unless(message.keepalives.iter().all(|(probe, _)| !probe.is_empty()), || {
                    "a keepalive is recognised by no byte at all".to_owned()
                });
            }
            Protocol::Command(command) => {
                let prompted = command.transport != CommandTransport::SshExec;
                let prompt = command.prompt.as_ref().is_some_and(|prompt| !prompt.is_empty());
                self.unless(!prompted || prompt, || {
                    "a shell or a line protocol needs a prompt, which shows that a command has ended".to_owned()
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use crosspoint_contract::{
        CommandProtocol, Creation, EndpointRole, HttpProtocol, LengthPrefix, MessageProtocol, VerbSupport,
    };
    use serde_json::json;

    use super::*;

    fn support(verb: Verb) -> VerbSupport {
        VerbSupport { verb, asynchronous: false, reissuable: false }
    }

    fn action(name: &str) -> Action {
        Action {
            name: name.to_owned(),
            summary: String::new(),
            spec_schema: Json::from(json!({})),
            result_schema: Json::from(json!({})),
            read_only: false,
            asynchronous: false,
            reissuable: false,
            extensions: Vec::new(),
        }
    }

    /// A description with nothing wrong in it.
    fn sound() -> Description {
        Description {
            name: "switch".to_owned(),
            version: "1.2.3".to_owned(),
            summary: "A switch".to_owned(),
            protocol: Protocol::Http(HttpProtocol::default()),
            endpoints: vec![EndpointRole { name: "default".to_owned(), summary: String::new(), required: true }],
            authentication: vec![AuthScheme::Basic],
            configuration_schema: Json::from(json!({"type": "object"})),
            kinds: vec![Kind {
                name: "vlan".to_owned(),
                summary: String::new(),
                verbs: [Verb::Create, Verb::Find, Verb::Update].map(support).to_vec(),
                spec_schema: Json::from(json!({})),
                patch_schema: Some(Json::from(json!({}))),
                result_schema: Json::from(json!({})),
                marker: true,
                creation: Creation::Duplicating,
                conditional: false,
                actions: vec![action("flush")],
                extensions: Vec::new(),
            }],
            actions: vec![action("save")],
            probe: true,
            limits: Limits::default(),
            extensions: Vec::new(),
        }
    }

    fn problems(spoil: impl FnOnce(&mut Description)) -> Vec<String> {
        let mut description = sound();
        spoil(&mut description);
        check(&description, None).err().unwrap_or_default()
    }

    fn message(framing: Framing, correlation: Correlation) -> Protocol {
        let (preamble, keepalives) = (None, vec![(Vec::new().into(), Vec::new().into())]);
        Protocol::Message(MessageProtocol { framing, correlation, preamble, keepalives, extensions: Vec::new() })
    }

    #[test]
    fn a_sound_description_is_believed() {
        let checked = check(&sound(), None).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(checked.version, Version::new(1, 2, 3));
        assert!(checked.kinds["vlan"].action("flush").is_some() && checked.actions.contains_key("save"));
    }

    /// Takes something from the description that makes it wrong.
    type Spoil = fn(&mut Description);

    #[test]
    fn each_fault_of_a_description_is_found() {
        let faults: &[(Spoil, &str)] = &[
            (|it| it.name = "Switch".to_owned(), "`Switch` is no name for a driver"),
            (|it| it.name = "s".repeat(64), "is no name for a driver"),
            (|it| it.version = "1.2".to_owned(), "is no semantic version"),
            (|it| it.version = format!("1.2.3-{}", "x".repeat(64)), "is longer than 63 bytes"),
            (|it| it.endpoints[0].name = "main".to_owned(), "no endpoint is called `default`"),
            (|it| it.endpoints.push(it.endpoints[0].clone()), "endpoint `default` stands there twice"),
            (|it| it.authentication.clear(), "no way of authenticating"),
            (|it| it.authentication.push(AuthScheme::Basic), "`basic` stands there twice"),
            (|it| it.configuration_schema = Json::from(json!({"type": 7})), "the configuration's schema is none"),
            (|it| it.limits.mutation_concurrency = 0, "limit `mutation-concurrency` is 0"),
            (|it| it.limits.reply_size = Some(0), "limit `reply-size` is 0"),
            (|it| it.actions.push(action("save")), "action `save` stands there twice"),
            (|it| it.actions[0].asynchronous = true, "has no verb `poll`"),
            (|it| it.kinds.push(it.kinds[0].clone()), "kind `vlan` stands there twice"),
            (|it| it.kinds[0].name = "../x".to_owned(), "`../x` is no name for a kind"),
            (|it| it.kinds[0].patch_schema = None, "a patch schema and the verb `update` need each other"),
            (|it| drop(it.kinds[0].verbs.pop()), "a patch schema and the verb `update` need each other"),
            (|it| drop(it.kinds[0].verbs.remove(1)), "carries a marker"),
            (|it| it.kinds[0].verbs.push(support(Verb::Create)), "verb `create` stands there twice"),
            (|it| it.kinds[0].verbs.push(support(Verb::Login)), "`login` is no verb of a kind"),
            (|it| it.kinds[0].verbs[0].asynchronous = true, "needs the verb `poll`"),
            (|it| it.kinds[0].verbs[1].asynchronous = true, "`find` only reads"),
            (
                |it| it.kinds[0].spec_schema = Json::from(json!({"$ref": "https://x.test/"})),
                "the spec's schema is none",
            ),
            (|it| it.kinds[0].actions[0].result_schema = Json::from(json!(1)), "action `flush`: the result's schema"),
            (|it| it.kinds[0].actions[0].asynchronous = true, "needs the verb `poll`"),
        ];
        for (spoil, problem) in faults {
            let problems = problems(*spoil);
            assert!(problems.iter().any(|it| it.contains(problem)), "{problem}: {problems:?}");
        }
    }

    #[test]
    fn a_kind_that_can_do_nothing_is_found() {
        let problems = problems(|it| {
            let kind = &mut it.kinds[0];
            (kind.verbs, kind.actions, kind.patch_schema, kind.marker) = (Vec::new(), Vec::new(), None, false);
        });
        assert_eq!(problems, ["kind `vlan` supports no verb and has no action"]);
    }

    #[test]
    fn a_protocol_that_no_transport_could_speak_is_found() {
        let prefix = LengthPrefix { offset: 0, width: 3, big_endian: true, adjustment: 0, maximum: 0 };
        let problems_of = |protocol: Protocol| problems(|it| it.protocol = protocol).join("; ");
        let framed = problems_of(message(Framing::LengthPrefixed(prefix), Correlation::JsonPointer("id".to_owned())));
        for part in ["3 bytes is not", "longest frame", "`id` is no JSON Pointer", "recognised by no byte"] {
            assert!(framed.contains(part), "{framed}");
        }
        for (framing, part) in [(Framing::Fixed(0), "size of 0"), (Framing::Delimited(Vec::new().into()), "delimiter")]
        {
            assert!(problems_of(message(framing, Correlation::InOrder)).contains(part), "{part}");
        }
        let shell = CommandProtocol { transport: CommandTransport::SshShell, prompt: None, extensions: Vec::new() };
        assert!(problems_of(Protocol::Command(shell)).contains("needs a prompt"));
    }
}
