use std::cell::Cell;
use std::fmt::Debug;

use crosspoint_contract::{Description, Kind, Protocol, Verb};
use serde_json::{Value, json};

use super::far_side::FarSide;
use super::subject::Subject;
use crate::host::{Call, Client, Host, Options, Reply, Who, driver, until};

/// The name under which the backend is configured.
pub const BACKEND: &str = "far";

/// The same backend under a second name, through which things change behind the first one's back.
pub(super) const SIDE_DOOR: &str = "side-door";

/// Ample: a real backend on a busy machine takes its time.
const REPLY_TIMEOUT_MS: u32 = 15_000;

/// Where a reply is meant to come too late.
const SHORT_REPLY_TIMEOUT_MS: u32 = 2000;

/// A Crosspoint with one driver, one backend and its far side.
pub struct Stage<F> {
    /// Crosspoint.
    pub host: Host,
    /// The far side.
    pub far: F,
    settings: Value,
    description: Description,
    counted: Cell<usize>,
    keys: Cell<u32>,
}

impl<F: FarSide> Stage<F> {
    /// With the shipped driver of this name, and settings as an operator writes them; `driver` and the timeouts are
    /// added.
    pub async fn set(name: &str, settings: Value, far: F) -> Self {
        let host = Host::start(Options::default()).await;
        host.load_driver(driver(name)).await;
        let mut settings = settings;
        settings["driver"] = name.into();
        let described = host.client(Who::Operator).get(&format!("/v1/drivers/{name}")).await.expect(200);
        let description = serde_json::from_value(described["/description"].clone()).unwrap();
        let counted = Cell::new(far.exchanges());
        let stage = Self { host, far, settings, description, counted, keys: Cell::new(0) };
        stage.configure(REPLY_TIMEOUT_MS).await;
        stage
    }

    /// The CMP.
    pub fn acme(&self) -> Client {
        self.host.client(Who::Acme)
    }

    /// The operator.
    pub fn operator(&self) -> Client {
        self.host.client(Who::Operator)
    }

    /// What the driver says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What the work comes to, if the far side receives exactly so many exchanges.
    pub async fn making<T: Debug>(&self, count: usize, what: &str, work: impl IntoFuture<Output = T>) -> T {
        let before = self.counted.get();
        assert_eq!(self.far.exchanges(), before, "before {what}, exchanges that no call made");
        let done = work.await;
        // A far side may count a moment after its reply is on the way.
        let enough = async || (self.far.exchanges() >= before + count).then_some(());
        until(&format!("{count} exchanges of {what}, which came to {done:#?}"), enough).await;
        assert_eq!(self.far.exchanges() - before, count, "exchanges of {what}, which came to {done:#?}");
        self.counted.set(before + count);
        done
    }

    /// Exactly one exchange.
    pub async fn one<T: Debug>(&self, what: &str, work: impl IntoFuture<Output = T>) -> T {
        self.making(1, what, work).await
    }

    /// No exchange.
    pub async fn none<T: Debug>(&self, what: &str, work: impl IntoFuture<Output = T>) -> T {
        self.making(0, what, work).await
    }

    /// Exactly one exchange, where a login may have failed shortly before: for a while no other is tried, which the
    /// answer says, and nothing is sent.
    pub(super) async fn one_after_a_failed_login(&self, what: &str, call: impl Fn() -> Call) -> Reply {
        let asked = async || {
            let before = self.far.exchanges();
            let reply = call().await;
            let refused = reply["/code"] == "backend_unreachable" && self.far.exchanges() == before;
            (!refused).then_some(reply)
        };
        self.one(what, until(&format!("a login for {what}"), asked)).await
    }

    /// A change: one exchange, and one more each time that somebody asks, where the backend works on it for a while.
    pub async fn change(&self, what: &str, call: Call) -> Reply {
        let mut reply = self.one(what, call).await;
        if reply.status != 202 {
            return reply;
        }
        let refresh = format!("/v1/operations/{}:refresh", reply.string("/operation/id"));
        let asked = async || {
            reply = self.one(&format!("asking about {what}"), self.acme().post(&refresh)).await;
            (reply.status != 202).then(|| reply.clone())
        };
        let done = until(&format!("the end of {what}"), asked).await.expect(200);
        assert_eq!(done["/operation/state"], "succeeded", "{what}: {done:#?}");
        done
    }

