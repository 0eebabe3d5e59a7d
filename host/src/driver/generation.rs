//! One loaded, checked, immutable version of a driver.
//!
//! **Invariant:** a [`Generation`] exists only if everything about it has been checked: it compiles, imports nothing,
//! describes itself sensibly, its schemas compile, and its own fixtures pass. Nothing in it changes afterwards but the
//! count of calls.

mod check;
mod fixtures;
mod kind;
mod outcome;
mod parole;
mod schema;

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crosspoint_contract::fixture::Mismatch;
use crosspoint_contract::{Call, Description, Exchange, Fault, Metadata, Outcome, Protocol, Reply, Request, Violation};
use semver::Version;
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

pub use kind::{CheckedAction, CheckedKind};

use super::digest::Digest;
use super::engine::{CompileError, Engine};
use super::error::{CallError, CallErrorKind, Phase};
use super::package::Package;
use super::v1::Translator;
use parole::Parole;
use schema::Schema;

/// Why a package does not become a generation. Whatever was published before stays.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It imports something, or its functions are not those of the contract.
    #[error("the driver does not fit the contract: {0}")]
    Link(String),
    /// One of its functions failed: `describe`, or one that a fixture calls.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What it says of itself does not hold together. Every problem is listed.
    #[error("the description of driver {driver} is wrong: {}", problems.join("; "))]
    Description {
        /// `name@version`.
        driver: String,
        /// One sentence each.
        problems: Vec<String>,
    },
    /// It does not translate as its own fixtures say. The first few are listed.
    #[error("driver {driver} fails its own fixtures: {}", mismatches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fixtures {
        /// `name@version`.
        driver: String,
        /// What differs.
        mismatches: Vec<Mismatch>,
    },
    /// Its fixtures take too long, all together.
    #[error("the fixtures of driver {driver} take more than {} s: make them fewer, or smaller", FIXTURES.as_secs())]
    Patience {
        /// `name@version`.
        driver: String,
    },
}

/// How long a package's fixtures may take together.
const FIXTURES: Duration = Duration::from_mins(1);

/// A checked driver, ready to translate.
pub struct Generation {
    number: u64,
    label: String,
    version: Version,
    digest: Digest,
    loaded_at: SystemTime,
    description: Description,
    configuration: Schema,
    kinds: HashMap<String, CheckedKind>,
    actions: HashMap<String, CheckedAction>,
    translator: Translator,
    parole: Parole,
    in_flight: AtomicU64,
}

