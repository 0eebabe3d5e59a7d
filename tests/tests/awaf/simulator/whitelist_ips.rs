use std::net::IpAddr;

use http::Method;
use serde_json::{Value, json};

use super::collection::{flags, page, text, word};
use super::refusal::Refusal;
use super::{Answer, Object, Request, State, link};

const WHAT: &str = "IP Address Exception";
const FLAGS: [&str; 4] = ["ignoreAnomalies", "ignoreIpReputation", "neverLogRequests", "trustedByPolicyBuilder"];

impl State {
    pub fn whitelist_ips(&mut self, request: &Request, policy: &str) -> Answer {
        match request.method {
            Method::GET => page(
                request,
                "tm:asm:policies:whitelist-ips:whitelist-ipcollectionstate",
                &self.policy_of(policy)?.whitelist,
            ),
            Method::POST => {
                self.policy_of(policy)?;
                let members = [&FLAGS[..], &["ipAddress", "ipMask", "description", "blockRequests"]].concat();
                self.make_whitelist_ip(policy, request.object(WHAT, &members)?)
            }
            _ => Err(request.wrong_method()),
        }
    }

    fn make_whitelist_ip(&mut self, policy: &str, given: Object) -> Answer {
        check(&given)?;
        let id = self.id();
        let policy_path = format!("/mgmt/tm/asm/policies/{policy}");
        let policy = self.policy_of(policy)?;
        let address = text(&given, "ipAddress", WHAT)?.unwrap_or_default();
        let Ok(parsed) = address.parse::<IpAddr>() else {
            return Err(Refusal::new(
                400,
                format!("Could not parse/validate the {WHAT}. '{address}' is no IP address."),
            ));
        };
        // It writes addresses in one way, whichever way they came.
        let address = parsed.to_string();
        let single = if parsed.is_ipv4() { "255.255.255.255" } else { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
        let mask = text(&given, "ipMask", WHAT)?.unwrap_or_else(|| single.to_owned());
        if mask.parse::<IpAddr>().map_or(true, |mask| mask.is_ipv4() != parsed.is_ipv4()) {
            return Err(Refusal::new(400, format!("Could not parse/validate the {WHAT}. '{mask}' is no mask.")));
        }
        if policy
            .whitelist
            .iter()
            .any(|other| other["ipAddress"] == address.as_str() && other["ipMask"] == mask.as_str())
        {
            return Err(Refusal::new(400, format!("Could not add the {WHAT}. '{address}/{mask}' already exists.")));
        }
        let defaults = json!({
            "kind": "tm:asm:policies:whitelist-ips:whitelist-ipstate", "description": "",
            "blockRequests": "policy-default", "ignoreAnomalies": false, "ignoreIpReputation": false,
            "neverLogRequests": false, "trustedByPolicyBuilder": false, "lastUpdateMicros": 1_564_274_172_000_000_u64,
        });
        let Value::Object(mut object) = defaults else { unreachable!() };
        object.extend(given);
        object.insert("ipAddress".to_owned(), address.into());
        object.insert("ipMask".to_owned(), mask.into());
        object.insert("selfLink".to_owned(), link(&format!("{policy_path}/whitelist-ips/{id}"))["link"].clone());
        object.insert("id".to_owned(), id.into());
        policy.whitelist.push(object.clone());
        policy.modified();
        Ok((201, object.into()))
    }

    pub fn whitelist_ip(&mut self, request: &Request, policy: &str, id: &str) -> Answer {
        let policy = self.policy_of(policy)?;
        let place = policy.whitelist.iter().position(|object| object["id"] == id);
        let place = place.ok_or_else(|| Refusal::not_found(WHAT))?;
        match request.method {
            Method::GET => Ok((200, policy.whitelist[place].clone().into())),
            Method::PATCH => {
                // Address and mask can be read only.
                let change = request.object(WHAT, &[&FLAGS[..], &["description", "blockRequests"]].concat())?;
                check(&change)?;
                policy.whitelist[place].extend(change);
                policy.modified();
                Ok((200, policy.whitelist[place].clone().into()))
            }
            Method::DELETE => {
                policy.whitelist.remove(place);
                policy.modified();
                Ok((200, json!({"id": id})))
            }
            _ => Err(request.wrong_method()),
        }
    }
}

fn check(given: &Object) -> Result<(), Refusal> {
    flags(given, &FLAGS, WHAT)?;
    word(given, "blockRequests", &["policy-default", "never", "always"], WHAT)?;
    text(given, "description", WHAT).map(drop)
}
