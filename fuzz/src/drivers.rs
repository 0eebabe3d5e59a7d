//! Whatever a backend says, and whatever a spec holds: a driver answers or refuses, and never traps. What it answers
//! with is what it says it is: JSON where there has to be JSON.
//!
//! Input: the driver, one of its own fixtures, what is changed, and the [changes](edited). A driver's fixtures lead as
//! deep into it as a stranger's bytes alone would not for a long time.

use std::cell::LazyCell;

use crosspoint_contract::fixture::Fixture;
use crosspoint_contract::{Bytes, Call, Exchange, Fault, Json, Outcome, Reply};
use crosspoint_sdk::Packaged;
use serde::de::IgnoredAny;

use crate::input::Input;

/// One driver, natively.
struct Subject {
    name: &'static str,
    fixtures: &'static [u8],
    encode: fn(&Call) -> Result<Exchange, Fault>,
    decode: fn(&Call, &[u8], &Reply) -> Result<Outcome, Fault>,
}

const fn subject<D: Packaged>() -> Subject {
    Subject { name: D::NAME, fixtures: D::FIXTURES, encode: D::encode, decode: D::decode }
}

const DRIVERS: &[Subject] = &[
    subject::<firewall_driver::Firewall>(),
    subject::<awaf_driver::Awaf>(),
    subject::<crowdsec_waf_driver::CrowdSec>(),
    subject::<eapi_switch_driver::Eapi>(),
    subject::<etcd_driver::Etcd>(),
    subject::<fortios_firewall_driver::FortiOs>(),
    subject::<haproxy_firewall_driver::HaProxy>(),
    subject::<kvdaemon_driver::KvDaemon>(),
    subject::<neo_driver::Neo>(),
    subject::<netconf_switch_driver::NetconfSwitch>(),
    subject::<neutron_driver::Neutron>(),
    subject::<ovs_switch_driver::OvsSwitch>(),
    subject::<panos_firewall_driver::PanOs>(),
    subject::<pravega_controller_driver::PravegaController>(),
    subject::<pravega_driver::Pravega>(),
];

thread_local! {
    static FIXTURES: LazyCell<Vec<Vec<Fixture>>> = LazyCell::new(|| {
        let parsed = |subject: &Subject| Fixture::parse_all(subject.fixtures).expect("a driver's fixtures are JSON");
        DRIVERS.iter().map(parsed).collect()
    });
}

/// See the module's documentation.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let driver = usize::from(input.byte()) % DRIVERS.len();
    let fixture = FIXTURES.with(|fixtures| {
        let own = &fixtures[driver];
        own[usize::from(input.byte()) % own.len()].clone()
    });
    let subject = &DRIVERS[driver];
    let Fixture { mut call, reply, .. } = fixture;
    match input.byte() % 4 {
        0 => call.spec = changed(&call.spec, input),
        1 => call.attributes = changed(&call.attributes, input),
        2 => {
            call.backend_id = Some(input.long_text());
            call.page_token = Some(input.long_text());
            call.poll_token = Some(input.long_text());
            call.precondition = Some(input.text());
        }
        _ => {
            let (Ok(exchange), Some(reply)) = ((subject.encode)(&call), reply) else { return };
            return answered(subject, &call, &exchange, &bent(reply, input));
        }
    }
    // The host checks a spec against its schema first; the driver must bear what the schema lets pass, and more.
    if let (Ok(exchange), Some(reply)) = ((subject.encode)(&call), reply) {
        answered(subject, &call, &exchange, &reply);
    }
}

fn answered(subject: &Subject, call: &Call, exchange: &Exchange, reply: &Reply) {
    let Ok(outcome) = (subject.decode)(call, exchange.context.as_ref(), reply) else { return };
    let found = outcome.found.iter().flat_map(|found| [&found.attributes, &found.result]);
    for json in [&outcome.attributes, &outcome.result].into_iter().chain(found) {
        let valid = serde_json::from_str::<IgnoredAny>(json.as_str());
        assert!(valid.is_ok(), "{} answered with what is no JSON: {}", subject.name, json.as_str());
    }
}

/// A reply with other bytes in it.
fn bent(reply: Reply, mut input: Input<'_>) -> Reply {
    match reply {
        Reply::Http(mut http) => {
            if input.flag() {
                http.status = u16::from(input.byte()) + 100 * u16::from(input.byte() % 6);
            }
            if input.flag() {
                for header in &mut http.headers {
                    header.value = input.long_text().into_bytes();
                }
            }
            http.body = Bytes(edited(http.body.0, input.rest()));
            Reply::Http(http)
        }
        Reply::Message(message) => Reply::Message(Bytes(edited(message.0, input.rest()))),
        Reply::Command(mut command) => {
            command.status = input.flag().then(|| i32::from(input.byte()));
            command.output = Bytes(edited(command.output.0, input.rest()));
            Reply::Command(command)
        }
    }
}

/// The JSON with changes, if it still is some; else as it was.
fn changed(json: &Json, input: Input<'_>) -> Json {
    let text = String::from_utf8_lossy(&edited(json.as_str().as_bytes().to_vec(), input.rest())).into_owned();
    if serde_json::from_str::<IgnoredAny>(&text).is_ok() { Json::trusted(text) } else { json.clone() }
}

/// The bytes with changes: each is four bytes of the input, a place (two bytes), what is done there, and with what.
fn edited(mut bytes: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.chunks_exact(4) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % (bytes.len() + 1);
        let (length, byte) = (usize::from(change[3]).min(bytes.len() - place), change[3]);
        match change[2] % 6 {
            0 => bytes.truncate(place),
            1 => drop(bytes.drain(place..place + length)),
            2 => bytes.insert(place, byte),
            3 if place < bytes.len() => bytes[place] = byte,
            4 => drop(bytes.splice(place..place, bytes[place..place + length].to_vec()).collect::<Vec<_>>()),
            _ => drop(bytes.splice(place..place + length.min(4), *b"-1e9").collect::<Vec<_>>()),
        }
    }
    bytes
}