impl Generation {
    /// Compiles a package, asks it what it is, checks that, and runs its fixtures.
    ///
    /// Cancel-safe: nothing is published here, and a compilation once begun fills the cache.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(engine: &Engine, package: &Package) -> Result<Self, BuildError> {
        let component = engine.compile(package).await?;
        let translator = Translator::new(engine, &component).map_err(|error| BuildError::Link(format!("{error:#}")))?;
        let description = translator.describe().await.map_err(|kind| CallError {
            driver: match package.metadata() {
                Some(metadata) => format!("{:.64}@{:.64}", metadata.name, metadata.version),
                None => package.digest().to_string(),
            },
            phase: Phase::Describe,
            kind,
        })?;
        let label = format!("{:.64}@{:.64}", description.name, description.version);
        let (description, checked) = checked(description, package.metadata().cloned())
            .await
            .map_err(|problems| BuildError::Description { driver: label.clone(), problems })?;
        let generation = Self {
            number: engine.next_generation(),
            label,
            version: checked.version,
            digest: package.digest(),
            loaded_at: SystemTime::now(),
            configuration: checked.configuration,
            kinds: checked.kinds,
            actions: checked.actions,
            description,
            translator,
            parole: Parole::new(),
            in_flight: AtomicU64::new(0),
        };
        match timeout(FIXTURES, fixtures::run(&generation, package.fixtures())).await {
            Ok(passed) => passed.map(|()| generation),
            Err(_) => Err(BuildError::Patience { driver: generation.label.clone() }),
        }
    }

    /// Greater than that of every generation that this process built before.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The driver's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// The driver's version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// `name@version`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The package that it was built from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// When it was built.
    #[must_use]
    pub fn loaded_at(&self) -> SystemTime {
        self.loaded_at
    }

    /// What the driver says of itself, checked.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The kind of this name, with its schemas compiled.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&CheckedKind> {
        self.kinds.get(name)
    }

    /// The action of this name on the backend as a whole.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&CheckedAction> {
        self.actions.get(name)
    }

    /// Checks a backend's configuration.
    ///
    /// # Errors
    /// Every place where it does not fit.
    pub fn validate_configuration(&self, configuration: &Value) -> Result<(), Vec<Violation>> {
        self.configuration.validate(configuration)
    }

    /// Translates a call into the one exchange to make, in an instance of its own. Cancel-safe: the instance goes.
    ///
    /// # Errors
    /// Outside, where the driver failed at its work; inside, its own refusal. Either way nothing was sent.
    pub async fn encode(&self, call: &Call) -> Result<Result<Exchange, Fault>, CallError> {
        // Boxed, as below: a call that waits for its backend need not hold the room that translating takes.
        let result = match self.paced(Box::pin(self.translator.encode(call))).await {
            Ok(Ok(exchange)) => self.check_exchange(exchange).map(Ok),
            other => other,
        };
        result.map_err(|kind| self.failed(Phase::Encode, kind))
    }

    /// Says what a reply means, in an instance of its own. `context` is that of the exchange. Cancel-safe.
    ///
    /// # Errors
    /// Outside, where the driver failed at its work, which leaves a mutating call in doubt; inside, what it made of the
    /// reply, see [`Fault::leaves_doubt`].
    pub async fn decode(
        &self,
        call: &Call,
        context: &[u8],
        reply: &Reply,
    ) -> Result<Result<Outcome, Fault>, CallError> {
        let result = match self.paced(Box::pin(self.translator.decode(call, context, reply))).await {
            Ok(Ok(outcome)) => outcome::check(outcome).map(Ok),
            other => other,
        };
        result.map_err(|kind| self.failed(Phase::Decode, kind))
    }

    /// Counts a call from now until the guard goes.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// How many calls are between their [`Generation::begin`] and their end.
    #[must_use]
    pub fn calls_in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    async fn paced<T>(&self, work: impl Future<Output = Result<T, CallErrorKind>>) -> Result<T, CallErrorKind> {
        let (result, paced) = self.parole.paced(work).await;
        if paced {
            tracing::warn!(driver = %self.label, "calls of this driver fail one after another; they are paced from now on");
        }
        result
    }

    fn failed(&self, phase: Phase, kind: CallErrorKind) -> CallError {
        CallError { driver: self.label.clone(), phase, kind }
    }

    /// An exchange keeps to what the description says: a role that exists, a request of the protocol's form.
    fn check_exchange(&self, exchange: Exchange) -> Result<Exchange, CallErrorKind> {
        let Description { endpoints, protocol, .. } = &self.description;
        if !endpoints.iter().any(|role| role.name == exchange.endpoint) {
            let message = format!("the exchange goes to endpoint `{:.64}`, which is not described", exchange.endpoint);
            return Err(CallErrorKind::Malformed { message });
        }
        match (protocol, &exchange.request) {
            (Protocol::Http(_), Request::Http(_))
            | (Protocol::Message(_), Request::Message(_))
            | (Protocol::Command(_), Request::Command(_)) => Ok(exchange),
            _ => Err(CallErrorKind::Malformed {
                message: "the exchange's request is not of the protocol that is described".to_owned(),
            }),
        }
    }
}

/// Compiling schemas takes its time, so it is done on a thread that may block.
async fn checked(
    description: Description,
    metadata: Option<Metadata>,
) -> Result<(Description, check::Checked), Vec<String>> {
    let checking = tokio::task::spawn_blocking(move || {
        check::check(&description, metadata.as_ref()).map(|checked| (description, checked))
    });
    checking.await.unwrap_or_else(|error| Err(vec![format!("it cannot be checked: {error}")]))
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("number", &self.number)
            .field("driver", &self.label)
            .field("digest", &self.digest)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        tracing::debug!(driver = %self.label, generation = self.number, "driver generation retired");
    }
}

/// A call that runs on a generation, which lives at least as long.
#[derive(Debug)]
pub struct InFlight(Arc<Generation>);

impl Deref for InFlight {
    type Target = Generation;

    fn deref(&self) -> &Generation {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
