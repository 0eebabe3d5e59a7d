//! Calls that change nothing: they leave no record, and ask the backend once.

use crosspoint_contract::{Json, Verb};

use super::Relay;
use super::call::{Answer, Caller, DryRun, Listed, Listing, ObjectCall};
use super::failure::{already_mapped, of_refusal};
use super::mutate::success;
use super::prepare::{etag, prepare, supported};
use crate::mapping::{Applied, Command, Failure, Labels, Mapping, ObjectKey, Success, query};
use crate::sent::Sent;
use crate::sync::{State, StateError};

impl Relay {
    /// Reads one object at its backend.
    pub(super) async fn get(&self, call: ObjectCall) -> Result<Answer, Failure> {
        let target = self.target(&call.backend)?;
        let mapping = self.view(|state| call.mapping(state))?;
        // Given back before the wait: what is left then is all that a waiting call holds.
        let prepared = Box::pin(prepare(&target, &call, mapping.as_ref())).await?;
        drop(call);
        self.ask(&target, prepared.draft, mapping).await
    }

    /// What a call would send. Nothing is sent, nothing is recorded, no place is taken.
    pub async fn dry_run(&self, call: ObjectCall) -> Result<DryRun, Failure> {
        let target = self.target(&call.backend)?;
        let mapping = self.view(|state| call.mapping(state))?;
        let prepared = prepare(&target, &call, mapping.as_ref()).await?;
        let rendered = target.render(&prepared.draft)?;
        Ok(DryRun { endpoint: prepared.draft.exchange.endpoint, verb: prepared.draft.call.verb, rendered })
    }

    /// Lists what the backend has of a kind: one exchange, one page.
    ///
    /// A caller sees the objects that are mapped in its tenant; who may see the whole backend sees the others too.
    pub async fn list(
        &self,
        caller: &Caller,
        backend: &str,
        kind: &str,
        page: Option<String>,
        size: Option<u32>,
    ) -> Result<Listing, Failure> {
        let target = self.target(backend)?;
        supported(target.kind(kind)?, &Verb::List)?;
        let mut call = target.backend.call(Verb::List, kind);
        call.tenant.clone_from(&caller.tenant);
        call.page_token = page;
        call.page_size = size;
        let draft = target.draft(call).await?;
        let outcome = self.read_exchange(&target, &draft).await?.into_outcome()?;
        let mut items = Vec::with_capacity(outcome.found.len());
        for found in outcome.found {
            let owner = self.view(|state| query::mapping_of_backend_id(state, backend, kind, &found.backend_id))?;
            let own = owner.filter(|owner| owner.key.tenant == caller.tenant);
            if own.is_some() || caller.sees_unmapped {
                items.push(Listed {
                    backend_id: found.backend_id,
                    revision: found.revision,
                    result: found.result,
                    cmp_id: own.map(|owner| owner.key.cmp_id),
                });
            }
        }
        Ok(Listing { items, next_page: outcome.next_page })
    }

    /// Asks a backend whether it answers: one harmless read.
    pub async fn probe(&self, backend: &str) -> Result<Json, Failure> {
        let target = self.target(backend)?;
        if !target.generation.description().probe {
            let text = format!("driver `{}` has no probe", target.generation.label());
            return Err(Failure::new(crate::mapping::Code::UnsupportedVerb, text));
        }
        let draft = target.draft(target.backend.call(Verb::Probe, "")).await?;
        Ok(self.read_exchange(&target, &draft).await?.into_outcome()?.result)
    }

    /// Binds an object that exists at the backend to a CMP id, after one read has shown that it is there.
    pub async fn adopt(&self, key: ObjectKey, backend_id: String, labels: Labels) -> Result<Answer, Failure> {
        let target = self.target(&key.backend)?;
        let kind = target.kind(&key.kind)?;
        supported(kind, &Verb::Read)?;
        if let Some(mapping) = self.view(|state| query::mapping(state, &key))? {
            return Err(already_mapped(&mapping));
        }
        let mut call = target.call_about(Verb::Read, &key, None, Json::null());
        call.backend_id = Some(backend_id.clone());
        let draft = target.draft(call).await?;
        let outcome = self.read_exchange(&target, &draft).await?.into_outcome()?;
        let read = success(outcome, None);
        let result = read.result.clone();
        let success = Box::new(Success { backend_id: Some(backend_id), ..read });
        let at = self.clock.now();
        // Whatever stands against it now, the backend was asked.
        let adopted = self.propose(Command::Adopt { key, success, labels, at }).await;
        match adopted.and_then(|adopted| adopted.map_err(of_refusal)).map_err(|failure| failure.sent(Sent::Yes))? {
            Applied::Mapping(mapping) => {
                let etag = Some(etag(Some(kind), &mapping));
                Ok(Answer { mapping: Some(*mapping), result, operation: None, etag, replayed: false })
            }
            _ => Err(Self::misapplied()),
        }
    }

    /// Forgets an object and leaves its backend alone. No exchange.
    pub async fn release(&self, key: ObjectKey) -> Result<Answer, Failure> {
        let at = self.clock.now();
        match self.propose(Command::Release { key, at }).await?.map_err(of_refusal)? {
            Applied::Mapping(mapping) => Ok(Answer {
                mapping: Some(*mapping),
                result: Json::null(),
                operation: None,
                etag: None,
                replayed: false,
            }),
            _ => Err(Self::misapplied()),
        }
    }
}

impl ObjectCall {
    /// The object's key, unless the call is about the backend as a whole.
    pub(super) fn key(&self) -> Option<ObjectKey> {
        self.object.as_ref().map(|(kind, cmp_id)| ObjectKey {
            tenant: self.caller.tenant.clone(),
            backend: self.backend.clone(),
            kind: kind.clone(),
            cmp_id: cmp_id.clone(),
        })
    }

    /// The object's mapping, if it has one.
    pub(super) fn mapping(&self, state: &dyn State) -> Result<Option<Mapping>, StateError> {
        self.key().map_or(Ok(None), |key| query::mapping(state, &key))
    }
}