    /// Creates the n-th object.
    pub async fn create(&self, subject: &Subject, n: u32) -> Reply {
        let call = self.put(subject, n, &subject.spec(n)).key(&self.key());
        self.change(&format!("the creation of {} {n}", subject.kind), call).await.success()
    }

    /// A key for one call.
    pub fn key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("key-{}", self.keys.get())
    }

    /// The path of the n-th object.
    pub fn object(&self, subject: &Subject, n: u32) -> String {
        format!("{}/{}", self.objects(subject), subject.cmp_id(n))
    }

    /// The path of the objects.
    pub fn objects(&self, subject: &Subject) -> String {
        format!("/v1/backends/{BACKEND}/objects/{}", subject.kind)
    }

    pub(super) fn put(&self, subject: &Subject, n: u32, spec: &Value) -> Call {
        self.acme().put(&self.object(subject, n)).json(&json!({"spec": spec}))
    }

    pub(super) fn kind(&self, subject: &Subject) -> &Kind {
        let kind = self.description.kind(&subject.kind);
        kind.unwrap_or_else(|| panic!("driver {} has no kind {}", self.description.name, subject.kind))
    }

    pub(super) fn can(&self, subject: &Subject, verb: &Verb) -> bool {
        self.kind(subject).supports(verb).is_some()
    }

    /// Whether a refused session is renewed, and the same exchange sent once more.
    pub(super) fn renews_sessions(&self) -> bool {
        let precedes = match &self.description.protocol {
            Protocol::Http(http) => http.unauthorized_precedes_effects,
            Protocol::Message(message) => message.unauthorized_precedes_effects(),
            Protocol::Command(_) => false,
        };
        precedes && self.settings["authentication"]["scheme"] == "login"
    }

    pub(super) async fn side_door(&self) {
        let mut settings = self.settings.clone();
        settings["limits"] = limits(REPLY_TIMEOUT_MS);
        self.host.put_backend(SIDE_DOOR, &settings).await;
    }

    /// Does the work with little time for each exchange.
    pub(super) async fn in_a_hurry<T>(&self, work: impl Future<Output = T>) -> T {
        self.configure(SHORT_REPLY_TIMEOUT_MS).await;
        let done = work.await;
        self.configure(REPLY_TIMEOUT_MS).await;
        done
    }

    /// Checks that a text holds no secret of the backend's settings. Whom one logs in as is none, and what is short may
    /// stand anywhere by chance.
    #[track_caller]
    pub(super) fn assert_no_secret(&self, text: &str, what: &str) {
        const SECRET: [&str; 4] = ["key", "password", "secret", "token"];
        let is_secret = |name: &str, value: &str| SECRET.iter().any(|word| name.contains(word)) && value.len() >= 8;
        for (name, value) in self.settings["authentication"]["secrets"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            assert!(!is_secret(name, value) || !text.contains(value), "{what} shows the secret `{name}`");
        }
    }

    /// The mapping of the n-th object; `null` if there is none.
    pub(super) async fn mapping(&self, subject: &Subject, n: u32) -> Value {
        let item = json!({"backend": BACKEND, "kind": subject.kind, "cmp_id": subject.cmp_id(n)});
        let lookup = self.acme().post("/v1/mappings:lookup").json(&json!({"items": [item]}));
        self.none("a look-up", lookup).await.expect(200)["/items/0/mapping"].clone()
    }

    /// The operation of this id.
    pub(super) async fn operation(&self, id: &str) -> Reply {
        self.none("a look at an operation", self.acme().get(&format!("/v1/operations/{id}"))).await.expect(200)
    }

    async fn configure(&self, reply_timeout_ms: u32) {
        let mut settings = self.settings.clone();
        settings["limits"] = limits(reply_timeout_ms);
        self.none("a configuration", self.host.put_backend(BACKEND, &settings)).await;
    }
}

impl Subject {
    /// The CMP's id of the n-th object.
    pub fn cmp_id(&self, n: u32) -> String {
        format!("{}-{n}", self.kind)
    }
}

fn limits(reply_timeout_ms: u32) -> Value {
    json!({"connect_timeout_ms": 2000, "reply_timeout_ms": reply_timeout_ms})
}
