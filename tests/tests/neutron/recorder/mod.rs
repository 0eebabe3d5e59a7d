//! Makes calls through the driver and keeps what was said, with everything that differs from run to run made the same.

mod stable;

use anyhow::{Context as _, Result, bail};
use crosspoint_sdk::prelude::*;
use crosspoint_tests::openstack::{self, Answer, OpenStack, Project};
use http::Method;
use neutron_driver::Neutron;
use serde_json::{Value, json};

/// An object that was made.
pub struct Made {
    kind: String,
    marker: String,
    spec: Value,
    attributes: Json,
    pub id: String,
}

impl Made {
    /// A call about the object.
    pub fn call(&self, verb: Verb) -> Call {
        Call {
            cmp_id: Some(format!("cmp-{}", self.marker)),
            backend_id: Some(self.id.clone()),
            marker: self.marker.clone(),
            attributes: self.attributes.clone(),
            ..Call::new(verb, &self.kind)
        }
    }

    /// A look for it by its marker.
    pub fn search(&self) -> Call {
        Call { spec: self.spec.clone().into(), marker: self.marker.clone(), ..Call::new(Verb::Find, &self.kind) }
    }
}

pub struct Recorder {
    openstack: &'static OpenStack,
    project: Project,
    admin: String,
    pub token: String,
    fixtures: Vec<Value>,
}

impl Recorder {
    pub async fn new(openstack: &'static OpenStack) -> Result<Self> {
        let project = openstack.keystone().project("recorded").await?;
        let token = openstack.keystone().token(&project).await?;
        let admin = openstack.keystone().admin_token().await?;
        Ok(Self { openstack, project, admin, token, fixtures: Vec::new() })
    }

    /// The fixtures, with the outcome or the fault that the driver makes of what was said.
    pub fn finish(self) -> Vec<Value> {
        let mut fixtures = stable::stable(self.fixtures);
        for fixture in &mut fixtures {
            let Some(reply) = fixture.get("reply") else { continue };
            let reply: Reply = serde_json::from_value(reply.clone()).unwrap();
            let call: Call = serde_json::from_value(fixture["call"].clone()).unwrap();
            match Neutron::decode(&call, &[], &reply) {
                Ok(outcome) => fixture["outcome"] = shown(&outcome),
                Err(fault) => fixture["fault"] = json!(fault),
            }
        }
        fixtures
    }

    /// Makes a call that succeeds, and keeps it.
    pub async fn step(&mut self, name: &str, call: Call) -> Result<Outcome> {
        let result = self.record(name, &call).await.with_context(|| name.to_owned())?;
        result.with_context(|| name.to_owned())
    }

    /// Makes a call that ends in this fault, and keeps it.
    pub async fn refused(&mut self, fault: &str, name: &str, call: Call) -> Result<()> {
        let result = self.record(name, &call).await.with_context(|| name.to_owned())?;
        match result {
            Err(actual) if actual.name() == fault => Ok(()),
            other => bail!("{name}: not `{fault}` but {other:?}"),
        }
    }

    async fn record(&mut self, name: &str, call: &Call) -> Result<Result<Outcome, Fault>> {
        let mut fixture = json!({"name": name, "call": call});
        if let Some(call) = fixture["call"].as_object_mut() {
            call.retain(|_, part| ![json!(null), json!(""), json!(0)].contains(part));
        }
        if let Some(credentials) = &call.credentials {
            fixture["call"]["credentials"] = json!(credentials.secrets);
        }
        let result = match Neutron::encode(call) {
            Ok(exchange) => {
                let reply = self.exchange(&exchange).await?;
                fixture["exchange"] = readable(json!(exchange));
                fixture["reply"] = readable(json!(reply));
                Neutron::decode(call, &[], &reply)
            }
            Err(fault) => {
                fixture["fault"] = json!(fault);
                Err(fault)
            }
        };
        self.fixtures.push(fixture);
        Ok(result)
    }

