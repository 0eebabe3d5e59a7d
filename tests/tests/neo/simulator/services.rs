use http::Method;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::resources::PORTS;
use super::{Answer, Changes, Object, Request, SERVICE_TYPE, State, Told, Trouble};

const ATTRIBUTES: [&str; 4] = ["name", "serviceType", "description", "config"];

/// One of another type, which somebody has made by hand.
pub fn built_in() -> Object {
    let mut given = Object::new();
    given.insert("name".to_owned(), "by-hand".into());
    given.insert("serviceType".to_owned(), "MLAG".into());
    given.insert("description".to_owned(), "".into());
    given.insert("config".to_owned(), json!({"ports": []}));
    made("0", given)
}

fn made(id: &str, given: Object) -> Object {
    let devices = given["config"]["ports"].as_array().map_or(0, Vec::len);
    let defaults = json!({
        "state": "Idle", "numOfDevices": devices, "numOfFaultyDevices": 0, "lastConfigStatus": "Completed",
        "lastValidationStatus": "Unknown", "lastCleanupStatus": "Unknown", "createdOn": "2026-01-01 00:00:00",
        "validationInProgress": false, "configurationInProgress": false, "cleanupInProgress": false,
    });
    let Value::Object(mut service) = defaults else { unreachable!() };
    service.extend(given);
    service.insert("instanceID".to_owned(), id.into());
    service
}

impl State {
    pub fn all_services(&mut self, request: &Request) -> Answer {
        match request.method {
            Method::GET => {
                let wanted = match &request.query[..] {
                    [] => None,
                    [(name, service_type)] if name == "service_type" => Some(service_type.as_str()),
                    _ => return Err(Refusal::new(400, "Unknown parameter")),
                };
                let of_type = |service: &&Object| wanted.is_none_or(|wanted| service["serviceType"] == wanted);
                let services: Vec<Value> = self.services.iter().filter(of_type).cloned().map(Value::from).collect();
                Ok(Told::new(200, services))
            }
            Method::POST => self.make_service(request),
            _ => Err(request.wrong_method()),
        }
    }

    fn make_service(&mut self, request: &Request) -> Answer {
        let given = request.object(&ATTRIBUTES)?;
        check(&given)?;
        let id = format!("a3c1bbec-0000-4000-8000-{:012}", self.id());
        let service = made(&id, given);
        // A job that fails from the start makes nothing; one with errors has made it.
        if self.trouble != Some(Trouble::Failed) {
            self.services.push(service.clone());
        }
        match self.changes {
            Changes::AtOnce => {
                Ok(Told { location: Some(format!("/neo/app/services/{id}")), ..Told::new(201, service) })
            }
            Changes::ByJob => Ok(self.accepted()),
        }
    }

    pub fn service(&mut self, request: &Request, id: &str) -> Answer {
        let place = self.services.iter().position(|service| service["instanceID"] == id);
        let place = place.ok_or_else(|| Refusal::not_found("service"))?;
        match request.method {
            Method::GET => return Ok(Told::new(200, self.services[place].clone())),
            Method::PUT => {
                let given = request.object(&ATTRIBUTES)?;
                check(&given)?;
                self.services[place] = made(id, given);
            }
            Method::DELETE => drop(self.services.remove(place)),
            _ => return Err(request.wrong_method()),
        }
        Ok(match self.changes {
            Changes::AtOnce if request.method == Method::DELETE => Told::new(204, Value::Null),
            Changes::AtOnce => Told::new(200, ""),
            Changes::ByJob => self.accepted(),
        })
    }
}

fn check(given: &Object) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new(400, why));
    if given.get("serviceType") != Some(&json!(SERVICE_TYPE)) {
        return refused("Unknown service type");
    }
    if given.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return refused("A service needs a name");
    }
    if given.get("description").and_then(Value::as_str).is_none_or(|text| text.chars().count() > 255) {
        return refused("The description is missing or too long");
    }
    let Some(config) = given.get("config").and_then(Value::as_object) else {
        return refused("A service needs a configuration");
    };
    if config.keys().any(|name| !["vlanId", "ports"].contains(&name.as_str())) {
        return refused("Unknown argument");
    }
    if !config.get("vlanId").and_then(Value::as_u64).is_some_and(|vlan| (1..=4094).contains(&vlan)) {
        return refused("There is no such VLAN");
    }
    let known = |port: &Value| port.as_str().is_some_and(|port| PORTS.contains(&port));
    match config.get("ports").and_then(Value::as_array) {
        Some(ports) if ports.iter().all(known) => Ok(()),
        _ => refused("There is no such port"),
    }
}
