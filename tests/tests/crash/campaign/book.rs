//! What a caller knows of its own objects, from the answers that it got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_tests::host::{Call, Client, create, rule};
use serde_json::{Value, json};

use super::chance::Chance;

/// What is known of an object: its port if it is there. Its name at the appliance is made of both.
pub type Known = Option<u16>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Create,
    Replace,
    Update,
    Delete,
    ResetHits,
    Read,
    /// An action on the backend: about no object, and never to be sent twice.
    Commit,
}

/// A call, and what is true of its object before and after it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub what: What,
    pub cmp_id: String,
    pub key: Option<String>,
    pub before: Known,
    pub after: Known,
}

impl Asked {
    pub fn request(&self, client: &Client) -> Call {
        let path = rule(&self.cmp_id);
        let call = match self.what {
            What::Create | What::Replace => client.put(&path).json(&body(&self.cmp_id, self.after)),
            What::Update => client.patch(&path).json(&json!({"spec": changed(&self.cmp_id, self.after)})),
            What::Delete => client.delete(&path),
            What::ResetHits => client.post(&format!("{path}/actions/reset-hits")),
            What::Read => client.get(&path),
            What::Commit => client.post("/v1/backends/fw/actions/commit"),
        };
        match &self.key {
            Some(key) => call.key(key),
            None => call,
        }
    }
}

/// The name that a rule has at the appliance. Each change gives it another one, so that the appliance would not notice
/// that it is told to make a rule twice.
pub fn name(cmp_id: &str, port: u16) -> String {
    format!("{cmp_id}-{port}")
}

fn changed(cmp_id: &str, known: Known) -> Value {
    let port = known.unwrap_or_default();
    json!({"name": name(cmp_id, port), "port": port})
}

fn body(cmp_id: &str, known: Known) -> Value {
    let mut body = create(cmp_id);
    for (member, value) in changed(cmp_id, known).as_object().unwrap() {
        body["spec"][member] = value.clone();
    }
    body
}

/// A caller's objects.
pub struct Book {
    chance: Chance,
    serial: usize,
    caller: usize,
    pub objects: BTreeMap<String, Known>,
    /// Calls whose outcome the caller does not know. It leaves their objects alone.
    pub unanswered: Vec<Asked>,
    pub acknowledged: usize,
    pub refused: usize,
    /// How many creations are known to have happened.
    pub created: usize,
    pub committed: usize,
    pub commits_asked: usize,
}

impl Book {
    pub fn new(caller: usize, objects: usize, chance: Chance) -> Self {
        Self {
            chance,
            serial: 0,
            caller,
            objects: (0..objects).map(|number| (format!("r-{caller}-{number}"), None)).collect(),
            unanswered: Vec::new(),
            acknowledged: 0,
            refused: 0,
            created: 0,
            committed: 0,
            commits_asked: 0,
        }
    }

    /// Calls one after the other, by chance, until nobody is there to answer.
    pub async fn keep_calling(mut self, client: Client, answered: Arc<AtomicUsize>) -> Self {
        loop {
            let asked = self.choose();
            let Ok(reply) = asked.request(&client).attempt().await else {
                self.unanswered.extend(Some(asked).filter(|asked| asked.what != What::Read));
                return self;
            };
            answered.fetch_add(1, Ordering::Relaxed);
            if reply.status < 300 {
                if asked.what == What::Read {
                    assert_eq!(reply["/result/port"], json!(asked.before), "{reply:#?}");
                }
                self.learn(&asked, asked.after);
                self.acknowledged += 1;
                self.committed += usize::from(asked.what == What::Commit);
            } else if reply["/sent"] == "no" || asked.what == What::Read {
                assert!(reply["/retryable"] == true || asked.what == What::Read, "{asked:?}: {reply:#?}");
                self.refused += 1;
            } else {
                // The backend was too slow for its deadline: this is doubt like any other.
                self.unanswered.push(asked);
            }
        }
    }

    /// What has become of a call's object.
    pub fn learn(&mut self, asked: &Asked, known: Known) {
        self.created += usize::from(asked.what == What::Create && known.is_some());
        if asked.what != What::Commit {
            self.objects.insert(asked.cmp_id.clone(), known);
        }
    }

    fn choose(&mut self) -> Asked {
        self.serial += 1;
        let nth = self.chance.below(self.objects.len());
        let (cmp_id, before) = self.objects.iter().nth(nth).map(|(id, known)| (id.clone(), *known)).unwrap();
        let port = u16::try_from(1 + self.chance.below(60000)).unwrap();
        let free = self.unanswered.iter().all(|asked| asked.cmp_id != cmp_id);
        let (what, after) = match (before, self.chance.below(12)) {
            (_, 0) => (What::Commit, None),
            _ if !free => (What::Commit, None),
            (None, _) => (What::Create, Some(port)),
            (Some(_), 1..=3) => (What::Delete, None),
            (Some(_), 4 | 5) => (What::Update, Some(port)),
            (Some(_), 6 | 7) => (What::Replace, Some(port)),
            (Some(_), 8 | 9) => (What::ResetHits, before),
            (Some(_), _) => (What::Read, before),
        };
        let cmp_id = if what == What::Commit { String::new() } else { cmp_id };
        self.commits_asked += usize::from(what == What::Commit);
        let keyed = matches!(what, What::ResetHits | What::Commit) || self.chance.below(2) == 0;
        let key = (keyed && what != What::Read).then(|| format!("k-{}-{}", self.caller, self.serial));
        Asked { what, cmp_id, key, before, after }
    }
}
