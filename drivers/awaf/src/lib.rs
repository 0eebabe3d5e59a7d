//! The driver for F5 Advanced WAF (BIG-IP ASM) through iControl REST.
//!
//! All kinds are handled by the same code, `object.rs`; what makes them different is in a file each: `policy.rs`,
//! `signature_set.rs` and `whitelist_ip.rs`.

mod faults;
mod kind;
mod link;
mod login;
mod object;
mod page;
mod policy;
mod signature_set;
mod task;
mod whitelist_ip;

use crosspoint_sdk::prelude::*;

use kind::Kind;

const NAME: &str = "awaf";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All kinds.
const KINDS: [&dyn Kind; 3] = [&policy::Policy, &signature_set::SignatureSet, &whitelist_ip::WhitelistIp];

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct Awaf;

impl Driver for Awaf {
    fn describe() -> Description {
        let secrets = ["username", "password"].map(str::to_owned).into();
        // The appliance works on one change of its configuration at a time, and takes long for a whole policy.
        let limits = Limits {
            mutation_concurrency: 1,
            read_concurrency: 4,
            reply_timeout_ms: Some(60_000),
            ..Limits::default()
        };
        let driver = driver(NAME, VERSION, "F5 Advanced WAF, through iControl REST")
            // The token is looked at before the request is passed on to the module that it is for.
            .unauthorized_precedes_effects()
            .auth(AuthScheme::Login(Login { secrets, ..Login::default() }))
            .probe()
            .limits(limits);
        KINDS.iter().fold(driver, |driver, kind| driver.kind(kind.describe())).build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, named(&call.kind)) {
            (Verb::Login, _) => login::encode(call),
            (Verb::Probe, _) => page::encode_probe(),
            (_, Some(kind)) => object::encode(kind, call),
            (_, None) => Err(call.unsupported()),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        if !reply.is_success() {
            return Err(faults::fault(call, reply));
        }
        match (&call.verb, named(&call.kind)) {
            (Verb::Login, _) => login::decode(reply),
            (Verb::Probe, _) => page::decode_probe(reply),
            (_, Some(kind)) => object::decode(kind, call, reply),
            (_, None) => Err(call.unsupported()),
        }
    }
}

fn named(name: &str) -> Option<&'static dyn Kind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}

crosspoint_sdk::export!(Awaf, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<Awaf>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let action = Verb::Action(policy::APPLY.to_owned());
        prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
    }

    fn kind() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["policy", "signature-set", "whitelist-ip", "", "url"])
    }

    /// JSON that has something of what the appliance says.
    fn body() -> impl Strategy<Value = String> {
        let leaf =
            prop_oneof![Just("null".to_owned()), "-?[0-9]{1,20}", "\"[a-zA-Z /?:\\[\\]-]{0,12}\"", Just("true".into())];
        let name = "id|items|totalItems|description|name|status|result|message|errorStack|token|timeout|policy\
                    |ipAddress|templateReference|signatureReferences|systems|systemReference|link|code";
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
            status in prop_oneof![100..600_u16, any::<u16>(), prop::sample::select(vec![200, 201, 400, 401, 404, 503])],
            body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
            id in any::<String>(),
            spec in body(),
        ) {
            let call = Call {
                marker: "xp-1".to_owned(),
                backend_id: Some(id),
                spec: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let reply = Reply::Http(HttpReply { status, headers: Vec::new(), body: Bytes(body) });
            let _ = Awaf::decode(&call, &[], &reply);
        }

        #[test]
        fn no_call_makes_it_panic((verb, kind) in (verb(), kind()), id in any::<String>(), spec in body()) {
            let call = Call {
                backend_id: Some(id.clone()),
                marker: id.clone(),
                page_token: Some(id.clone()),
                poll_token: Some(id),
                spec: Json::trusted(spec.clone()),
                attributes: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let _ = Awaf::encode(&call);
        }
    }
}
