//! The call path: from a call that is authenticated and authorised to its answer, with exactly one exchange between.
//!
//! ```text
//! prepare ──▶ place in the queue ──▶ session ──▶ intent ──▶ exchange ──▶ outcome + mapping ──▶ answer
//!    └─ refused here: no trace, no exchange          └─ from here on the operation's record tells the truth
//! ```
//!
//! It knows no HTTP server and no Wasm: `api` is above it, `driver`, `transport` and `mapping` below.
//!
//! **Invariant:** a call makes one exchange or none. The only second one is in [`exchange`], after a 401 that proves
//! that the first did nothing.
//!
//! **Invariant:** every call runs in a task of its own. A caller that hangs up cancels nothing.

mod backend;
mod backends;
mod call;
mod catalog;
mod clock;
mod detached;
mod doubt;
mod exchange;
mod failure;
mod farewell;
mod guard;
mod mutate;
mod prepare;
mod queue;
mod read;
mod settings;
mod told;
mod upkeep;

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub use backends::{BackendView, LaneView};
pub use call::{Answer, Caller, DryRun, Listed, Listing, Method, ObjectCall, Precondition};
pub use catalog::{Activation, DriverView, Loaded};
pub use clock::Clock;
pub use doubt::Decision;
pub use prepare::fingerprint;
pub use queue::Class;
pub use settings::{Authentication, BackendSettings, HttpVersion, LimitSettings, SecretValue, TlsSettings};
pub use upkeep::Retention;

use self::backend::Backend;
use self::detached::{Detached, words};
use self::exchange::Target;
use self::failure::{of_propose, of_state};
use self::farewell::Farewell;
use self::told::Told;
use crate::driver::{Engine, PackageStore, Registry};
use crate::mapping::{Applied, Code, Command, Failure, Ledger, OperationId, Refusal, query};
use crate::secrets::Keyring;
use crate::sent::Sent;
use crate::sync::{Replica, ReplicaExt, Snapshot, State, StateError};
use crate::telemetry::Metrics;
use crate::transport::Reach;

/// What the relay stands on.
pub struct Parts {
    /// The mapping store.
    pub store: Arc<dyn Replica<Ledger>>,
    /// What runs drivers.
    pub engine: Arc<Engine>,
    /// The packages on disk.
    pub packages: PackageStore,
    /// What seals backends' secrets.
    pub keyring: Keyring,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is kept, and for how long.
    pub retention: Retention,
    /// Most calls that wait for a backend, unless the backend says otherwise.
    pub queued_per_backend: usize,
    /// Where backends may be.
    pub reach: Arc<Reach>,
}

/// The relay.
pub struct Relay {
    store: Arc<dyn Replica<Ledger>>,
    engine: Arc<Engine>,
    registry: Registry,
    packages: PackageStore,
    keyring: Keyring,
    metrics: Arc<Metrics>,
    limits: Retention,
    queued: usize,
    reach: Arc<Reach>,
    farewell: Farewell,
    clock: Clock,
    backends: ArcSwap<BTreeMap<String, Entry>>,
    /// Grows with each change of the backends.
    backend_changes: AtomicU64,
    /// Held while backends or drivers change, so that each change sees the one before it.
    changes: tokio::sync::Mutex<()>,
    /// The operations whose doubt is being resolved.
    turns: Mutex<HashSet<OperationId>>,
    tasks: TaskTracker,
    closing: CancellationToken,
    /// When the drain began.
    ending_since: OnceLock<Instant>,
}

/// A configured backend: as it runs, or why it cannot.
#[derive(Clone)]
enum Entry {
    Ready(Arc<Backend>),
    Unusable { settings: Box<BackendSettings>, revision: u64, failure: Failure },
}

