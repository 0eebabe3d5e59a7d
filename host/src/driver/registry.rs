use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::digest::Digest;
use super::generation::Generation;

/// How many failures are remembered; the oldest go first.
const FAILURES: usize = 64;

/// The published generations, one a name.
///
/// Reading is one atomic load, so a call never waits for a publication. A call that has its generation keeps it: a
/// generation that was replaced lives until its last call ends.
pub struct Registry {
    published: ArcSwap<Published>,
    book: Mutex<Book>,
    changes: watch::Sender<u64>,
}

/// The set that was published at one moment.
#[derive(Default)]
pub struct Published {
    number: u64,
    entries: BTreeMap<String, Entry>,
}

/// A published generation and where it came from.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The generation.
    pub generation: Arc<Generation>,
    /// Where the package came from: a path, or who uploaded it.
    pub source: String,
}

/// A package that did not become a generation, or a generation that was not published.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When.
    pub at: SystemTime,
    /// Where the package came from: a path, or who uploaded it.
    pub source: String,
    /// The package's digest.
    pub digest: Digest,
    /// The driver's name, where the package could be read that far.
    pub name: Option<String>,
    /// What was wrong, in words.
    pub reason: String,
}

/// What writers share; readers of the published set never take its lock.
#[derive(Default)]
struct Book {
    failures: VecDeque<Failure>,
    replaced: Vec<Weak<Generation>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { published: ArcSwap::default(), book: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Registry {
    /// The generation that new calls to this driver shall use.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Generation>> {
        self.published.load().get(name).map(|entry| Arc::clone(&entry.generation))
    }

    /// Everything that is published, as one consistent set.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The number of the last publication or removal; changes with each.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Makes new calls use this generation, in one atomic step, and forgets the failures of its name and its source.
    /// Gives back the one that it replaces, which drains by itself.
    pub fn publish(&self, generation: Arc<Generation>, source: impl Into<String>) -> Option<Arc<Generation>> {
        let source = source.into();
        let mut book = self.book.lock();
        book.failures.retain(|failure| failure.source != source && failure.name.as_deref() != Some(generation.name()));
        tracing::info!(driver = generation.label(), generation = generation.number(), source, "driver published");
        let name = generation.name().to_owned();
        self.change(&mut book, |entries| entries.insert(name, Entry { generation, source }))
    }

    /// Publishes nothing under this name any more. Gives back what was, which drains by itself.
    pub fn remove(&self, name: &str) -> Option<Arc<Generation>> {
        let mut book = self.book.lock();
        book.failures.retain(|failure| failure.name.as_deref() != Some(name));
        self.published.load().get(name)?;
        tracing::info!(driver = name, "driver removed");
        self.change(&mut book, |entries| entries.remove(name))
    }

    /// Remembers why something was not published. What is published stays. Of one source and driver the last failure
    /// alone is kept, and one without a name makes way for any.
    pub fn reject(&self, source: impl Into<String>, digest: Digest, name: Option<&str>, reason: impl Into<String>) {
        let (source, reason) = (source.into(), reason.into());
        tracing::warn!(driver = name, source, %digest, reason, "driver rejected");
        let failure = Failure { at: SystemTime::now(), source, digest, name: name.map(str::to_owned), reason };
        let mut book = self.book.lock();
        book.failures.retain(|other| {
            other.source != failure.source
                || (other.name.is_some() && failure.name.is_some() && other.name != failure.name)
        });
        if book.failures.len() == FAILURES {
            book.failures.pop_front();
        }
        book.failures.push_back(failure);
    }

    /// The failures that no later success has made history, oldest first.
    #[must_use]
    pub fn failures(&self) -> Vec<Failure> {
        self.book.lock().failures.iter().cloned().collect()
    }

    /// The last failure of a driver of this name.
    #[must_use]
    pub fn last_failure(&self, name: &str) -> Option<Failure> {
        self.book.lock().failures.iter().rev().find(|failure| failure.name.as_deref() == Some(name)).cloned()
    }

    /// The generations that were replaced or removed and are still in use, oldest first.
    #[must_use]
    pub fn draining(&self) -> Vec<Arc<Generation>> {
        self.book.lock().replaced.iter().filter_map(Weak::upgrade).collect()
    }

    /// One publication. The book's lock makes it the only one.
    fn change(
        &self,
        book: &mut Book,
        change: impl FnOnce(&mut BTreeMap<String, Entry>) -> Option<Entry>,
    ) -> Option<Arc<Generation>> {
        let before = self.published.load();
        let mut entries = before.entries.clone();
        let replaced = change(&mut entries).map(|entry| entry.generation);
        let number = before.number + 1;
        self.published.store(Arc::new(Published { number, entries }));
        book.replaced.retain(|generation| generation.strong_count() > 0);
        book.replaced.extend(replaced.iter().map(Arc::downgrade));
        self.changes.send_replace(number);
        replaced
    }
}

impl Published {
    /// The number of the publication that made this set.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What is published under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All of it, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}