    /// Performs an exchange, as the host would.
    async fn exchange(&self, exchange: &Exchange) -> Result<Reply> {
        let Request::Http(request) = &exchange.request else { bail!("not HTTP") };
        let endpoint = if exchange.endpoint == "identity" {
            self.openstack.keystone().url()
        } else {
            self.openstack.neutron().url()
        };
        let mut headers: Vec<(&str, &str)> = Vec::new();
        for header in request.headers.iter().filter(|header| header.name != "content-type") {
            headers.push((&header.name, std::str::from_utf8(&header.value)?));
        }
        if exchange.endpoint == "default" {
            headers.push(("X-Auth-Token", &self.token));
        }
        let body: Option<Value> = serde_json::from_slice(request.body.as_ref()).ok();
        let method = request.method.parse()?;
        let answer = openstack::send(method, &format!("{endpoint}{}", request.target), &headers, body.as_ref()).await?;
        Ok(reply(&answer))
    }

    /// A login of the project's user.
    pub fn login(&self, password: &str) -> Call {
        let secrets = [("username", self.project.username.as_str()), ("password", password)];
        let configuration = json!({"project": self.project.name});
        let call = json!({"verb": "login", "configuration": configuration, "credentials": secrets});
        serde_json::from_value(call).unwrap()
    }

    /// Creates an object that later steps are about.
    pub async fn create(&mut self, kind: &str, marker: &str, spec: &Value) -> Result<Made> {
        let mut call = Call::new(Verb::Create, kind);
        call.marker = marker.to_owned();
        call.cmp_id = Some(format!("cmp-{marker}"));
        call.spec = spec.clone().into();
        let how = match Neutron::describe().kind(kind) {
            Some(kind) if kind.marker => "with its marker",
            _ => "without a marker",
        };
        let outcome = self.step(&format!("{} is created {how}", a(kind)), call).await?;
        Ok(Made {
            kind: kind.to_owned(),
            marker: marker.to_owned(),
            spec: spec.clone(),
            attributes: outcome.attributes,
            id: outcome.backend_id.context("no id")?,
        })
    }

    /// Every verb between creation and deletion.
    pub async fn life(&mut self, made: &Made, patch: &Value, whole: &Value) -> Result<()> {
        let revision = self.look(made).await?;
        let kind = a(&made.kind);
        let spec = Json::from(patch.clone());
        let update = Call { spec, precondition: Some(revision), ..made.call(Verb::Update) };
        self.step(&format!("{kind} is changed if it is unchanged"), update.clone()).await?;
        self.refused("stale", &format!("{kind} that has changed is stale"), update).await?;
        let replace = Call { spec: whole.clone().into(), ..made.call(Verb::Replace) };
        self.step(&format!("{kind} gets a whole new spec"), replace).await?;
        Ok(())
    }

    /// Every verb that only reads; the object's revision.
    pub async fn look(&mut self, made: &Made) -> Result<String> {
        let kind = a(&made.kind);
        let found = self.step(&format!("{kind} is found by its marker"), made.search()).await?;
        assert_eq!(found.found.len(), 1, "one object carries the marker");
        self.step(&format!("all of a kind are listed: {}", made.kind), Call::new(Verb::List, &made.kind)).await?;
        let read = self.step(&format!("{kind} is read"), made.call(Verb::Read)).await?;
        read.revision.context("no revision")
    }

    pub async fn delete(&mut self, made: &Made) -> Result<()> {
        self.step(&format!("{} is deleted", a(&made.kind)), made.call(Verb::Delete)).await?;
        Ok(())
    }

    /// A network that later steps are about.
    pub async fn network(&self, name: &str) -> Result<Made> {
        let body = json!({"network": {"name": name}});
        let made = self.ask(&self.token, Method::POST, "/v2.0/networks", Some(&body)).await?;
        Ok(Made {
            kind: "network".to_owned(),
            marker: format!("xp-{name}"),
            spec: body["network"].clone(),
            attributes: Json::null(),
            id: made.text("/network/id")?.to_owned(),
        })
    }

