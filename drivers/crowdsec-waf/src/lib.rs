//! The driver for CrowdSec's Local API: what shall be banned, or asked for a captcha, by whatever enforces it.
//!
//! A decision comes into being as part of an alert, and the alert's id is all that its creation answers. So that id is
//! the decision's own here: `decision.rs` says how one is found, read and ended by it.

mod alert;
mod decision;
mod faults;
mod login;

use crosspoint_sdk::prelude::*;

const NAME: &str = "crowdsec-waf";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Who asks. CrowdSec refuses a login, in the words for a wrong password, unless this is a name and a version.
const AGENT: &str = concat!("crosspoint/", env!("CARGO_PKG_VERSION"));

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct CrowdSec;

impl Driver for CrowdSec {
    fn describe() -> Description {
        let secrets = ["machine_id", "password"].map(str::to_owned).into();
        driver(NAME, VERSION, "CrowdSec Local API: decisions and alerts")
            // Nothing but the login itself is reached without a good token.
            .unauthorized_precedes_effects()
            .auth(AuthScheme::Login(Login { secrets, ..Login::default() }))
            .kind(decision::describe())
            .kind(alert::describe())
            .action(decision::removal())
            .probe()
            // Its database is usually SQLite, which writes one thing at a time.
            .limits(Limits { mutation_concurrency: 4, read_concurrency: 16, ..Limits::default() })
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let request = match (call.kind.as_str(), &call.verb) {
            ("", Verb::Login) => login::encode(call)?,
            ("", Verb::Probe) => Http::get(path("/v1/heartbeat", &[])?),
            ("", Verb::Action(name)) if name == decision::REMOVAL => decision::remove(call)?,
            ("decision", _) => decision::encode(call)?,
            ("alert", _) => alert::encode(call)?,
            _ => return Err(call.unsupported()),
        };
        request.header("user-agent", AGENT).into_exchange()
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        if !reply.is_success() {
            return Err(faults::fault(call, reply));
        }
        match (call.kind.as_str(), &call.verb) {
            ("", Verb::Login) => login::decode(reply),
            ("", Verb::Probe) => outcome(&())?.into(),
            ("", Verb::Action(name)) if name == decision::REMOVAL => decision::removed(reply),
            ("decision", _) => decision::decode(call, reply),
            ("alert", _) => alert::decode(call, reply),
            _ => Err(call.unsupported()),
        }
    }
}

crosspoint_sdk::export!(CrowdSec, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<CrowdSec>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let action = Verb::Action(decision::REMOVAL.to_owned());
        prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
    }

    /// JSON that has something of what the Local API says.
    fn body() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            "-?[0-9]{1,20}",
            "\"-?[0-9hms.]{0,9}\"",
            "\"[a-z \\[\\]-]{0,9}\"",
            "\"[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,40}\\.\""
        ];
        let name = "id|decisions|scenario|duration|scope|value|type|token|message|nbDeleted|source";
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((name, inner), 0..6).prop_map(|members| {
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
            kind in prop::sample::select(vec!["", "decision", "alert"]),
            id in "[0-9/]{0,20}",
            status in prop_oneof![100..600_u16, any::<u16>(), prop::sample::select(vec![200, 201, 400, 404, 500])],
            body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        ) {
            let call = Call { marker: "xp-1".to_owned(), backend_id: Some(id), ..Call::new(verb, kind) };
            let reply = Reply::Http(HttpReply { status, headers: Vec::new(), body: Bytes(body) });
            let _ = CrowdSec::decode(&call, &[], &reply);
        }

        #[test]
        fn no_call_makes_it_panic(
            verb in verb(),
            kind in prop::sample::select(vec!["", "decision", "alert"]),
            id in any::<String>(),
            marker in any::<String>(),
            spec in body(),
        ) {
            let call = Call {
                backend_id: Some(id),
                marker,
                spec: Json::trusted(spec.clone()),
                attributes: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let _ = CrowdSec::encode(&call);
        }
    }
}
