//! The drivers: how they are loaded, checked against what depends on them, published, rolled back and removed.
//!
//! ```text
//! package ──▶ compile ──▶ describe ──▶ schemas ──▶ fixtures ──▶ every backend still fits ──▶ recorded ──▶ published
//! ```
//!
//! **Invariant:** whatever fails on the way, the generation that served before goes on serving, and the reason is kept
//! where the operator looks.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::Violation;
use tokio::sync::mpsc;

use super::backends::check_configuration;
use super::failure::{of_refusal, of_state};
use super::{Entry, Relay};
use crate::driver::{self, Candidate, Digest, Generation, Package};
use crate::failpoint::FailPoint;
use crate::mapping::{Applied, Code, Command, DriverRecord, Failure, PackageRef, Refusal, query};
use crate::sync::ReplicaExt;

/// How long a package is kept that no driver has or had.
const UNUSED: Duration = Duration::from_hours(7 * 24);

/// A driver as an operator sees it.
#[derive(Clone, Debug)]
pub struct DriverView {
    /// What is recorded about it.
    pub record: DriverRecord,
    /// The published generation; none where it could not be brought back.
    pub active: Option<Arc<Generation>>,
    /// Generations that still serve calls which began before they were replaced.
    pub draining: Vec<Arc<Generation>>,
    /// The backends that use it.
    pub backends: Vec<String>,
    /// Why the last attempt to replace it failed, if it did.
    pub last_failure: Option<driver::Failure>,
}

/// What came of loading a package.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The driver's name.
    pub name: String,
    /// The package.
    pub package: PackageRef,
    /// The driver as it is now; none if it has no active package yet.
    pub driver: Option<DriverView>,
}

/// Which package of a driver to make active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The one with this digest.
    Digest(String),
    /// The latest one of this version.
    Version(String),
    /// The one that was active before.
    Previous,
}

