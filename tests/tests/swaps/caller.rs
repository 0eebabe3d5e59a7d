use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crosspoint_tests::host::{Client, Scene, create, rule};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Several who call without a pause. Any failure fails the test, and so does an answer that was made by two versions.
pub struct Callers {
    over: Arc<AtomicBool>,
    answered: Arc<[AtomicUsize; 2]>,
    running: Vec<JoinHandle<()>>,
}

impl Callers {
    pub fn start(scene: &Scene, count: usize) -> Self {
        let (over, answered) = (Arc::<AtomicBool>::default(), Arc::<[AtomicUsize; 2]>::default());
        let running = (0..count)
            .map(|number| {
                let call = call_until(scene.acme(), format!("r-{number}"), Arc::clone(&over), Arc::clone(&answered));
                tokio::spawn(call)
            })
            .collect();
        Self { over, answered, running }
    }

    /// How many changes each version has answered.
    pub fn answered(&self) -> [usize; 2] {
        [0, 1].map(|version| self.answered[version].load(Ordering::Relaxed))
    }

    /// Has them stop; fails if any of them met a failure.
    pub async fn stop(self) -> [usize; 2] {
        self.over.store(true, Ordering::Relaxed);
        let answered = Arc::clone(&self.answered);
        for caller in self.running {
            caller.await.unwrap();
        }
        [0, 1].map(|version| answered[version].load(Ordering::Relaxed))
    }
}

async fn call_until(client: Client, name: String, over: Arc<AtomicBool>, answered: Arc<[AtomicUsize; 2]>) {
    client.put(&rule(&name)).json(&create(&name)).await.expect(201);
    while !over.load(Ordering::Relaxed) {
        client.get(&rule(&name)).await.expect(200);
        for call in [
            client.put(&rule(&name)).json(&create(&name)),
            client.patch(&rule(&name)).json(&json!({"spec": {"port": 80}})),
        ] {
            let reply = call.await.expect(200);
            let by_next = reply["/operation/driver"] == "firewall@0.2.0";
            // The next version alone tells what shadows a rule.
            assert_eq!(reply["/result/shadowed"] != Value::Null, by_next, "{reply:#?}");
            answered[usize::from(by_next)].fetch_add(1, Ordering::Relaxed);
        }
    }
}
