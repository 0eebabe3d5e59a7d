//! The configured backends: how they come, change and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crosspoint_contract::{Description, Json, Violation};
use serde_json::Value;

use super::backend::{Backend, Common, rejected};
use super::failure::{of_refusal, of_state};
use super::queue::{Class, Load};
use super::settings::{BackendSettings, SecretValue};
use super::{Entry, Relay, driver_missing, unknown_backend};
use crate::driver::Generation;
use crate::failpoint::FailPoint;
use crate::mapping::{Applied, BackendRecord, Code, Command, Failure, query, valid_name};
use crate::secrets::place;
use crate::sync::ReplicaExt;

/// A backend as an operator sees it.
#[derive(Clone, Debug)]
pub struct BackendView {
    /// Its name.
    pub name: String,
    /// The log index of its last change.
    pub revision: u64,
    /// Its settings, secrets not shown.
    pub settings: BackendSettings,
    /// Why it cannot be used, if so.
    pub failure: Option<Failure>,
    /// How busy it is, if it can be used: reads, then mutations.
    pub lanes: Option<[LaneView; 2]>,
}

/// How busy one lane of a backend is.
#[derive(Clone, Copy, Debug)]
pub struct LaneView {
    /// Which lane.
    pub class: Class,
    /// How full it is.
    pub load: Load,
}

impl Relay {
    /// Every backend, by name.
    #[must_use]
    pub fn backends(&self) -> Vec<BackendView> {
        self.backends.load().iter().map(|(name, entry)| view(name, entry)).collect()
    }

    /// One backend.
    ///
    /// # Errors
    /// [`Code::UnknownBackend`].
    pub fn backend(&self, name: &str) -> Result<BackendView, Failure> {
        self.backends.load().get(name).map(|entry| view(name, entry)).ok_or_else(|| unknown_backend(name))
    }

    /// Whether there is such a backend.
    #[must_use]
    pub fn has_backend(&self, name: &str) -> bool {
        self.backends.load().contains_key(name)
    }

    /// Sets a backend's configuration. Calls under way end as they began; the next ones see the new settings.
    ///
    /// A secret given as `{"set": true}` stays what it is.
    ///
    /// # Errors
    /// Whatever does not fit, with a JSON Pointer into the settings. Nothing is changed then.
    pub async fn put_backend(&self, name: &str, settings: BackendSettings) -> Result<BackendView, Failure> {
        valid_name(name)
            .map_err(|error| Failure::new(Code::InvalidRequest, format!("`{name}` cannot name a backend: {error}")))?;
        let _change = self.changes.lock().await;
        let settings = self.sealed(name, settings)?;
        let generation = self.registry.get(&settings.driver).ok_or_else(|| {
            let failure = driver_missing(&settings.driver);
            Failure { code: Code::UnknownDriver, retryable: false, retry_after: None, ..failure }
                .errors(vec![Violation { pointer: "/driver".to_owned(), message: "is not loaded".to_owned() }])
        })?;
        check_configuration(&generation, &settings.configuration)?;
        // Built before it is recorded: what is recorded can run.
        let backend = self.built(name, 0, settings, generation.description())?;
        let stored = Json::of(&backend.settings).map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
        let record = BackendRecord {
            name: name.to_owned(),
            driver: backend.settings.driver.clone(),
            settings: stored,
            revision: 0,
        };
        let command = Command::PutBackend { record: Box::new(record), at: self.clock.now() };
        let Applied::Backend(record) = self.propose(command).await?.map_err(of_refusal)? else {
            return Err(Self::misapplied());
        };
        FailPoint::BackendRecorded.pass();
        let backend = backend.at_revision(record.revision);
        let entry = Entry::Ready(Arc::new(backend));
        let shown = view(name, &entry);
        self.publish(|backends| {
            backends.insert(name.to_owned(), entry);
        });
        tracing::info!(backend = name, driver = record.driver, "backend configured");
        Ok(shown)
    }

    /// Removes a backend that has no mappings and nothing undecided.
    ///
    /// # Errors
    /// [`Code::InUse`], [`Code::UnknownBackend`].
    pub async fn remove_backend(&self, name: &str) -> Result<(), Failure> {
        let _change = self.changes.lock().await;
        let command = Command::RemoveBackend { name: name.to_owned(), at: self.clock.now() };
        self.propose(command).await?.map_err(|refusal| match refusal {
            crate::mapping::Refusal::Unknown => unknown_backend(name),
            refusal => of_refusal(refusal),
        })?;
        FailPoint::BackendRecorded.pass();
        self.publish(|backends| {
            backends.remove(name);
        });
        self.metrics.forget_queues(name);
        tracing::info!(backend = name, "backend removed");
        Ok(())
    }

    /// Builds the backends of a driver anew where its description changes how they run; the others keep their
    /// connections, sessions and queues.
    pub(super) fn rebuild_backends(&self, before: Option<&Description>, generation: &Generation) {
        let after = generation.description();
        let same = before.is_some_and(|before| {
            before.protocol == after.protocol
                && before.limits == after.limits
                && before.endpoints == after.endpoints
                && before.authentication == after.authentication
        });
        self.publish(|backends| {
            for (name, entry) in backends.iter_mut().filter(|(_, entry)| entry.settings().driver == after.name) {
                if !(same && matches!(entry, Entry::Ready(_))) {
                    *entry = self.entry(name, entry.revision(), entry.settings().clone(), Some(generation));
                }
            }
        });
    }

