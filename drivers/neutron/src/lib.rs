//! The driver for Neutron v2, the networking of `OpenStack`, with Keystone v3 for sessions.
//!
//! All kinds are handled by the same code, `object.rs`; what makes them different is a type for the spec and a few facts
//! each, in `kinds`.

mod faults;
mod kinds;
mod login;
mod object;
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

crosspoint_sdk::export!(Neutron, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    use super::Neutron;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<Neutron>();
    }
}
