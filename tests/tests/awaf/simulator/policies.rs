use http::Method;
use serde_json::{Value, json};

use super::collection::{page, text, word};
use super::refusal::Refusal;
use super::{Answer, Object, POLICY, Request, State, TEMPLATE, link, linked};

/// A policy and what is in it.
pub struct Policy {
    pub object: Object,
    pub whitelist: Vec<Object>,
}

const WHAT: &str = "Policy";
const MADE_WITH: [&str; 6] =
    ["name", "partition", "description", "enforcementMode", "applicationLanguage", "templateReference"];

impl Policy {
    /// One that somebody has made by hand.
    pub fn built_in() -> Self {
        let mut object = Object::new();
        object.insert("name".to_owned(), "by-hand".into());
        Self::new(POLICY, object)
    }

    fn new(id: &str, given: Object) -> Self {
        let defaults = json!({
            "kind": "tm:asm:policies:policystate", "partition": "Common", "description": "",
            "enforcementMode": "transparent", "applicationLanguage": "utf-8", "type": "security", "active": false,
            "isModified": false, "caseInsensitive": false, "creatorName": "admin",
        });
        let Value::Object(mut object) = defaults else { unreachable!() };
        object.extend(given);
        let path = format!("/mgmt/tm/asm/policies/{id}");
        let name = format!("/{}/{}", object["partition"].as_str().unwrap(), object["name"].as_str().unwrap());
        object.insert("id".to_owned(), id.into());
        object.insert("fullPath".to_owned(), name.into());
        object.insert("selfLink".to_owned(), link(&path)["link"].clone());
        for name in ["url", "whitelistIp", "signatureSet"] {
            object.insert(format!("{name}Reference"), link(&format!("{path}/{name}s")));
        }
        Self { object, whitelist: Vec::new() }
    }

    /// It has changes that are not in force.
    pub fn modified(&mut self) {
        self.object.insert("isModified".to_owned(), true.into());
    }
}

impl State {
    pub fn policies(&mut self, request: &Request) -> Answer {
        match request.method {
            Method::GET => {
                let all: Vec<Object> = self.policies.iter().map(|policy| policy.object.clone()).collect();
                page(request, "tm:asm:policies:policycollectionstate", &all)
            }
            Method::POST => self.make_policy(request.object(WHAT, &MADE_WITH)?),
            _ => Err(request.wrong_method()),
        }
    }

    fn make_policy(&mut self, given: Object) -> Answer {
        check(&given)?;
        let Some(name) = text(&given, "name", WHAT)?.filter(|name| !name.is_empty() && !name.contains('/')) else {
            return Err(Refusal::new(400, "Could not parse/validate the Policy. The name is missing or not valid."));
        };
        let partition = text(&given, "partition", WHAT)?.unwrap_or_else(|| "Common".to_owned());
        if partition != "Common" {
            return Err(Refusal::new(400, format!("The partition '{partition}' does not exist")));
        }
        let template = given.get("templateReference");
        if template.is_some() && linked(template, "/mgmt/tm/asm/policy-templates").as_deref() != Some(TEMPLATE) {
            return Err(Refusal::new(400, "Could not parse/validate the Policy. Invalid template reference."));
        }
        if self.policies.iter().any(|policy| policy.object["name"] == name.as_str()) {
            let text =
                format!("Could not add the Policy. A policy with the name '/{partition}/{name}' already exists.");
            return Err(Refusal::new(400, text));
        }
        let policy = Policy::new(&self.id(), given);
        let shown = policy.object.clone();
        self.policies.push(policy);
        Ok((201, shown.into()))
    }

    pub fn policy(&mut self, request: &Request, id: &str) -> Answer {
        let policy = self.policy_of(id)?;
        match request.method {
            Method::GET => Ok((200, policy.object.clone().into())),
            Method::PATCH => {
                let change = request.object(WHAT, &["description", "enforcementMode"])?;
                check(&change)?;
                policy.object.extend(change);
                policy.modified();
                Ok((200, policy.object.clone().into()))
            }
            Method::DELETE => {
                self.policies.retain(|policy| policy.object["id"] != id);
                Ok((200, json!({"id": id})))
            }
            _ => Err(request.wrong_method()),
        }
    }

    pub fn policy_of(&mut self, id: &str) -> Result<&mut Policy, Refusal> {
        self.policies.iter_mut().find(|policy| policy.object["id"] == id).ok_or_else(|| Refusal::not_found(WHAT))
    }
}

fn check(given: &Object) -> Result<(), Refusal> {
    word(given, "enforcementMode", &["transparent", "blocking"], WHAT)?;
    word(given, "applicationLanguage", &["utf-8", "iso-8859-1"], WHAT)?;
    match text(given, "description", WHAT)? {
        Some(text) if text.chars().count() > 255 => Err(Refusal::new(400, "The description is too long")),
        _ => Ok(()),
    }
}
