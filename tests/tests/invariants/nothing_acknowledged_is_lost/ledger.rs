//! What a caller knows of its own objects, from the answers that it got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::{Client, create, rule};
use serde_json::json;

/// Numbers that look random and are the same in every run.
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(seed * 2 + 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is not there.
    Gone,
    /// It is there, with this port.
    Port(u16),
    /// The last call got no answer.
    Uncertain,
}

/// A caller's objects.
pub struct Book {
    chance: Chance,
    pub objects: BTreeMap<String, Known>,
    /// How many creations were asked for.
    pub creations: usize,
}

impl Book {
    pub fn new(caller: usize, objects: usize) -> Self {
        let objects = (0..objects).map(|number| (format!("r-{caller}-{number}"), Known::Gone));
        Self { chance: Chance::seeded(caller as u64 + 1), objects: objects.collect(), creations: 0 }
    }

    /// Creates, changes and deletes by chance, until there is no answer any more.
    pub async fn keep_calling(mut self, client: Client, acknowledged: Arc<AtomicUsize>) -> Self {
        loop {
            let nth = self.chance.below(self.objects.len());
            let (cmp_id, known) = self.objects.iter().nth(nth).map(|(id, known)| (id.clone(), *known)).unwrap();
            let port = u16::try_from(1 + self.chance.below(60000)).unwrap();
            let mut body = create(&cmp_id);
            body["spec"]["port"] = json!(port);
            let (call, next) = match (known, self.chance.below(3)) {
                (Known::Port(_), 0) => (client.delete(&rule(&cmp_id)), Known::Gone),
                (Known::Port(_), 1) => {
                    (client.patch(&rule(&cmp_id)).json(&json!({"spec": {"port": port}})), Known::Port(port))
                }
                _ => (client.put(&rule(&cmp_id)).json(&body), Known::Port(port)),
            };
            self.creations += usize::from(known == Known::Gone);
            self.objects.insert(cmp_id.clone(), Known::Uncertain);
            let Ok(reply) = call.attempt().await else { return self };
            reply.success();
            self.objects.insert(cmp_id, next);
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}
