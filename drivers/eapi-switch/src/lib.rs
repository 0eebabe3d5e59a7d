//! The driver for Arista EOS switches, through eAPI: JSON-RPC whose one method runs command lines.
//!
//! A call becomes a `plan::Plan`, a list of command lines that the switch runs in order and stops at the first that
//! fails. `command.rs` is the only place where a line is made, and takes nothing but words and texts that were checked.

mod command;
mod fault;
mod interface;
mod plan;
mod vlan;

use crosspoint_sdk::json_rpc::{self, Version};
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use plan::Plan;

const NAME: &str = "eapi-switch";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The action that makes the running configuration the one that the switch starts with.
const SAVE: &str = "save";

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct Eapi;

impl Driver for Eapi {
    fn describe() -> Description {
        driver(NAME, VERSION, "Arista EOS switch, eAPI")
            // The web server before the command line asks for the password.
            .unauthorized_precedes_effects()
            .auth(AuthScheme::Basic)
            .kind(vlan::kind())
            .kind(interface::kind())
            .action(
                action(SAVE, "Make the running configuration the one that the switch starts with")
                    .result::<()>()
                    .reissuable(),
            )
            .probe()
            .limits(Limits { reply_timeout_ms: Some(30_000), ..Limits::default() })
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let plan = plan(call)?;
        let parameters = json!({"version": 1, "cmds": plan.lines(), "format": "json"});
        let request = Version::V2.request(call, "runCmds", &parameters)?;
        Http::post(path("/command-api", &[])?).body("application/json", request).into_exchange()
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let http = reply.http()?;
        if !http.is_success() {
            return Err(fault::of_status(call, http));
        }
        let plan = plan(call)?;
        let results = match Version::V2.reply::<Vec<Value>>(call, http.body.as_ref())? {
            json_rpc::Reply::Result(results) => results,
            json_rpc::Reply::Error(error) => return Err(fault::of_error(call, &plan, &error)),
        };
        if results.len() != plan.lines().len() {
            let (got, wanted) = (results.len(), plan.lines().len());
            return Err(Fault::MalformedReply(format!("{wanted} commands have {got} results")));
        }
        let shown = plan.shown(&results);
        match (call.kind.as_str(), &call.verb) {
            ("", Verb::Probe) => probed(shown),
            ("", Verb::Action(_)) => outcome(&())?.into(),
            (vlan::NAME, _) => vlan::decode(call, shown),
            (interface::NAME, _) => interface::decode(call, shown),
            _ => Err(call.unsupported()),
        }
    }
}

/// The command lines of a call.
fn plan(call: &Call) -> Result<Plan, Fault> {
    match (call.kind.as_str(), &call.verb) {
        ("", Verb::Probe) => Ok(Plan::reading([command::line("show version")])),
        ("", Verb::Action(name)) if name == SAVE => {
            Ok(Plan::acting([command::line("copy running-config startup-config")]))
        }
        (vlan::NAME, _) => vlan::plan(call),
        (interface::NAME, _) => interface::plan(call),
        _ => Err(call.unsupported()),
    }
}

fn probed(shown: &[Value]) -> Result<Outcome, Fault> {
    let text = |name: &str| shown.first()?.get(name)?.as_str();
    let Some(version) = text("version") else {
        return Err(Fault::MalformedReply("the reply does not say which version it is".to_owned()));
    };
    outcome(&json!({"version": version, "model": text("modelName")}))?.into()
}

crosspoint_sdk::export!(Eapi, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests;
