//! A backend's queue: how many exchanges run at once, and how many calls may wait for a place.
//!
//! | may wait here | must never wait here |
//! |---|---|
//! | a call that has left no trace yet | a call whose intent is recorded |
//!
//! The place is taken before the intent, so that waiting costs nothing but time, and is given back when the exchange
//! is over, before the outcome is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::mapping::{Code, Failure};

/// Whether an exchange changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It only reads.
    Read,
    /// It may change something.
    Mutation,
}

impl Class {
    /// The word used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Mutation => "mutation",
        }
    }
}

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Most reads at once.
    pub reads: usize,
    /// Most mutations at once.
    pub mutations: usize,
    /// Most calls waiting, of both classes together.
    pub waiting: usize,
    /// Longest wait.
    pub patience: Duration,
}

/// The queue of one backend.
#[derive(Debug)]
pub struct Queue {
    reads: Lane,
    mutations: Lane,
    waiting: Arc<AtomicUsize>,
    limits: QueueLimits,
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    size: usize,
}

/// A place at the backend; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// How full a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Exchanges under way.
    pub active: usize,
    /// Calls waiting, of both classes together.
    pub waiting: usize,
}

impl Queue {
    /// A queue with these limits; each at least one.
    #[must_use]
    pub fn new(limits: QueueLimits) -> Self {
        let lane = |size: usize| {
            let size = size.clamp(1, Semaphore::MAX_PERMITS);
            Lane { places: Arc::new(Semaphore::new(size)), size }
        };
        Self { reads: lane(limits.reads), mutations: lane(limits.mutations), waiting: Arc::default(), limits }
    }

    /// Waits for a place.
    ///
    /// Cancel-safe: a caller that gives up leaves the queue.
    ///
    /// # Errors
    /// [`Code::QueueFull`] at once where too many wait, [`Code::QueueTimeout`] when patience is over. Nothing was sent.
    pub async fn place(&self, class: Class) -> Result<Place, Failure> {
        let lane = self.lane(class);
        if let Ok(permit) = Arc::clone(&lane.places).try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        let _waiting = Waiting::enter(&self.waiting, self.limits.waiting).ok_or_else(|| {
            Failure::new(Code::QueueFull, format!("{} calls wait for the backend already", self.limits.waiting))
                .retry(1)
        })?;
        match timeout(self.limits.patience, Arc::clone(&lane.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            // The semaphore is never closed; were it, waiting longer would not help either.
            Ok(Err(_)) | Err(_) => Err(Failure::new(
                Code::QueueTimeout,
                format!("no place at the backend for {} s; calls ahead are slow", self.limits.patience.as_secs_f32()),
            )
            .retry(1)),
        }
    }

    /// How full it is.
    #[must_use]
    pub fn load(&self, class: Class) -> Load {
        let lane = self.lane(class);
        Load {
            active: lane.size.saturating_sub(lane.places.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    fn lane(&self, class: Class) -> &Lane {
        match class {
            Class::Read => &self.reads,
            Class::Mutation => &self.mutations,
        }
    }
}

/// One who waits; leaves when dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| (waiting < most).then_some(waiting + 1))
            .ok()
            .map(|_| Self(Arc::clone(count)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
