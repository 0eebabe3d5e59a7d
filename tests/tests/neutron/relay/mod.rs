//! Crosspoint between a CMP and a real Neutron with a real Keystone, through REST and through the command line. Proxies
//! count what crosses the wire, and Neutron's own log is asked too.

mod doubt;
mod life;
mod qos;
mod refusals;
mod sessions;
mod trunks;

use anyhow::Result;
use crosspoint_tests::host::{Client, Host, Options, Who, driver};
use crosspoint_tests::openstack::{self, OpenStack, Project};
use crosspoint_tests::proxy::{Exchange, Proxy};
use http::Method;
use serde_json::{Value, json};

/// A Crosspoint with one backend `net`, a project of its own at Keystone, and a proxy before each server.
struct Stage {
    openstack: &'static OpenStack,
    project: Project,
    neutron: Proxy,
    keystone: Proxy,
    host: Host,
}

impl Stage {
    /// `None` where this machine cannot run the servers.
    async fn set(name: &str) -> Result<Option<Self>> {
        match openstack::shared().await? {
            Some(openstack) => Self::before(openstack, name, openstack.neutron().url()).await.map(Some),
            None => Ok(None),
        }
    }

    /// In front of the Neutron at this address.
    async fn before(openstack: &'static OpenStack, name: &str, upstream: &str) -> Result<Self> {
        let project = openstack.keystone().project(name).await?;
        let neutron = Proxy::start(upstream).await?;
        let keystone = Proxy::start(openstack.keystone().url()).await?;
        let host = Host::start(Options::default()).await;
        host.load_driver(driver("neutron")).await.expect(201);
        let stage = Self { openstack, project, neutron, keystone, host };
        stage.configure(5000).await;
        Ok(stage)
    }

    async fn configure(&self, reply_timeout_ms: u32) {
        let settings = json!({
            "driver": "neutron",
            "endpoints": {"default": self.neutron.url(), "identity": self.keystone.url()},
            "authentication": {
                "scheme": "login",
                "secrets": {"username": self.project.username, "password": self.project.password},
            },
            "configuration": {"project": self.project.name},
            "limits": {"reply_timeout_ms": reply_timeout_ms, "connect_timeout_ms": 2000},
        });
        self.host.put_backend("net", &settings).await.success();
    }

    fn acme(&self) -> Client {
        self.host.client(Who::Acme)
    }

    /// The exchanges with Neutron that `work` causes.
    async fn exchanges<T>(&self, work: impl IntoFuture<Output = T>) -> (T, Vec<Exchange>) {
        let before = self.neutron.exchanges().len();
        let done = work.await;
        (done, self.neutron.exchanges_after(before))
    }

    /// Exactly one exchange, with this method.
    async fn one<T: std::fmt::Debug>(&self, method: Method, work: impl IntoFuture<Output = T>) -> T {
        let (done, seen) = self.exchanges(work).await;
        let methods: Vec<_> = seen.iter().map(|exchange| &exchange.method).collect();
        assert_eq!(methods, [&method], "{seen:#?}\n{done:#?}");
        done
    }

    async fn create(&self, kind: &str, cmp_id: &str, spec: &Value) -> String {
        let call = self.acme().put(&object(kind, cmp_id)).json(&json!({"spec": spec}));
        self.one(Method::POST, call).await.expect(201).string("/mapping/backend_id")
    }

    /// What Neutron itself has under this path, asked without Crosspoint.
    async fn truth(&self, path: &str) -> Result<Value> {
        let token = self.openstack.keystone().token(&self.project).await?;
        Ok(self.openstack.neutron().ask(&token, Method::GET, path, None).await?.body)
    }
}

fn object(kind: &str, cmp_id: &str) -> String {
    format!("/v1/backends/net/objects/{kind}/{cmp_id}")
}
