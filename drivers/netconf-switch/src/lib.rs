//! The driver for switches and routers that speak NETCONF (RFC 6241) and know the IETF's model of interfaces (RFC 8343),
//! with IP addresses (RFC 8344).
//!
//! Each call is one `rpc`. `rpc` writes and reads the envelope, `faults` says what its errors mean, `interface` is the one
//! kind, and `datastore` the actions on the datastores as a whole.

mod configuration;
mod datastore;
mod faults;
mod interface;
mod rpc;
mod shape;

use crosspoint_sdk::contract::{Correlation, Framing, MessageProtocol};
use crosspoint_sdk::prelude::*;

use configuration::Configuration;

const NAME: &str = "netconf-switch";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct NetconfSwitch;

impl Driver for NetconfSwitch {
    fn describe() -> Description {
        let protocol = Protocol::Message(MessageProtocol {
            framing: Framing::Netconf,
            correlation: Correlation::InOrder,
            preamble: None,
            keepalives: Vec::new(),
            extensions: Vec::new(),
        });
        let driver =
            driver(NAME, VERSION, "NETCONF switch or router: interfaces (RFC 8343) with IP addresses (RFC 8344)")
                .protocol(protocol)
                .auth(AuthScheme::Basic)
                .configuration::<Configuration>()
                .kind(interface::kind())
                .probe()
                .limits(Limits {
                    // A datastore takes one edit at a time, and devices have few sessions.
                    mutation_concurrency: 1,
                    read_concurrency: 2,
                    reply_timeout_ms: Some(30_000),
                    ..Limits::default()
                });
        datastore::ALL.iter().fold(driver, |driver, operation| driver.action(operation.action())).build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => rpc::exchange(call, rpc::get_config("running", None)),
            (Verb::Action(name), "") => datastore::encode(call, name),
            (_, interface::NAME) => interface::encode(call),
            _ => Err(call.unsupported()),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = rpc::read(reply.message()?)?;
        faults::check(call, &reply)?;
        match (&call.verb, call.kind.as_str()) {
            (Verb::Probe, _) => rpc::data(&reply).and_then(|_| outcome(&())?.into()),
            (Verb::Action(_), "") => rpc::ok(&reply).and_then(|()| outcome(&())?.into()),
            (_, interface::NAME) => interface::decode(call, &reply),
            _ => Err(call.unsupported()),
        }
    }
}

crosspoint_sdk::export!(NetconfSwitch, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
