//! A mutating call, from intent to outcome. Each step consumes the one before it, so none can be skipped or done twice:
//! [`Prepared`] → [`Recorded`] → [`Decided`] → [`Answer`].

use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Fault, Json, Outcome, State, Verb};

use super::Relay;
use super::backend::Admission;
use super::call::{Answer, ObjectCall};
use super::exchange::{Draft, Reached, Target};
use super::failure::{of_propose, of_refusal, overtaken};
use super::guard::Guard;
use super::prepare::{Prepared, etag, fingerprint, prepare};
use super::queue::{Class, Place};
use crate::failpoint::FailPoint;
use crate::mapping::{
    Applied, Code, Command, Failure, Idempotency, Intent, Mapping, Operation, OperationId, OperationState, Refusal,
    Resolution, Settlement, Success, query,
};
use crate::sent::Sent;
use crate::sync::ProposeError;

/// How long a store that is busy may take to commit anything at all, before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The intent is durable; the exchange was not made yet.
struct Recorded {
    operation: Operation,
    draft: Draft,
    admission: Admission,
    place: Place,
}

/// The exchange is over; its outcome is not recorded yet.
pub(super) struct Decided {
    pub operation: OperationId,
    pub settlement: Settlement,
}

impl Relay {
    /// Performs a mutating call, or a read-only action. What is rare is on the heap, so that no call that waits for its
    /// backend holds the room for it.
    pub(super) async fn mutate(self: &Arc<Self>, call: ObjectCall) -> Result<Answer, Failure> {
        let target = self.target(&call.backend)?;
        let idempotency =
            call.idempotency_key.as_ref().map(|key| Idempotency { key: key.clone(), fingerprint: fingerprint(&call) });
        // One look for both: a first call with this key records the key and the mapping together.
        let (earlier, mapping) = self.view(|state| {
            let earlier = match &idempotency {
                Some(idempotency) => query::idempotency(state, &call.caller.tenant, &idempotency.key)?,
                None => None,
            };
            Ok((earlier, call.mapping(state)?))
        })?;
        if let (Some((operation, known)), Some(idempotency)) = (earlier, &idempotency) {
            let same = known == idempotency.fingerprint;
            return Box::pin(self.repeat(&target, &call.caller.name, operation, same)).await;
        }
        let prepared = Box::pin(prepare(&target, &call, mapping.as_ref())).await?;
        if !prepared.mutating {
            return Box::pin(self.ask(&target, prepared.draft, mapping)).await;
        }
        target.render(&prepared.draft)?;
        let place = target.backend.queue.place(Class::Mutation).await?;
        let admission = target.authorize().await?;
        let intent = self.intent(&target, &call, &prepared, idempotency);
        FailPoint::IntentReady.pass();
        let recorded = match self.propose(Command::Begin(Box::new(intent))).await? {
            Ok(Applied::Operation { operation, .. }) => {
                Recorded { operation: *operation, draft: prepared.draft, admission, place }
            }
            Ok(_) => return Err(Failure::new(Code::Internal, "the store answered an intent with something else")),
            Err(Refusal::Repeated(operation)) => {
                return Box::pin(self.repeat(&target, &call.caller.name, *operation, true)).await;
            }
            // Preconditions were judged already: another call on the object came between that and now.
            Err(Refusal::AlreadyMapped(mapping) | Refusal::Stale(mapping)) => return Err(overtaken(&mapping)),
            Err(refusal) => return Err(of_refusal(refusal)),
        };
        FailPoint::IntentRecorded.pass();
        let guard = Guard::new(self, recorded.operation.id);
        let decided = recorded.send(&target).await;
        let answer = self.record(&target, decided).await;
        guard.release();
        answer
    }