impl Relay {
    /// A relay with no backend and no driver yet: [`Relay::recover`] brings back what was recorded.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn new(parts: Parts) -> Result<Self, Failure> {
        let Parts { store, engine, packages, keyring, metrics, retention, queued_per_backend, reach } = parts;
        let (latest, recorded_at) = store.view(query::latest).map_err(|error| of_state(&error))?;
        if let Some(latest) = latest {
            latest.precedes_new_ones();
        }
        let farewell = Farewell::new(Arc::clone(&metrics));
        Ok(Self {
            store,
            engine,
            registry: Registry::default(),
            packages,
            keyring,
            metrics,
            limits: retention,
            queued: queued_per_backend,
            reach,
            farewell,
            clock: Clock::after(recorded_at),
            backends: ArcSwap::default(),
            backend_changes: AtomicU64::new(0),
            changes: tokio::sync::Mutex::default(),
            turns: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            ending_since: OnceLock::new(),
        })
    }

    /// Performs a call about an object or a backend. Only one that reads makes no record.
    ///
    /// Cancel-safe: a caller that goes away stops nothing; the call runs to its end and its outcome is recorded.
    ///
    /// # Errors
    /// [`Failure`], which says whether the backend was reached.
    pub async fn call(self: &Arc<Self>, call: ObjectCall) -> Result<Answer, Failure> {
        let relay = Arc::clone(self);
        self.detached(async move {
            let told = Told::of(&call);
            // Each on the heap by itself: a call that reads, and waits, shall not take the room of one that changes.
            let result = match call.method {
                Method::Get => Box::pin(relay.get(call)).await,
                _ => Box::pin(relay.mutate(call)).await,
            };
            told.tell(&relay.metrics, &result);
            result
        })
        .await
    }

    /// Runs something to its end even if whoever asked for it goes away.
    ///
    /// # Errors
    /// [`Code::Draining`] when no new calls are taken.
    pub fn detached<T, F>(&self, work: F) -> impl Future<Output = Result<T, Failure>> + Send
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        // On the heap from here: whoever is given a large future by value copies it and keeps room for it.
        let work = Box::pin(work.instrument(tracing::Span::current()));
        async move {
            if self.tasks.is_closed() {
                return Err(Failure::new(Code::Draining, "Crosspoint is shutting down: try again").retry(1));
            }
            Detached::new(work, self.tasks.token()).await.unwrap_or_else(|panicked| {
                tracing::error!(panic = words(&*panicked), "a call ended without an answer");
                Err(Failure::new(Code::Internal, "a defect in Crosspoint ended the call").sent(Sent::Maybe))
            })
        }
    }

    /// Takes no new calls, waits for those under way, and then for the sessions to be ended, all of it within the grace,
    /// which began with [`Relay::end_streams`]. Says how many calls were still there when it was over.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.tasks.close();
        self.end_streams();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            return self.tasks.len();
        }
        let end = self.ending_since.get().map_or_else(Instant::now, |since| *since + grace);
        for entry in self.backends.load().values() {
            if let Entry::Ready(backend) = entry {
                backend.end_session();
            }
        }
        let left = self.farewell.all_said(end).await;
        if left > 0 {
            tracing::warn!(logouts = left, "the grace is over; these sessions end by themselves");
        }
        0
    }

    /// Ends what would go on for ever, event streams above all, so that connections can close.
    pub fn end_streams(&self) {
        self.ending_since.get_or_init(Instant::now);
        self.closing.cancel();
    }

    /// Resolves when streams shall end.
    pub async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// What the published drivers and the backends were made by: two numbers that grow with each change.
    #[must_use]
    pub fn publications(&self) -> (u64, u64) {
        (self.registry.snapshot().number(), self.backend_changes.load(Ordering::Acquire))
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.tasks.len()
    }

    /// The mapping store, for those who look at records alone.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Replica<Ledger>> {
        &self.store
    }

    /// The published drivers.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// One consistent state of what is recorded.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    /// Reads what is recorded.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`].
    pub fn view<T>(&self, read: impl FnOnce(&dyn State) -> Result<T, StateError>) -> Result<T, Failure> {
        self.store.view(read).map_err(|error| of_state(&error))
    }

    async fn propose(&self, command: Command) -> Result<Result<Applied, Refusal>, Failure> {
        let proposed = self.store.propose(command).await;
        proposed.map(|committed| committed.response).map_err(|error| of_propose(&error))
    }

    /// The backend and the generation of its driver that will serve one call from its first phase to its last.
    fn target(&self, backend: &str) -> Result<Target, Failure> {
        let backends = self.backends.load();
        let backend = match backends.get(backend) {
            Some(Entry::Ready(backend)) => Arc::clone(backend),
            Some(Entry::Unusable { failure, .. }) => return Err(failure.clone()),
            None => return Err(unknown_backend(backend)),
        };
        let generation =
            self.registry.get(&backend.settings.driver).ok_or_else(|| driver_missing(&backend.settings.driver))?;
        let generation = Arc::new(generation.begin());
        Ok(Target { backend, generation, metrics: Arc::clone(&self.metrics) })
    }

    fn misapplied() -> Failure {
        Failure::new(Code::Internal, "the store answered with something that was not asked")
    }
}

fn unknown_backend(name: &str) -> Failure {
    Failure::new(Code::UnknownBackend, format!("there is no backend `{name}`"))
}

fn driver_missing(name: &str) -> Failure {
    let text = format!("driver `{name}` is not loaded: load it with `crosspoint driver load FILE`");
    Failure::new(Code::DriverUnavailable, text).retry(5)
}
