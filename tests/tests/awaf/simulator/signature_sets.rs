use http::Method;
use serde_json::{Value, json};

use super::collection::{flags, page, text, word};
use super::refusal::Refusal;
use super::{Answer, Object, Request, SIGNATURE, SYSTEM, State, link, linked};

const WHAT: &str = "Attack Signature Set";
const FLAGS: [&str; 4] = ["assignToPolicyByDefault", "defaultAlarm", "defaultBlock", "defaultLearn"];
const CHANGED: [&str; 3] = ["signatureReferences", "filter", "systems"];

impl State {
    pub fn signature_sets(&mut self, request: &Request) -> Answer {
        match request.method {
            Method::GET => page(request, "tm:asm:signature-sets:signature-setcollectionstate", &self.sets),
            Method::POST => self.make_set(request.object(WHAT, &[&FLAGS[..], &CHANGED, &["name", "type"]].concat())?),
            _ => Err(request.wrong_method()),
        }
    }

    fn make_set(&mut self, given: Object) -> Answer {
        word(&given, "type", &["manual", "filter-based"], WHAT)?;
        check(&given, given.get("type").and_then(Value::as_str).unwrap_or("filter-based"))?;
        let Some(name) = text(&given, "name", WHAT)?.filter(|name| !name.is_empty()) else {
            return Err(Refusal::new(400, format!("Could not parse/validate the {WHAT}. The name is missing.")));
        };
        if self.sets.iter().any(|set| set["name"] == name.as_str()) {
            return Err(Refusal::new(400, format!("Could not add the {WHAT}. '{name}' already exists.")));
        }
        let id = self.id();
        let defaults = json!({
            "kind": "tm:asm:signature-sets:signature-setstate", "type": "filter-based", "category": "User-defined",
            "isUserDefined": true, "assignToPolicyByDefault": true, "defaultAlarm": true, "defaultBlock": true,
            "defaultLearn": true,
        });
        let Value::Object(mut object) = defaults else { unreachable!() };
        object.extend(given);
        object.insert("selfLink".to_owned(), link(&format!("/mgmt/tm/asm/signature-sets/{id}"))["link"].clone());
        object.insert("id".to_owned(), id.into());
        self.sets.push(object.clone());
        Ok((201, object.into()))
    }

    pub fn signature_set(&mut self, request: &Request, id: &str) -> Answer {
        let place = self.sets.iter().position(|set| set["id"] == id).ok_or_else(|| Refusal::not_found(WHAT))?;
        match request.method {
            Method::GET => Ok((200, self.sets[place].clone().into())),
            Method::PATCH => {
                let change = request.object(WHAT, &[&FLAGS[..], &CHANGED].concat())?;
                check(&change, self.sets[place]["type"].as_str().unwrap())?;
                self.sets[place].extend(change);
                Ok((200, self.sets[place].clone().into()))
            }
            Method::DELETE => {
                self.sets.remove(place);
                Ok((200, json!({"id": id})))
            }
            _ => Err(request.wrong_method()),
        }
    }
}

fn check(given: &Object, r#type: &str) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new(400, format!("Could not parse/validate the {WHAT}. {why}")));
    flags(given, &FLAGS, WHAT)?;
    let list = |name: &str| given.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let signature = |link: &Value| linked(Some(link), "/mgmt/tm/asm/signatures").as_deref() == Some(SIGNATURE);
    if !list("signatureReferences").iter().all(signature) {
        return refused("Invalid signature reference.");
    }
    let system = |system: &Value| {
        linked(system.get("systemReference"), "/mgmt/tm/asm/signature-systems").as_deref() == Some(SYSTEM)
    };
    if !list("systems").iter().all(system) {
        return refused("Invalid system reference.");
    }
    match r#type {
        "manual" if given.contains_key("filter") => refused("A manual set has no filter."),
        "filter-based" if given.contains_key("signatureReferences") => {
            refused("A filter-based set names no signatures.")
        }
        _ => match given.get("filter") {
            Some(Value::Object(filter)) => filtered(filter),
            Some(_) => refused("'filter' is no object."),
            None => Ok(()),
        },
    }
}

fn filtered(filter: &Object) -> Result<(), Refusal> {
    let known: [(&str, &[&str]); 6] = [
        ("signatureType", &["all", "request", "response"]),
        ("riskFilter", &["all", "eq", "ge", "le"]),
        ("riskValue", &["all", "low", "medium", "high"]),
        ("accuracyFilter", &["all", "eq", "ge", "le"]),
        ("accuracyValue", &["all", "low", "medium", "high"]),
        ("userDefinedFilter", &["all", "yes", "no"]),
    ];
    if let Some(name) = filter.keys().find(|name| !known.iter().any(|(known, _)| known == name)) {
        return Err(Refusal::new(400, format!("Could not parse/validate the {WHAT}. Unknown property '{name}'.")));
    }
    known.iter().try_for_each(|(name, words)| word(filter, name, words, WHAT))
}
