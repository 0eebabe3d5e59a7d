//! The driver for the firewall of FortiOS 7 (FortiGate), through its REST API.
//!
//! All kinds are handled by the same code, `object.rs`; what makes them different is a type for the spec and a few facts
//! each, in `kinds`.

mod envelope;
mod faults;
mod kinds;
mod object;
mod probe;
mod resource;
mod spec;

use crosspoint_sdk::Target;
use crosspoint_sdk::prelude::*;

const NAME: &str = "fortios-firewall";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct FortiOs;

/// What a backend's configuration says besides addresses and secrets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// The virtual domain that all objects are in; `root` if it is left out.
    #[serde(default = "root")]
    #[schemars(length(min = 1, max = 31))]
    vdom: String,
}

fn root() -> String {
    "root".to_owned()
}

impl Driver for FortiOs {
    fn describe() -> Description {
        let driver = driver(NAME, VERSION, "The firewall of FortiOS 7 (FortiGate)")
            .auth(AuthScheme::Bearer)
            .configuration::<Configuration>()
            .probe()
            // The configuration is changed by one at a time: two at once would wait for each other on the appliance.
            .limits(Limits { mutation_concurrency: 1, read_concurrency: 4, ..Limits::default() });
        kinds::ALL.iter().fold(driver, |driver, kind| driver.kind((kind.describe)())).build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, kinds::named(&call.kind)) {
            (Verb::Probe, _) => probe::encode(call),
            (_, Some(kind)) => object::encode(kind, call),
            (_, None) => Err(call.unsupported()),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        match (&call.verb, kinds::named(&call.kind)) {
            (Verb::Probe, _) => probe::decode(call, reply),
            (_, Some(kind)) => object::decode(kind, call, reply),
            (_, None) => Err(call.unsupported()),
        }
    }
}

/// Adds the virtual domain, without which FortiOS takes the one that the token's administrator is in.
fn in_vdom(target: Target, call: &Call) -> Result<Target, Fault> {
    let Configuration { vdom } = call.configuration()?;
    Ok(target.query("vdom", vdom))
}

crosspoint_sdk::export!(FortiOs, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<FortiOs>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let action = Verb::Action("move".to_owned());
        prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
    }

    fn kind() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["address", "address-group", "policy", "virtual-ip", "other"])
    }

    /// JSON that has something of what FortiOS says, and of what it is told.
    fn body() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![Just("null".to_owned()), "-?[0-9]{1,20}", "\"[a-z0-9/. \\[\\]-]{0,19}\""];
        let name = "status|error|http_status|mkey|results|cli_error|name|policyid|comments?|member|range|subnet|type";
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(
            verb in verb(),
            kind in kind(),
            status in prop_oneof![any::<u16>(), prop::sample::select(vec![200, 400, 401, 403, 404, 424, 429, 500])],
            spec in body(),
            body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        ) {
            let spec = Json::trusted(spec);
            let call =
                Call { marker: "xp-1".to_owned(), backend_id: Some("1".to_owned()), spec, ..Call::new(verb, kind) };
            let reply = Reply::Http(HttpReply { status, headers: Vec::new(), body: Bytes(body) });
            let _ = FortiOs::decode(&call, &[], &reply);
        }

        #[test]
        fn no_call_makes_it_panic(verb in verb(), kind in kind(), id in any::<String>(), spec in body()) {
            let call = Call {
                backend_id: Some(id.clone()),
                marker: id.clone(),
                page_token: Some(id.clone()),
                precondition: Some(id),
                spec: Json::trusted(spec.clone()),
                attributes: Json::trusted(spec),
                configuration: Json::trusted("{}".to_owned()),
                ..Call::new(verb, kind)
            };
            let _ = FortiOs::encode(&call);
        }
    }
}
