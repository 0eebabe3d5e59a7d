//! The machine that drivers run in: one wasmtime engine, its limits, and the places in it.
//!
//! | what | where | why |
//! |---|---|---|
//! | reading the cache | a blocking thread | takes milliseconds |
//! | compiling | a process of its own in a server, else a blocking thread | how long and how much it takes is up to the driver |
//! | waiting for a place | asynchronously | the pool refuses rather than queues when it is full |
//! | running a driver | on the caller's task, in a fiber | yields at each tick, so a loop holds no worker thread |
//! | running on after the first tick | the same, in one of few lanes | loops leave worker threads to those that are quick |
//! | running what keeps failing | one call of that driver at a time, with pauses | to fail is dear, and others must not feel it |
//!
//! **Invariant:** a [`Cell`] is made for one function of one call and never used again.

mod cache;
mod cell;
mod compiler;
mod config;
mod last_words;
mod metered;
mod precompiled;
mod ticker;

use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::component::Component;

pub use cell::{Cell, Guest};
pub use compiler::{CompileError, Compiler, CompilerProcess, compile_apart};
pub use config::{EngineConfig, NEEDLESS};
pub use metered::{QUICK, metered};

use super::digest::Digest;
use super::package::Package;
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
    lanes: Semaphore,
    cache: Option<Cache>,
    generations: AtomicU64,
    _ticker: Ticker,
}

impl Inner {
    fn kept(&self, package: Digest) -> Option<Component> {
        self.cache.as_ref()?.load(&self.wasmtime, package)
    }

    fn made(&self, package: &Package) -> Result<Component, CompileError> {
        let component = Component::from_binary(&self.wasmtime, &package.component()?)
            .map_err(|error| CompileError::Compiler(format!("{error:#}")))?;
        if let Some(cache) = &self.cache {
            cache.keep(&component, package.digest());
        }
        Ok(component)
    }
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
                lanes: Semaphore::new((workers() / 2).max(1)),
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

    /// Compiles a package, or loads what an earlier process compiled.
    ///
    /// Cancel-safe: a compilation in a process of its own is ended; one on a thread runs to its end and fills the cache.
    ///
    /// # Errors
    /// See [`CompileError`].
    pub(super) async fn compile(&self, package: &Package) -> Result<Component, CompileError> {
        match &self.inner.limits.compiler {
            Compiler::Thread => {
                let package = package.clone();
                self.blocking(move |engine| engine.kept(package.digest()).map_or_else(|| engine.made(&package), Ok))
                    .await
            }
            Compiler::Process(process) => {
                let digest = package.digest();
                if let Some(component) = self.blocking(move |engine| Ok(engine.kept(digest))).await? {
                    return Ok(component);
                }
                process.compile(package, &self.inner.limits).await?;
                let made = self.blocking(move |engine| Ok(engine.kept(digest))).await?;
                made.ok_or_else(|| {
                    CompileError::Compiler("what was compiled cannot be kept: look at the cache folder".to_owned())
                })
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, CompileError> + Send + 'static,
    ) -> Result<T, CompileError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(CompileError::Compiler(format!("the compiler gave up: {error}"))))
    }

    /// How many places one driver may have at once: callers of one that loops leave places to all others.
    pub(super) fn share(&self) -> usize {
        (self.inner.limits.instances as usize / 4).max(1)
    }

    /// The lanes for whatever is slow, see [`metered`].
    pub(super) fn lanes(&self) -> &Semaphore {
        &self.inner.lanes
    }

    /// Waits for a place and gives a fresh one. Cancel-safe.
    pub(super) async fn cell(&self) -> Cell<'_> {
        // Closing is the only error of a semaphore, and nobody closes this one.
        let place = self.inner.places.acquire().await.ok();
        Cell::new(&self.inner.wasmtime, &self.inner.limits, place)
    }
}

/// How many worker threads the runtime has, if it was not told otherwise.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
