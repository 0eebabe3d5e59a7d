use firewall_appliance::{API_KEY, Appliance};
use serde_json::{Value, json};

use super::wait::until;
use super::{Client, Host, Options, Reply, Who, driver};

/// A Crosspoint with the firewall driver and one appliance, backend `fw`.
pub struct Scene {
    /// Crosspoint.
    pub host: Host,
    /// The appliance.
    pub appliance: Appliance,
}

impl Scene {
    /// The ordinary scene.
    pub async fn start() -> Self {
        Self::with(Options::default(), json!({})).await
    }

    /// One whose exchanges end soon, so that doubt can be over soon: see `deadline` of an operation.
    pub async fn impatient() -> Self {
        Self::with(Options::default(), json!({"connect_timeout_ms": 500, "reply_timeout_ms": 500})).await
    }

    /// One with these options, and these limits of the backend.
    pub async fn with(options: Options, limits: Value) -> Self {
        Self::on(Host::start(options).await, limits).await
    }

    /// One on a Crosspoint that has nothing yet.
    pub async fn on(host: Host, limits: Value) -> Self {
        let appliance = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        host.load_driver(driver("firewall")).await;
        let mut settings = settings(&appliance.url());
        settings["limits"] = limits;
        host.put_backend("fw", &settings).await;
        Self { host, appliance }
    }

    /// The CMP of tenant `acme`.
    #[must_use]
    pub fn acme(&self) -> Client {
        self.host.client(Who::Acme)
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> Client {
        self.host.client(Who::Operator)
    }

    /// Creates a rule, under its name as the CMP's id.
    pub async fn created(&self, name: &str) -> Reply {
        self.acme().put(&rule(name)).json(&create(name)).await.expect(201)
    }

    /// The mapping of a rule; `null` if there is none.
    pub async fn mapping(&self, cmp_id: &str) -> Value {
        let item = json!({"backend": "fw", "kind": "rule", "cmp_id": cmp_id});
        let looked_up = self.acme().post("/v1/mappings:lookup").json(&json!({"items": [item]})).await.expect(200);
        looked_up["/items/0/mapping"].clone()
    }

    /// The operations of tenant `acme` in this state.
    pub async fn operations(&self, state: &str) -> Vec<Value> {
        self.acme().get(&format!("/v1/operations?state={state}")).await.expect(200).items().to_vec()
    }

    /// The one operation of tenant `acme` in this state, once there is one.
    pub async fn operation(&self, state: &str) -> Value {
        let what = format!("an operation that is {state}");
        let some = async || Some(self.operations(state).await).filter(|found| !found.is_empty());
        let found = until(&what, some).await;
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].clone()
    }

    /// Asks the backend about an operation in doubt.
    pub async fn resolve(&self, operation: &Value) -> Reply {
        let id = operation["id"].as_str().unwrap();
        self.acme().post(&format!("/v1/operations/{id}:resolve")).await
    }

    /// Asks the backend about an operation in doubt, until its deadline has passed and there is an answer.
    pub async fn resolve_after_deadline(&self, operation: &Value) -> Reply {
        until("the deadline to pass", async || {
            let reply = self.resolve(operation).await;
            (reply["/code"] != "in_doubt").then_some(reply)
        })
        .await
    }
}

/// The address of a rule at backend `fw`.
#[must_use]
pub fn rule(cmp_id: &str) -> String {
    format!("/v1/backends/fw/objects/rule/{cmp_id}")
}

/// A rule's spec.
#[must_use]
pub fn spec(name: &str) -> Value {
    json!({
        "name": name, "source": "10.0.0.0/8", "destination": "192.0.2.10/32", "port": 443, "protocol": "tcp",
        "action": "permit",
    })
}

/// The body that creates a rule.
#[must_use]
pub fn create(name: &str) -> Value {
    json!({"spec": spec(name)})
}

/// The settings of a backend with the firewall driver.
#[must_use]
pub fn settings(url: &str) -> Value {
    json!({
        "driver": "firewall",
        "endpoints": {"default": url},
        "authentication": {"scheme": "api-key", "secrets": {"key": API_KEY}},
    })
}