    /// Brings back the recorded backends.
    pub(super) fn recover_backends(&self) -> Result<(), Failure> {
        let records = self.store.view(query::backends).map_err(|error| of_state(&error))?;
        let mut entries = BTreeMap::new();
        for record in records {
            let settings: BackendSettings = record.settings.parse().map_err(|error| {
                Failure::new(
                    Code::Internal,
                    format!("the stored settings of backend `{}` are not readable: {error}", record.name),
                )
            })?;
            let generation = self.registry.get(&settings.driver);
            let entry = self.entry(&record.name, record.revision, settings, generation.as_deref());
            if let Entry::Unusable { failure, .. } = &entry {
                tracing::error!(backend = record.name, %failure, "a configured backend cannot be used");
            }
            entries.insert(record.name, entry);
        }
        self.backends.store(Arc::new(entries));
        Ok(())
    }

    pub(super) fn entry(
        &self,
        name: &str,
        revision: u64,
        settings: BackendSettings,
        generation: Option<&Generation>,
    ) -> Entry {
        let unusable =
            |settings: BackendSettings, failure| Entry::Unusable { settings: Box::new(settings), revision, failure };
        let Some(generation) = generation else {
            let failure = driver_missing(&settings.driver);
            return unusable(settings, failure);
        };
        match self.built(name, revision, settings.clone(), generation.description()) {
            Ok(backend) => Entry::Ready(Arc::new(backend)),
            Err(failure) => {
                let detail = format!("backend `{name}` cannot be used: {}", failure.detail);
                unusable(settings, Failure { code: Code::DriverUnavailable, detail, ..failure })
            }
        }
    }

    fn built(
        &self,
        name: &str,
        revision: u64,
        settings: BackendSettings,
        description: &Description,
    ) -> Result<Backend, Failure> {
        let (keyring, queued, reach, farewell) = (&self.keyring, self.queued, &self.reach, &self.farewell);
        Backend::build(name, revision, settings, description, &Common { keyring, queued, reach, farewell })
    }

    fn publish(&self, change: impl FnOnce(&mut BTreeMap<String, Entry>)) {
        let mut backends = BTreeMap::clone(&self.backends.load());
        change(&mut backends);
        self.backends.store(Arc::new(backends));
        self.backend_changes.fetch_add(1, Ordering::Release);
    }

    fn sealed(&self, name: &str, mut settings: BackendSettings) -> Result<BackendSettings, Failure> {
        let backends = self.backends.load();
        let stored = backends.get(name).map(|entry| &entry.settings().authentication.secrets);
        let mut violations = Vec::new();
        for (secret, value) in &mut settings.authentication.secrets {
            let pointer = || format!("/authentication/secrets/{}", secret.replace('~', "~0").replace('/', "~1"));
            match value {
                SecretValue::Plain(plain) => {
                    let sealed = self.keyring.seal(plain, &place(name, secret));
                    let sealed = sealed.map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
                    *value = SecretValue::Sealed { sealed };
                }
                SecretValue::Set { set: true } => match stored.and_then(|stored| stored.get(secret)) {
                    Some(stored) => *value = stored.clone(),
                    None => violations.push(Violation {
                        pointer: pointer(),
                        message: "is not set yet: give the secret itself".to_owned(),
                    }),
                },
                SecretValue::Set { set: false } | SecretValue::Sealed { .. } => {
                    violations.push(Violation { pointer: pointer(), message: "must be a string".to_owned() });
                }
            }
        }
        if violations.is_empty() { Ok(settings) } else { Err(rejected(violations)) }
    }
}

/// Checks a backend's configuration against the schema of its driver.
pub(super) fn check_configuration(generation: &Generation, configuration: &Value) -> Result<(), Failure> {
    generation.validate_configuration(configuration).map_err(|violations| {
        let below = |v: Violation| Violation { pointer: format!("/configuration{}", v.pointer), message: v.message };
        rejected(violations.into_iter().map(below).collect())
    })
}

impl Entry {
    pub(super) fn settings(&self) -> &BackendSettings {
        match self {
            Self::Ready(backend) => &backend.settings,
            Self::Unusable { settings, .. } => settings,
        }
    }

    fn revision(&self) -> u64 {
        match self {
            Self::Ready(backend) => backend.revision,
            Self::Unusable { revision, .. } => *revision,
        }
    }
}

fn view(name: &str, entry: &Entry) -> BackendView {
    let mut settings = entry.settings().clone();
    for secret in settings.authentication.secrets.values_mut() {
        *secret = SecretValue::Set { set: true };
    }
    let (failure, lanes) = match entry {
        Entry::Ready(backend) => {
            let lane = |class| LaneView { class, load: backend.queue.load(class) };
            (None, Some([lane(Class::Read), lane(Class::Mutation)]))
        }
        Entry::Unusable { failure, .. } => (Some(failure.clone()), None),
    };
    BackendView { name: name.to_owned(), revision: entry.revision(), settings, failure, lanes }
}
