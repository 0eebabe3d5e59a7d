//! The driver for Open vSwitch, spoken to through its database: OVSDB, RFC 7047.
//!
//! Each call is one `transact`: a list of operations that the database carries out together or not at all. `plan`
//! builds such a list, `answers` reads what comes back; `change` and `look` say which lists there are, for any kind;
//! what makes the kinds different is a table of columns each, in `kinds`.

mod answers;
mod change;
mod column;
mod faults;
mod kinds;
mod look;
mod plan;
mod protocol;
mod resource;
mod revision;
mod shown;
mod switch;

use crosspoint_sdk::prelude::*;

const NAME: &str = "ovs-switch";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct OvsSwitch;

impl Driver for OvsSwitch {
    fn describe() -> Description {
        let driver = driver(NAME, VERSION, "Open vSwitch: bridges, ports with VLANs, queues, QoS and mirrors")
            .protocol(protocol::message())
            .auth(AuthScheme::None)
            .auth(AuthScheme::MutualTls)
            .probe()
            .action(switch::action())
            .limits(Limits {
                // The database carries transactions out one after the other, so waiting is all that more would do.
                mutation_concurrency: 8,
                read_concurrency: 16,
                reply_timeout_ms: Some(10_000),
                // A list is the whole table: there are no pages in OVSDB.
                reply_size: Some(16 * 1024 * 1024),
                ..Limits::default()
            });
        kinds::ALL.iter().fold(driver, |driver, kind| driver.kind((kind.describe)())).build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let plan = match (&call.verb, kinds::named(&call.kind)) {
            (Verb::Probe, _) => switch::plan(),
            (Verb::Action(name), None) if call.kind.is_empty() && name == switch::APPLIED => switch::plan(),
            (_, None) | (Verb::Poll | Verb::Login | Verb::Action(_), _) => return Err(call.unsupported()),
            (Verb::Create, Some(kind)) => change::create(kind, call)?,
            (Verb::Replace, Some(kind)) => change::replace(kind, call)?,
            (Verb::Update, Some(kind)) => change::update(kind, call)?,
            (Verb::Delete, Some(kind)) => change::delete(kind, call)?,
            (Verb::Read, Some(kind)) => look::read(kind, call)?,
            (Verb::Find, Some(kind)) => look::find(kind, call)?,
            (Verb::List, Some(kind)) => look::list(kind),
        };
        plan.into_exchange(call)
    }

    fn decode(call: &Call, context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let answers = answers::read(call, context, reply)?;
        match (&call.verb, kinds::named(&call.kind)) {
            (Verb::Probe, _) => switch::probed(&answers),
            (Verb::Action(name), None) if name == switch::APPLIED => switch::applied(call, &answers),
            (Verb::Delete, Some(_)) => outcome(&())?.into(),
            (Verb::Find, Some(kind)) => look::found(kind, call, &answers),
            (Verb::List, Some(kind)) => look::listed(kind, call, &answers),
            (Verb::Create | Verb::Replace | Verb::Update | Verb::Read, Some(kind)) => look::shown(kind, &answers),
            (_, _) => Err(call.unsupported()),
        }
    }
}

crosspoint_sdk::export!(OvsSwitch, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
