//! The machine that drivers run in: one wasmtime engine, its limits, and the places in it.
//!
//! | what | where | why |
//! |---|---|---|
//! | compiling, reading the cache | a blocking thread | takes milliseconds to seconds |
//! | waiting for a place | asynchronously | the pool refuses rather than queues when it is full |
//! | running a driver | on the caller's task, in a fiber | yields at each tick, so a loop holds no worker thread |
//!
//! **Invariant:** a [`Cell`] is made for one function of one call and never used again.

mod cache;
mod cell;
mod config;
mod last_words;
mod metered;
mod precompiled;
mod ticker;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::component::Component;

pub use cell::{Cell, Guest};
pub use config::EngineConfig;
pub use metered::metered;

use super::digest::Digest;
use cache::Cache;
use ticker::Ticker;

/// Why there is no engine.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The machine or the configuration does not allow one.
    #[error("the Wasm engine cannot be set up: {0}")]
    Settings(String),
    /// The folder for compiled drivers cannot be made private and used.
    #[error("the cache folder {path} cannot be used: {source}")]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The thread that ticks could not be started.
    #[error("no thread for the engine's clock: {0}")]
    Clock(io::Error),
}

/// Runs drivers. A clone is the same engine; the last one stops the clock.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasmtime: wasmtime::Engine,
    pooled: bool,
    limits: EngineConfig,
    places: Semaphore,
    cache: Option<Cache>,
    generations: AtomicU64,
    _ticker: Ticker,
}

impl Engine {
    /// Sets the engine up. Where the address space for a pool of instances is not to be had, instances are allocated
    /// one by one, which is slower; [`Engine::is_pooled`] tells.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let (wasmtime, pooled) = config.build().map_err(|error| EngineError::Settings(format!("{error:#}")))?;
        let cache = match &config.cache_dir {
            Some(path) => {
                Some(Cache::open(path, &wasmtime).map_err(|source| EngineError::Cache { path: path.clone(), source })?)
            }
            None => None,
        };
        let ticker = Ticker::start(wasmtime.weak()).map_err(EngineError::Clock)?;
        Ok(Self {
            inner: Arc::new(Inner {
                wasmtime,
                pooled,
                places: Semaphore::new(config.instances.max(1) as usize),
                limits: config,
                cache,
                generations: AtomicU64::new(0),
                _ticker: ticker,
            }),
        })
    }

    /// Whether instances come from a pool.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.inner.pooled
    }

    /// What the engine was configured with.
    #[must_use]
    pub fn limits(&self) -> &EngineConfig {
        &self.inner.limits
    }

    /// A number for the next generation, greater than all before it.
    pub(super) fn next_generation(&self) -> u64 {
        self.inner.generations.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Compiles a component, or loads what an earlier process compiled.
    ///
    /// Cancel-safe: a compilation once begun runs to its end on its thread and fills the cache.
    ///
    /// # Errors
    /// What the compiler says of the component.
    pub(super) async fn compile(&self, digest: Digest, component: Arc<[u8]>) -> wasmtime::Result<Component> {
        let engine = self.clone();
        let compiled = tokio::task::spawn_blocking(move || {
            let Inner { wasmtime, cache, .. } = &*engine.inner;
            if let Some(component) = cache.as_ref().and_then(|cache| cache.load(wasmtime, digest)) {
                return Ok(component);
            }
            let component = Component::from_binary(wasmtime, &component)?;
            if let Some(cache) = cache {
                cache.keep(&component, digest);
            }
            Ok(component)
        });
        compiled.await.unwrap_or_else(|error| Err(wasmtime::format_err!("the compiler gave up: {error}")))
    }

    /// Waits for a place and gives a fresh one. Cancel-safe.
    pub(super) async fn cell(&self) -> Cell<'_> {
        // Closing is the only error of a semaphore, and nobody closes this one.
        let place = self.inner.places.acquire().await.ok();
        Cell::new(&self.inner.wasmtime, &self.inner.limits, place)
    }
}
