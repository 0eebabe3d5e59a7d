use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::{Client, Options, Reply, Scene, driver};
use serde_json::{Value, json};

/// The ordinary scene, whose driver is the other one, with the hostile driver beside it.
pub struct Laboratory {
    pub scene: Scene,
    calls: AtomicUsize,
}

impl Laboratory {
    pub async fn start() -> Self {
        Self::with("deadline_ms = 400\nmemory_mib = 16\noutput_mib = 1").await
    }

    /// With these lines of `[driver]`.
    pub async fn with(limits: &'static str) -> Self {
        let scene = Scene::with(Options { driver: limits, ..Options::default() }, json!({})).await;
        scene.host.load_driver(driver("hostile")).await;
        Self { scene, calls: AtomicUsize::new(0) }
    }

    /// Gives the hostile driver a backend.
    pub async fn backend(&self, name: &str, url: &str, more: &Value) {
        let mut settings = json!({"driver": "hostile", "endpoints": {"default": url},
            "limits": {"mutation_concurrency": 8, "connect_timeout_ms": 5000, "reply_timeout_ms": 5000}});
        for (member, value) in more.as_object().unwrap() {
            settings[member] = value.clone();
        }
        self.scene.host.put_backend(name, &settings).await;
    }

    /// Has the hostile driver create a thing by this spec; each time another thing.
    pub async fn create(&self, backend: &str, spec: &Value) -> Reply {
        create(&self.scene.acme(), backend, self.calls.fetch_add(1, Ordering::Relaxed), spec).await
    }

    /// Has it make this exchange, to the letter.
    pub async fn send(&self, backend: &str, exchange: &Value) -> Reply {
        self.create(backend, &json!({"exchange": exchange})).await
    }

    /// Has the server refuse a package for a reason with these parts; gives the reason.
    pub async fn rejected(&self, package: Vec<u8>, parts: &[&str], what: &str) -> String {
        let reply = self.scene.operator().post("/v1/drivers").bytes("application/wasm", package).await;
        assert_eq!(reply.status, 422, "{what}: {reply:#?}");
        let reason = reply.problem(422, "driver_rejected").string("/detail");
        assert!(parts.iter().all(|part| reason.contains(part)), "{what}: {parts:?} are not in: {reason}");
        reason
    }

    /// The memory that the server has at the moment, in bytes.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.scene.host.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    /// A call on the other driver, which must be served whatever happened.
    pub async fn others_are_served(&self) {
        let name = format!("other-{}", self.calls.fetch_add(1, Ordering::Relaxed));
        self.scene.created(&name).await;
    }
}

async fn create(client: &Client, backend: &str, number: usize, spec: &Value) -> Reply {
    client.put(&format!("/v1/backends/{backend}/objects/thing/{number}")).json(&json!({"spec": spec})).await
}