impl Relay {
    /// Every driver, by name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn drivers(&self) -> Result<Vec<DriverView>, Failure> {
        Ok(self.view(query::drivers)?.into_iter().map(|record| self.driver_view(record)).collect())
    }

    /// One driver.
    ///
    /// # Errors
    /// [`Code::UnknownDriver`].
    pub fn driver(&self, name: &str) -> Result<DriverView, Failure> {
        let record = self.view(|state| query::driver(state, name))?.ok_or_else(|| unknown_driver(name))?;
        Ok(self.driver_view(record))
    }

    fn driver_view(&self, record: DriverRecord) -> DriverView {
        let backends = self.backends.load();
        let users = backends.iter().filter(|(_, entry)| entry.settings().driver == record.name);
        DriverView {
            active: self.registry.get(&record.name),
            draining: self.registry.draining().into_iter().filter(|old| old.name() == record.name).collect(),
            backends: users.map(|(name, _)| name.clone()).collect(),
            last_failure: self.registry.last_failure(&record.name),
            record,
        }
    }

    /// Loads a package: checks it in every way, keeps it, and makes it the active one of its driver if wished.
    ///
    /// # Errors
    /// [`Code::DriverRejected`] with the reason, which is also kept for [`Relay::drivers`].
    pub async fn load_driver(&self, bytes: Vec<u8>, source: &str, activate: bool) -> Result<Loaded, Failure> {
        let _change = self.changes.lock().await;
        let digest = Digest::of(&bytes);
        let generation = match self.build_and_keep(bytes).await {
            Ok(generation) => generation,
            Err(rejected) => {
                self.registry.reject(source, digest, rejected.name.as_deref(), &rejected.reason);
                return Err(Failure::new(Code::DriverRejected, rejected.reason).errors(rejected.violations));
            }
        };
        FailPoint::PackageKept.pass();
        let package = PackageRef { version: generation.version().to_string(), digest: digest.to_string() };
        let name = generation.name().to_owned();
        let driver = if activate {
            Some(self.activate(generation, package.clone(), source).await?)
        } else {
            self.view(|state| query::driver(state, &name))?.map(|record| self.driver_view(record))
        };
        Ok(Loaded { name, package, driver })
    }

    /// Makes another package of a driver the active one.
    ///
    /// # Errors
    /// [`Code::UnknownDriver`], [`Code::DriverRejected`]: the active one stays.
    pub async fn activate_driver(&self, name: &str, which: Activation) -> Result<DriverView, Failure> {
        let _change = self.changes.lock().await;
        let digest = match &which {
            Activation::Digest(digest) => digest.clone(),
            Activation::Version(_) | Activation::Previous => self.earlier(name, &which)?,
        };
        let bytes = self.stored(&digest).await?;
        let known = Digest::of(&bytes);
        let checked = self.build(bytes).await.and_then(|(generation, _)| self.gate(&generation).map(|()| generation));
        let generation = checked.map_err(|rejected| {
            self.registry.reject("activate", known, Some(name), &rejected.reason);
            Failure::new(Code::DriverRejected, rejected.reason).errors(rejected.violations)
        })?;
        if generation.name() != name {
            return Err(Failure::new(
                Code::DriverRejected,
                format!("package {digest} is driver `{}`", generation.name()),
            ));
        }
        let package = PackageRef { version: generation.version().to_string(), digest };
        self.activate(generation, package, if which == Activation::Previous { "rollback" } else { "activate" }).await
    }

    /// Removes a driver that no backend uses.
    ///
    /// # Errors
    /// [`Code::InUse`], [`Code::UnknownDriver`].
    pub async fn remove_driver(&self, name: &str) -> Result<(), Failure> {
        let _change = self.changes.lock().await;
        let command = Command::RemoveDriver { name: name.to_owned(), at: self.clock.now() };
        self.propose(command).await?.map_err(|refusal| match refusal {
            Refusal::Unknown => unknown_driver(name),
            refusal => of_refusal(refusal),
        })?;
        FailPoint::DriverRecorded.pass();
        self.registry.remove(name);
        tracing::info!(driver = name, "driver removed");
        self.forget_packages().await;
        Ok(())
    }

    /// Removes from disk what no driver has or had, unless somebody may have loaded it to activate it later.
    pub(super) async fn forget_packages(&self) {
        let forgotten = match self.view(query::drivers) {
            Ok(drivers) => {
                let known = drivers.iter().flat_map(|driver| std::iter::once(&driver.active).chain(&driver.history));
                let wanted = known.filter_map(|package| package.digest.parse().ok()).collect();
                self.packages.forget(&wanted, UNUSED).await.map_err(|error| error.to_string())
            }
            Err(failure) => Err(failure.to_string()),
        };
        match forgotten {
            Ok(digests) => digests.iter().for_each(|digest| tracing::info!(%digest, "unused package removed")),
            Err(reason) => tracing::warn!(reason, "unused packages could not be removed"),
        }
    }

    /// Packages that were rejected, those of unknown drivers too.
    #[must_use]
    pub fn rejections(&self) -> Vec<driver::Failure> {
        self.registry.failures()
    }

    /// Loads what a watched folder brings, until the watch ends.
    ///
    /// Passed over are a package that is active already, and one that was active before and has been in the folder since
    /// the start: a restart must not undo a roll-back.
    pub async fn follow(self: Arc<Self>, mut candidates: mpsc::Receiver<Candidate>) {
        while let Some(candidate) = candidates.recv().await {
            let source = candidate.path.display().to_string();
            match self.standing(&Digest::of(&candidate.bytes)) {
                Standing::Active => {
                    tracing::debug!(source, "this package is active already");
                    continue;
                }
                Standing::Replaced if candidate.at_start => {
                    tracing::info!(
                        source,
                        "this package was active and was replaced; `crosspoint driver activate` takes it back"
                    );
                    continue;
                }
                Standing::Replaced | Standing::New => {}
            }
            match self.load_driver(candidate.bytes, &source, true).await {
                Ok(loaded) => {
                    tracing::info!(source, driver = loaded.name, version = loaded.package.version, "driver loaded");
                }
                Err(failure) => tracing::warn!(source, %failure, "driver not loaded"),
            }
        }
    }

    fn standing(&self, digest: &Digest) -> Standing {
        let digest = digest.to_string();
        let drivers = self.view(query::drivers).unwrap_or_default();
        if let Some(driver) = drivers.iter().find(|driver| driver.active.digest == digest) {
            // One whose package was lost is brought back by the same package.
            return if self.registry.get(&driver.name).is_some() { Standing::Active } else { Standing::New };
        }
        let replaced = drivers.iter().any(|driver| driver.history.iter().any(|package| package.digest == digest));
        if replaced { Standing::Replaced } else { Standing::New }
    }

    /// Brings back the recorded drivers.
    pub(super) async fn recover_drivers(&self) -> Result<(), Failure> {
        for record in self.store.view(query::drivers).map_err(|error| of_state(&error))? {
            let Ok(digest) = record.active.digest.parse::<Digest>() else {
                tracing::error!(
                    driver = record.name,
                    digest = record.active.digest,
                    "the recorded digest is not readable"
                );
                continue;
            };
            let built = match self.stored(&record.active.digest).await {
                Ok(bytes) => self.build(bytes).await.map_err(|rejected| rejected.reason),
                Err(failure) => Err(failure.detail),
            };
            match built {
                Ok((generation, _)) => drop(self.registry.publish(Arc::new(generation), record.source)),
                Err(reason) => {
                    tracing::error!(driver = record.name, reason, "a recorded driver cannot be brought back");
                    self.registry.reject(record.source, digest, Some(&record.name), reason);
                }
            }
        }
        Ok(())
    }

    async fn activate(&self, generation: Generation, package: PackageRef, source: &str) -> Result<DriverView, Failure> {
        let generation = Arc::new(generation);
        let command = Command::ActivateDriver {
            name: generation.name().to_owned(),
            package,
            source: source.to_owned(),
            at: self.clock.now(),
        };
        let Applied::Driver(record) = self.propose(command).await?.map_err(of_refusal)? else {
            return Err(Self::misapplied());
        };
        FailPoint::DriverRecorded.pass();
        let before = self.registry.publish(Arc::clone(&generation), source);
        self.rebuild_backends(before.as_ref().map(|before| before.description()), &generation);
        Ok(self.driver_view(*record))
    }

    /// From bytes to a generation that has passed all checks, and whose package is on disk.
    async fn build_and_keep(&self, bytes: Vec<u8>) -> Result<Generation, Rejected> {
        let (generation, package) = self.build(bytes).await?;
        self.gate(&generation)?;
        self.packages.put(&package).await.map_err(|error| Rejected {
            name: Some(generation.name().to_owned()),
            ..Rejected::because(format!("the package cannot be kept: {error}"))
        })?;
        Ok(generation)
    }

    /// From bytes to a generation that has passed its own checks.
    async fn build(&self, bytes: Vec<u8>) -> Result<(Generation, Package), Rejected> {
        let package = Package::load(bytes).await.map_err(|error| Rejected::because(error.to_string()))?;
        match Generation::build(&self.engine, &package).await {
            Ok(generation) => Ok((generation, package)),
            Err(error) => Err(Rejected {
                name: package.metadata().map(|metadata| metadata.name.clone()),
                ..Rejected::because(error.to_string())
            }),
        }
    }

    /// Whether everything that depends on the driver still fits: each backend's configuration, and the kinds that
    /// mappings are of.
    fn gate(&self, generation: &Generation) -> Result<(), Rejected> {
        let named = |reason: String| Rejected { name: Some(generation.name().to_owned()), ..Rejected::because(reason) };
        for (name, entry) in self.backends.load().iter() {
            let settings = entry.settings();
            if settings.driver != generation.name() {
                continue;
            }
            check_configuration(generation, &settings.configuration).map_err(|failure| Rejected {
                violations: failure.errors,
                ..named(format!("backend `{name}` would not fit: {}", failure.detail))
            })?;
            if let Entry::Ready(_) = entry
                && let Entry::Unusable { failure, .. } = self.entry(name, 0, settings.clone(), Some(generation))
            {
                return Err(named(failure.detail));
            }
            let kinds = self.view(|state| query::mapped_kinds(state, name)).map_err(|failure| named(failure.detail))?;
            if let Some(kind) = kinds.iter().find(|kind| generation.description().kind(kind).is_none()) {
                return Err(named(format!(
                    "backend `{name}` has mapped objects of kind `{kind}`, which this version does not know"
                )));
            }
        }
        Ok(())
    }

    /// The digest of a package that was active before.
    fn earlier(&self, name: &str, which: &Activation) -> Result<String, Failure> {
        let record = self.view(|state| query::driver(state, name))?.ok_or_else(|| unknown_driver(name))?;
        let mut known = std::iter::once(&record.active).chain(&record.history);
        let found = match which {
            Activation::Digest(digest) => known.find(|package| package.digest == *digest),
            Activation::Version(version) => known.find(|package| package.version == *version),
            Activation::Previous => record.history.first(),
        };
        found.map(|package| package.digest.clone()).ok_or_else(|| {
            let earlier: Vec<_> = record.history.iter().map(|package| package.version.as_str()).collect();
            let earlier = if earlier.is_empty() { "none".to_owned() } else { earlier.join(", ") };
            Failure::new(Code::UnknownDriver, format!("driver `{name}` has no such earlier version; it has: {earlier}"))
        })
    }

    async fn stored(&self, digest: &str) -> Result<Vec<u8>, Failure> {
        let digest: Digest = digest.parse().map_err(|_| {
            Failure::new(Code::InvalidRequest, format!("`{digest}` is no digest: it looks like sha256:HEX"))
        })?;
        self.packages
            .get(digest)
            .await
            .map_err(|error| Failure::new(Code::DriverUnavailable, format!("package {digest}: {error}")))
    }
}

/// Where a package stands among those that are recorded.
enum Standing {
    Active,
    Replaced,
    New,
}

/// Why a package was not accepted.
struct Rejected {
    name: Option<String>,
    reason: String,
    violations: Vec<Violation>,
}

impl Rejected {
    fn because(reason: String) -> Self {
        Self { name: None, reason, violations: Vec::new() }
    }
}

fn unknown_driver(name: &str) -> Failure {
    Failure::new(Code::UnknownDriver, format!("there is no driver `{name}`"))
}
