//! What NEO has discovered: two switches of two ports each.

use http::Method;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Request, Told};

/// The ids of the ports.
pub const PORTS: [&str; 4] = ["10.0.0.1.port.1", "10.0.0.1.port.2", "10.0.0.2.port.1", "10.0.0.2.port.2"];

pub fn systems(request: &Request, id: Option<&str>) -> Answer {
    let system = |ip: &str| {
        json!({
            "instanceID": format!("{ip}.system"), "name": format!("switch-{ip}"), "ip": ip, "description": "",
            "systemType": "mlnxos_switch", "status": "OK", "numOfPorts": 2,
        })
    };
    one_or_all(request, id, "system", ["10.0.0.1", "10.0.0.2"].map(system).into())
}

pub fn ports(request: &Request, id: Option<&str>) -> Answer {
    let port = |id: &str| {
        let (system, number) = id.split_once(".port.").unwrap();
        json!({
            "instanceID": id, "name": format!("Eth1/{number}"), "systemID": format!("{system}.system"),
            "operationalState": "Active", "speed": "100G",
        })
    };
    one_or_all(request, id, "port", PORTS.map(port).into())
}

fn one_or_all(request: &Request, id: Option<&str>, what: &str, all: Vec<Value>) -> Answer {
    request.only(&Method::GET)?;
    if !request.query.is_empty() {
        return Err(Refusal::new(400, "Unknown parameter"));
    }
    match id {
        None => Ok(Told::new(200, all)),
        Some(id) => match all.into_iter().find(|object| object["instanceID"] == id) {
            Some(object) => Ok(Told::new(200, object)),
            None => Err(Refusal::not_found(what)),
        },
    }
}