    fn intent(
        &self,
        target: &Target,
        call: &ObjectCall,
        prepared: &Prepared,
        idempotency: Option<Idempotency>,
    ) -> Intent {
        let wire = &prepared.draft.call;
        let id = wire.operation_id.parse().unwrap_or_else(|_| OperationId::generate());
        let patience = millis(target.backend.patience());
        let operation = Operation {
            id,
            tenant: call.caller.tenant.clone(),
            backend: call.backend.clone(),
            kind: wire.kind.clone(),
            cmp_id: prepared.key.as_ref().map(|key| key.cmp_id.clone()),
            verb: wire.verb.clone(),
            state: OperationState::Open,
            sent: Sent::Maybe,
            caller: call.caller.name.clone(),
            driver: target.generation.label().to_owned(),
            idempotency,
            spec: wire.spec.clone(),
            precondition: wire.precondition.clone(),
            labels: call.labels.clone(),
            poll_token: None,
            started_at: self.clock.now(),
            deadline: self.clock.steady() + patience,
            patience,
            finished_at: None,
            result: Json::null(),
            failure: None,
            resolution: None,
        };
        Intent {
            operation,
            mapping_revision: prepared.mapping_revision,
            idempotency_limit: self.limits.idempotency_keys,
        }
    }

    /// Records what became of the exchange and answers the caller.
    pub(super) async fn record(&self, target: &Target, decided: Decided) -> Result<Answer, Failure> {
        let id = decided.operation;
        let applied = self.settle(id, decided.settlement).await.map_err(|error| {
            // The exchange took place; that its outcome is not recorded leaves it in doubt.
            Failure { sent: Sent::Yes, retryable: false, ..of_propose(&error) }.operation(id)
        })?;
        FailPoint::OutcomeRecorded.pass();
        match applied {
            Ok(Applied::Operation { operation, mapping }) => {
                answer(target, *operation, mapping.map(|mapping| *mapping))
            }
            Ok(_) => {
                Err(Failure::new(Code::Internal, "the store answered an outcome with something else").sent(Sent::Yes))
            }
            Err(refusal) => Err(of_refusal(refusal).sent(Sent::Yes)),
        }
    }

