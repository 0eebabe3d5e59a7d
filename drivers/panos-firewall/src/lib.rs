//! The driver for Palo Alto Networks firewalls and Panorama, through the XML API of PAN-OS.
//!
//! Objects of the configuration are all handled by `object.rs`; what makes them different is in `kinds`. A commit is a job
//! of the firewall and has its own file, and so have the envelope of every reply and what its codes mean.

mod answer;
mod commit;
mod configuration;
mod kinds;
mod login;
mod object;
mod probe;

use crosspoint_sdk::prelude::*;

use configuration::Configuration;

const NAME: &str = "panos-firewall";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct PanOs;

impl Driver for PanOs {
    fn describe() -> Description {
        let secrets = ["username", "password"].map(str::to_owned).into();
        let driver = driver(NAME, VERSION, "Palo Alto Networks PAN-OS firewall or Panorama, XML API")
            // The management plane looks at the key before it looks at the request.
            .unauthorized_precedes_effects()
            .auth(AuthScheme::ApiKey(ApiKey::Header("X-PAN-KEY".to_owned())))
            .auth(AuthScheme::Login(Login { secrets, ..Login::default() }))
            .configuration::<Configuration>()
            .kind(commit::kind())
            .probe()
            // One candidate configuration, which every change locks; a large one takes its time.
            .limits(Limits { reply_timeout_ms: Some(60_000), ..Limits::default() });
        kinds::ALL.iter().fold(driver, |driver, kind| driver.kind(object::describe(kind))).build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, call.kind.as_str()) {
            (Verb::Login, _) => login::encode(call),
            (Verb::Probe, _) => probe::encode(),
            (_, commit::NAME) => commit::encode(call),
            (_, name) => object::encode(kinds::named(name).ok_or_else(|| call.unsupported())?, call),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let answer = answer::read(call, reply.http()?)?;
        match (&call.verb, call.kind.as_str()) {
            (Verb::Login, _) => login::decode(&answer),
            (Verb::Probe, _) => probe::decode(&answer),
            (_, commit::NAME) => commit::decode(call, &answer),
            (_, name) => object::decode(kinds::named(name).ok_or_else(|| call.unsupported())?, call, &answer),
        }
    }
}

/// The request with these parameters. All of them go into the body: what stands in an address ends up in logs.
fn ask(fields: &[(&str, &str)]) -> Result<Exchange, Fault> {
    Http::post(path("/api/", &[])?).form(fields).into_exchange()
}

crosspoint_sdk::export!(PanOs, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
