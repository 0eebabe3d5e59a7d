//! The driver for HAProxy's runtime API: what HAProxy denies, or answers in some way, by the entries of its ACLs and maps.
//!
//! The API is lines of text on TCP. One line may hold several commands, and HAProxy closes the connection when it has
//! answered all of them, so a line is an exchange. `line.rs` writes them, `answer.rs` reads what comes back.

mod acl;
mod answer;
mod entry;
mod line;
mod lookup;
mod map;
mod probe;

use crosspoint_sdk::contract::{Correlation, Framing, MessageProtocol};
use crosspoint_sdk::prelude::*;

const NAME: &str = "haproxy-firewall";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct HaProxy;

/// What Crosspoint has to do with. An ACL or a map that is not named here is out of its reach.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// The files of ACLs, as HAProxy's configuration names them after `-f`.
    #[serde(default)]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 100), regex(pattern = r"^[A-Za-z0-9._/-][A-Za-z0-9._/@-]*$"))
    )]
    acls: Vec<String>,
    /// The files of maps, as HAProxy's configuration names them in `map(…)`, `map_beg(…)` and the like.
    #[serde(default)]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 100), regex(pattern = r"^[A-Za-z0-9._/-][A-Za-z0-9._/@-]*$"))
    )]
    maps: Vec<String>,
}

impl Driver for HaProxy {
    fn describe() -> Description {
        let protocol = MessageProtocol {
            framing: Framing::UntilClose,
            correlation: Correlation::SingleUse,
            preamble: None,
            keepalives: Vec::new(),
            extensions: Vec::new(),
        };
        // Reading an entry takes the whole ACL or map: there is no command that shows one entry and no other.
        let limits =
            Limits { mutation_concurrency: 8, read_concurrency: 4, reply_size: Some(8 << 20), ..Limits::default() };
        driver(NAME, VERSION, "HAProxy's runtime API: entries of ACLs and maps")
            .protocol(Protocol::Message(protocol))
            .configuration::<Configuration>()
            .kind(acl::describe())
            .kind(map::describe())
            .action(lookup::acl())
            .action(lookup::map())
            .probe()
            .limits(limits)
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let line = match (call.kind.as_str(), &call.verb) {
            ("", Verb::Probe) => probe::encode(),
            ("", Verb::Action(name)) => lookup::encode(name, call)?,
            ("acl-entry", _) => acl::encode(call)?,
            ("map-entry", _) => map::encode(call)?,
            _ => return Err(call.unsupported()),
        };
        Ok(message(line.into_bytes()))
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.message()?;
        match (call.kind.as_str(), &call.verb) {
            ("", Verb::Probe) => probe::decode(call, reply),
            ("", Verb::Action(name)) => lookup::decode(name, call, reply),
            ("acl-entry", _) => acl::decode(call, reply),
            ("map-entry", _) => map::decode(call, reply),
            _ => Err(call.unsupported()),
        }
    }
}

crosspoint_sdk::export!(HaProxy, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<HaProxy>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let actions = ["get-acl", "get-map"].map(|name| Verb::Action(name.to_owned()));
        let verbs = [Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login];
        prop::sample::select(verbs.into_iter().chain(actions).collect::<Vec<_>>())
    }

    fn kind() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["", "acl-entry", "map-entry"])
    }

    /// Text that has something of what HAProxy says.
    fn said() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just(String::new()),
            "0x[0-9a-f]{1,12} [a-z /\"]{0,9}",
            "type=ip, match=(yes|no), idx=tree, pattern=\"[a-z\"]{0,5}\"?",
            "found=(yes|no), key=\"[a-z]{0,5}\", value=\"[a-z\", =]{0,9}\"?(, type=\"str\")?",
            "[0-9] \\([a-z/]{0,5}\\)? .{0,9}",
            ".{0,20}",
        ];
        prop_oneof![prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n").into_bytes()), any::<Vec<u8>>()]
    }

    fn configuration() -> Json {
        serde_json::json!({"acls": ["a"], "maps": ["m"]}).into()
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(verb in verb(), kind in kind(), spec in any::<String>(), said in said()) {
            let spec = serde_json::json!({"acl": "a", "map": "m", "pattern": spec, "key": spec, "value": spec});
            let call = Call {
                backend_id: Some("m /k".to_owned()),
                spec: spec.into(),
                configuration: configuration(),
                ..Call::new(verb, kind)
            };
            let _ = HaProxy::decode(&call, &[], &Reply::Message(Bytes(said)));
        }

        #[test]
        fn no_call_makes_it_panic(verb in verb(), kind in kind(), id in any::<String>(), spec in any::<String>()) {
            let call = Call {
                backend_id: Some(id),
                spec: Json::trusted(spec.clone()),
                configuration: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let _ = HaProxy::encode(&call);
        }
    }
}