    /// Records an outcome, and does not give up easily: what the backend did is known now and nowhere else.
    pub(super) async fn settle(
        &self,
        operation: OperationId,
        settlement: Settlement,
    ) -> Result<Result<Applied, Refusal>, ProposeError> {
        let mut settlement = Box::new(settlement);
        let mut applied = self.store.applied();
        loop {
            let command = Command::Settle { operation, at: self.clock.now(), settlement: settlement.clone() };
            match self.store.propose(command).await {
                Ok(committed) => return Ok(committed.response),
                // Others are being committed: when some are, there is room.
                Err(ProposeError::Busy) if tokio::time::timeout(PATIENCE, applied.changed()).await.is_ok() => {}
                Err(ProposeError::TooLarge { size, .. }) if trim(&mut settlement) => {
                    tracing::warn!(%operation, size, "the result is too large to be kept; the outcome is recorded without it");
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the one exchange of a call that changes nothing.
    pub(super) async fn ask(&self, target: &Target, draft: Draft, mapping: Option<Mapping>) -> Result<Answer, Failure> {
        let outcome = self.read_exchange(target, &draft).await?.into_outcome()?;
        let etag = match (&outcome.revision, &mapping) {
            (Some(revision), Some(mapping)) if target.kind(&mapping.key.kind).is_ok_and(|kind| kind.conditional) => {
                Some(revision.clone())
            }
            (_, Some(mapping)) => Some(mapping.revision.to_string()),
            (_, None) => None,
        };
        Ok(Answer { mapping, result: outcome.result, operation: None, etag, replayed: false })
    }

    /// Makes an exchange in the backend's lane for reads.
    pub(super) async fn read_exchange(&self, target: &Target, draft: &Draft) -> Result<Reached, Failure> {
        let _place = target.backend.queue.place(Class::Read).await?;
        let admission = target.authorize().await?;
        Ok(target.exchange(draft, &admission).await)
    }

    /// Answers a call whose idempotency key stands for an operation already.
    async fn repeat(&self, target: &Target, caller: &str, operation: Operation, same: bool) -> Result<Answer, Failure> {
        if !same {
            return Err(of_refusal(Refusal::KeyMismatch(Box::new(operation))));
        }
        match operation.state {
            OperationState::Open => Err(of_refusal(Refusal::Repeated(Box::new(operation)))),
            OperationState::Unknown => self.retry_in_doubt(target, caller, operation).await,
            _ => {
                let mapping = match operation.object() {
                    Some(key) => self.view(|state| query::mapping(state, &key))?,
                    None => None,
                };
                // An old result with a present entity tag would invite the loss of what was changed in between.
                let current = mapping.as_ref().is_some_and(|mapping| Some(mapping.updated_at) == operation.finished_at);
                answer(target, operation, mapping)
                    .map(|answer| Answer { etag: answer.etag.filter(|_| current), replayed: true, ..answer })
                    .map_err(|failure| Failure { replayed: true, ..failure })
            }
        }
    }
}

impl Recorded {
    async fn send(self, target: &Target) -> Decided {
        let Self { operation, draft, admission, place } = self;
        let reached = target.exchange(&draft, &admission).await;
        drop(place);
        FailPoint::ExchangeOver.pass();
        Decided { operation: operation.id, settlement: settlement(&operation, reached, None) }
    }
}

/// What became of a mutating call, in the machine's words.
pub(super) fn settlement(operation: &Operation, reached: Reached, resolution: Option<Resolution>) -> Settlement {
    match reached {
        Reached::Outcome(outcome)
            if operation.verb == Verb::Create && outcome.backend_id.is_none() && outcome.state == State::Active =>
        {
            let text = "the backend accepted the creation, but the driver gave no backend id";
            Settlement::Doubt(Failure::new(Code::DriverFailed, text).sent(Sent::Yes).operation(operation.id))
        }
        Reached::Outcome(outcome) => Settlement::Succeeded(success(outcome, resolution)),
        // What the caller wants gone is gone.
        Reached::Fault { fault: Fault::NotFound(_), .. } if operation.verb == Verb::Delete => {
            Settlement::Succeeded(Success { resolution, ..Success::default() })
        }
        Reached::Fault { fault, failure, .. } if fault.leaves_doubt() => {
            Settlement::Doubt(failure.operation(operation.id))
        }
        Reached::Fault { failure, .. } => Settlement::Failed { failure: failure.operation(operation.id), resolution },
        Reached::Failure(failure) if failure.sent == Sent::No => {
            Settlement::Failed { failure: failure.operation(operation.id), resolution }
        }
        Reached::Failure(failure) => Settlement::Doubt(failure.operation(operation.id)),
    }
}

/// Drops what a record can do without; says whether there was anything.
fn trim(settlement: &mut Settlement) -> bool {
    let (Settlement::Succeeded(success) | Settlement::Observed(success)) = settlement else { return false };
    let had = !success.result.is_null() || !success.attributes.is_null();
    (success.result, success.attributes) = (Json::null(), Json::null());
    had
}

/// An outcome in the machine's words.
pub(super) fn success(outcome: Outcome, resolution: Option<Resolution>) -> Success {
    Success {
        backend_id: outcome.backend_id,
        revision: outcome.revision,
        attributes: outcome.attributes,
        result: outcome.result,
        pending: match outcome.state {
            State::Active => None,
            State::Pending(token) => Some(token),
        },
        resolution,
    }
}

/// The answer that an operation's record gives.
pub(super) fn answer(target: &Target, operation: Operation, mapping: Option<Mapping>) -> Result<Answer, Failure> {
    if let (OperationState::Failed | OperationState::Unknown, Some(failure)) = (operation.state, &operation.failure) {
        return Err(failure.clone().operation(operation.id));
    }
    Ok(report(target, operation, mapping))
}

/// An operation's record as it is, failed or not.
pub(super) fn report(target: &Target, operation: Operation, mapping: Option<Mapping>) -> Answer {
    let etag = mapping.as_ref().map(|mapping| etag(target.kind(&mapping.key.kind).ok(), mapping));
    Answer { mapping, result: operation.result.clone(), operation: Some(operation), etag, replayed: false }
}

/// Milliseconds of a duration; saturating.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
