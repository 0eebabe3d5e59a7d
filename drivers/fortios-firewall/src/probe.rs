//! One harmless read that shows that FortiOS answers, accepts the token and lets it see the firewall's tables.

use crosspoint_sdk::prelude::*;
use serde_json::json;

use crate::envelope::Envelope;
use crate::in_vdom;

/// Asks for one address: the token needs no more rights than the driver does.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let addresses = in_vdom(path("/api/v2/cmdb/firewall/address", &[])?, call)?;
    Http::get(addresses.query("count", 1).query("format", "name")).into_exchange()
}

/// What every answer says of the appliance.
pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let Envelope { version, serial, build, .. } = Envelope::of_success(call, reply)?;
    outcome(&json!({"version": version, "serial": serial, "build": build}))?.into()
}
