//! The driver for NVIDIA (Mellanox) NEO: what it manages, and its VLAN services.
//!
//! Systems and ports are only looked at, in `resource.rs`. Services are made and changed in `service.rs`; where NEO
//! answers with a job, `job.rs` follows it.

mod faults;
mod job;
mod login;
mod resource;
mod service;

use crosspoint_sdk::prelude::*;
use serde_json::{Map, Value};

use resource::Resource;

const NAME: &str = "neo";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The members of one object.
type Object = Map<String, Value>;

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct Neo;

/// What a backend's configuration says besides addresses and secrets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// NEO's name for the type of its VLAN services.
    #[serde(default = "vlan")]
    #[schemars(length(min = 1, max = 64))]
    vlan_service_type: String,
}

fn vlan() -> String {
    "VLAN".to_owned()
}

impl Driver for Neo {
    fn describe() -> Description {
        let secrets = ["username", "password"].map(str::to_owned).into();
        // Services are worked on one after the other, switch by switch.
        let limits = Limits { mutation_concurrency: 1, read_concurrency: 4, ..Limits::default() };
        driver(NAME, VERSION, "NVIDIA NEO, which manages Mellanox switches")
            // The session is looked at before the request is.
            .unauthorized_precedes_effects()
            .auth(AuthScheme::Login(Login { secrets, ..Login::default() }))
            .configuration::<Configuration>()
            .probe()
            .limits(limits)
            .kind(Resource::System.describe())
            .kind(Resource::Port.describe())
            .kind(service::describe())
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, call.kind.as_str()) {
            (Verb::Login, _) => login::encode(call),
            (Verb::Probe, _) => service::encode_probe(call),
            (_, service::NAME) => service::encode(call),
            (_, kind) => Resource::named(kind).ok_or_else(|| call.unsupported())?.encode(call),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        if !reply.is_success() {
            return Err(faults::fault(call, reply));
        }
        match (&call.verb, call.kind.as_str()) {
            (Verb::Login, _) => login::decode(reply),
            (Verb::Probe, _) => service::decode_probe(reply),
            (_, service::NAME) => service::decode(call, reply),
            (_, kind) => Resource::named(kind).ok_or_else(|| call.unsupported())?.decode(call, reply),
        }
    }
}

/// The part of a whole list that a page is: NEO gives all or nothing. The page token is the number of objects before
/// it.
fn page(call: &Call, found: Vec<Found>) -> Result<Outcome, Fault> {
    let skipped = skipped(call)?;
    let size = call.page_size.map_or(usize::MAX, |size| usize::try_from(size.max(1)).unwrap_or(usize::MAX));
    let end = skipped.saturating_add(size);
    let next = (end < found.len()).then(|| end.to_string());
    outcome(&())?.found(found.into_iter().skip(skipped).take(size).collect()).next_page(next).into()
}

fn skipped(call: &Call) -> Result<usize, Fault> {
    let Some(token) = &call.page_token else { return Ok(0) };
    token.parse().map_err(|_| {
        let message = format!("`{token}` is no page token of this driver: list from the start");
        Fault::Rejected(Rejection { code: "page-token".to_owned(), message, retryable: false })
    })
}

crosspoint_sdk::export!(Neo, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<Neo>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let action = Verb::Action("validate".to_owned());
        prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
    }

    fn kind() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["system", "port", "vlan-service", "", "group"])
    }

    /// JSON that has something of what NEO says.
    fn body() -> impl Strategy<Value = String> {
        let status = r#""Completed""#.to_owned();
        let leaf = prop_oneof![Just("null".to_owned()), Just(status), "-?[0-9]{1,20}", "\"[a-zA-Z /\\[\\]-]{0,12}\""];
        let name = "instanceID|name|description|config|vlanId|ports|Status|Progress|Summary|message|vlan";
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((name, inner), 0..5).prop_map(|members| {
                    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(
            (verb, kind) in (verb(), kind()),
            status in prop_oneof![100..600_u16, any::<u16>(), prop::sample::select(vec![200, 201, 202, 302, 401, 404])],
            headers in prop::collection::vec(("(?i)set-cookie|location", prop_oneof![
                any::<Vec<u8>>(),
                "(session=|/neo/(login|app/jobs/|app/services/))[a-z0-9;=/? -]{0,12}".prop_map(String::into_bytes),
            ]), 0..3),
            body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
            token in prop::option::of("(job|find|failed)?:?[0-9a-z]{0,4}"),
            spec in body(),
        ) {
            let call = Call {
                marker: "xp-1".to_owned(),
                backend_id: Some("1".to_owned()),
                poll_token: token.clone(),
                page_token: token,
                spec: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
            let reply = Reply::Http(HttpReply { status, headers, body: Bytes(body) });
            let _ = Neo::decode(&call, &[], &reply);
        }

        #[test]
        fn no_call_makes_it_panic((verb, kind) in (verb(), kind()), id in any::<String>(), spec in body()) {
            let call = Call {
                backend_id: Some(id.clone()),
                marker: id.clone(),
                page_token: Some(id.clone()),
                poll_token: Some(id),
                spec: Json::trusted(spec.clone()),
                configuration: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let _ = Neo::encode(&call);
        }
    }
}