    /// Three ports on a network.
    pub async fn ports(&self, network: &str) -> Result<[String; 3]> {
        let mut ids = [const { String::new() }; 3];
        for id in &mut ids {
            let body = json!({"port": {"network_id": network}});
            let port = self.ask(&self.token, Method::POST, "/v2.0/ports", Some(&body)).await?;
            port.text("/port/id")?.clone_into(id);
        }
        Ok(ids)
    }

    /// Two networks, of which Neutron lists the first before the second: pages go by id.
    pub async fn two_networks(&self) -> Result<(String, String)> {
        let mut ids = Vec::new();
        for _ in 0..2 {
            ids.push(self.network("page").await?.id);
        }
        ids.sort();
        for (number, id) in ids.iter().enumerate() {
            let body = json!({"network": {"name": format!("number {}", number + 1)}});
            self.ask(&self.token, Method::PUT, &format!("/v2.0/networks/{id}"), Some(&body)).await?;
        }
        Ok((ids.remove(0), ids.remove(0)))
    }

    /// The id of a network that leads outside and has one free address. No other test's project sees it.
    pub async fn external_network(&self, address: &str) -> Result<String> {
        let body = json!({"network": {"name": "outside"}});
        let network = self.ask(&self.admin, Method::POST, "/v2.0/networks", Some(&body)).await?;
        let id = network.text("/network/id")?;
        let body = json!({"rbac_policy": {
            "object_type": "network", "object_id": id,
            "action": "access_as_external", "target_tenant": self.project.id,
        }});
        self.ask(&self.admin, Method::POST, "/v2.0/rbac-policies", Some(&body)).await?;
        let body = json!({"subnet": {
            "network_id": id, "ip_version": 4, "cidr": "203.0.113.0/24",
            "allocation_pools": [{"start": address, "end": address}],
        }});
        self.ask(&self.admin, Method::POST, "/v2.0/subnets", Some(&body)).await?;
        Ok(id.to_owned())
    }

    pub async fn remove(&self, collection: &str, id: &str) -> Result<()> {
        self.ask(&self.token, Method::DELETE, &format!("/v2.0/{collection}/{id}"), None).await?;
        Ok(())
    }

    pub async fn set_quota(&self, sort: &str, limit: i32) -> Result<()> {
        self.openstack.neutron().set_quota(&self.admin, &self.project.id, sort, limit).await
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.openstack.neutron().ask(token, method, path, body).await?.success()
    }
}

/// The fixtures as a file: small enough to travel in a driver, and each part on a line of its own.
pub fn write(fixtures: &[Value]) -> String {
    let parts = ["name", "call", "exchange", "reply", "outcome", "fault"];
    let fixture = |fixture: &Value| {
        let part = |name: &&str| Some(format!("\"{name}\": {}", fixture.get(name)?));
        format!("{{\n  {}\n}}", parts.iter().filter_map(part).collect::<Vec<_>>().join(",\n  "))
    };
    format!("[\n{}\n]\n", fixtures.iter().map(fixture).collect::<Vec<_>>().join(",\n"))
}

fn reply(answer: &Answer) -> Reply {
    let kept = ["content-type", "retry-after", "x-subject-token"];
    let headers = kept.iter().filter_map(|name| {
        let value = answer.headers.get(*name)?;
        Some(Header { name: (*name).to_owned(), value: value.as_bytes().to_vec() })
    });
    let body = if answer.body.is_null() { Bytes::default() } else { Bytes::from(answer.body.to_string()) };
    Reply::Http(HttpReply { status: answer.status.as_u16(), headers: headers.collect(), body })
}

/// Shows a JSON body as JSON and not as a string.
fn readable(mut message: Value) -> Value {
    if let Some(body) = message["http"].get_mut("body")
        && let Some(json) = body.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())
    {
        *body = json!({"json": json});
    }
    message
}

/// An outcome with its session, which is left out of what may be logged.
fn shown(outcome: &Outcome) -> Value {
    let mut shown = json!(outcome);
    if let Some(session) = &outcome.session {
        shown["session"] = json!({"headers": session.headers, "expires_in": session.expires_in});
    }
    shown
}

fn a(kind: &str) -> String {
    format!("a {}", kind.replace('-', " "))
}
