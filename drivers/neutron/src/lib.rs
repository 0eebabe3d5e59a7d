//! The driver for Neutron v2, the networking of `OpenStack`, with Keystone v3 for sessions.
//!
//! All kinds are handled by the same code, `object.rs`; what makes them different is a type for the spec and a few facts
//! each, in `kinds`.

mod faults;
mod kinds;
mod login;
mod object;
mod part;
mod probe;
mod resource;
mod spec;

use crosspoint_sdk::prelude::*;

const NAME: &str = "neutron";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct Neutron;

/// What a backend's configuration says besides addresses and secrets. All of it is about logging in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// The name of the user's domain.
    #[serde(default = "default_domain")]
    user_domain: String,
    /// The name of the project to work in; the user's own default project if it is not named.
    project: Option<String>,
    /// The name of the project's domain.
    #[serde(default = "default_domain")]
    project_domain: String,
}

fn default_domain() -> String {
    "Default".to_owned()
}

impl Driver for Neutron {
    fn describe() -> Description {
        let secrets = ["username", "password"].map(str::to_owned).into();
        let driver = driver(NAME, VERSION, "OpenStack Neutron v2 networking")
            // Keystone's middleware stands before Neutron and checks each token first.
            .unauthorized_precedes_effects()
            .optional_endpoint("identity", "Keystone's root, without /v3; needed to log in")
            .auth(AuthScheme::Login(Login { secrets, ..Login::default() }))
            .auth(AuthScheme::None)
            .configuration::<Configuration>()
            .probe()
            .limits(Limits { mutation_concurrency: 8, read_concurrency: 32, ..Limits::default() });
        kinds::ALL.iter().fold(driver, |driver, kind| driver.kind((kind.describe)())).build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, kinds::named(&call.kind)) {
            (Verb::Login, _) => login::encode(call),
            (Verb::Probe, _) => probe::encode(),
            (_, Some(kind)) => object::encode(kind, call),
            (_, None) => Err(call.unsupported()),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        if !reply.is_success() {
            return Err(faults::fault(call, reply));
        }
        match (&call.verb, kinds::named(&call.kind)) {
            (Verb::Login, _) => login::decode(reply),
            (Verb::Probe, _) => probe::decode(reply),
            (_, Some(kind)) => object::decode(kind, call, reply),
            (_, None) => Err(call.unsupported()),
        }
    }
}

/// The exchange of a request. The middleware in front of Neutron gives its errors as HTML unless it is asked for JSON.
fn ask(request: Http) -> Result<Exchange, Fault> {
    request.header("accept", "application/json").into_exchange()
}

crosspoint_sdk::export!(Neutron, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<Neutron>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let actions = ["add_router_interface", "add_subports"].map(|action| Verb::Action(action.to_owned()));
        let verbs = [Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login];
        prop::sample::select(verbs.into_iter().chain(actions).collect::<Vec<_>>())
    }

    fn kind() -> impl Strategy<Value = &'static str> {
        prop::sample::select(kinds::ALL.iter().map(|kind| kind.name).collect::<Vec<_>>())
    }

    /// JSON that has something of what Neutron says.
    fn body() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![Just("null".to_owned()), "-?[0-9]{1,20}", "\"[a-z \\[\\]-]{0,9}\""];
        let name = "network|networks|networks_links|id|description|NeutronError|error|message|token|rel|extensions|\
                    policies|policies_links|rules|bandwidth_limit_rule|trunk|sub_ports|port_id|qos_policy_id|type";
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
            status in prop_oneof![100..600_u16, any::<u16>(), prop::sample::select(vec![200, 201, 400, 404, 409, 503])],
            headers in prop::collection::vec(("(?i)x-subject-token|retry-after|etag", any::<Vec<u8>>()), 0..3),
            body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        ) {
            let call = Call { marker: "xp-1".to_owned(), backend_id: Some("1/2".to_owned()), ..Call::new(verb, kind) };
            let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
            let reply = Reply::Http(HttpReply { status, headers, body: Bytes(body) });
            let _ = Neutron::decode(&call, &[], &reply);
        }

        #[test]
        fn no_call_makes_it_panic(
            verb in verb(),
            kind in kind(),
            id in any::<String>(),
            marker in any::<String>(),
            spec in body(),
        ) {
            let call = Call {
                backend_id: Some(id.clone()),
                marker,
                page_token: Some(id.clone()),
                precondition: Some(id),
                spec: Json::trusted(spec.clone()),
                attributes: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let _ = Neutron::encode(&call);
        }
    }
}
