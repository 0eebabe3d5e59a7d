//! Operations in doubt and operations pending: how one exchange, or a decision, ends them.
//!
//! | what is in doubt | repeated with its key | `:resolve` |
//! |---|---|---|
//! | a creation that carries a marker | `find` | `find` |
//! | a creation that is naturally idempotent | made again | – |
//! | a deletion | made again if harmless, else read | read |
//! | a change | made again if harmless, else read | read |
//!
//! "Not there" is believed only after the operation's deadline: until then the request may still take effect. Reading
//! an object does not tell whether a change to it took place, so that ends as `observed`, never as a guess.

use crosspoint_contract::{Creation, Fault, Kind, Outcome, Verb};

use super::Relay;
use super::call::Answer;
use super::exchange::{Draft, Reached, Target};
use super::failure::{of_propose, of_refusal};
use super::mutate::{Decided, answer, millis, report, settlement, success};
use super::queue::Class;
use crate::failpoint::FailPoint;
use crate::mapping::{
    Applied, Code, Command, Failure, Mapping, ObjectKey, Operation, OperationId, OperationState, Resolution,
    ResolvedBy, Settlement, Success, query,
};
use crate::sent::Sent;

/// How doubt about an operation can be ended with one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Look for the object by its marker.
    Find,
    /// Read the object.
    Read,
    /// Make the same exchange again.
    Reissue,
}

/// An operation as it is now, and its object's mapping unless the object is gone.
type Concluded = (Operation, Option<Mapping>);

/// What a person or a program decides about an operation in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The backend did it; for a creation, under this id.
    Applied {
        /// The backend's id.
        backend_id: Option<String>,
    },
    /// The backend did not do it.
    NotApplied,
}

fn way(kind: Option<&Kind>, operation: &Operation, may_reissue: bool) -> Option<Way> {
    let kind = kind?;
    let reissuable = may_reissue
        && match &operation.verb {
            Verb::Create => kind.creation == Creation::Idempotent,
            Verb::Action(name) => kind.action(name).is_some_and(|action| action.reissuable),
            verb => kind.supports(verb).is_some_and(|support| support.reissuable),
        };
    let can = |verb: &Verb| kind.supports(verb).is_some();
    match operation.verb {
        Verb::Create if kind.marker && can(&Verb::Find) => Some(Way::Find),
        _ if reissuable => Some(Way::Reissue),
        Verb::Create => None,
        _ if can(&Verb::Read) => Some(Way::Read),
        _ => None,
    }
}

impl Relay {
    /// Repeats an operation that is in doubt: one exchange, or none.
    pub(super) async fn retry_in_doubt(
        &self,
        target: &Target,
        caller: &str,
        operation: Operation,
    ) -> Result<Answer, Failure> {
        let (operation, mapping) = self.end_doubt(target, caller, operation, true).await?;
        answer(target, operation, mapping)
    }

    /// Resolves an operation in doubt by asking the backend: one read.
    pub async fn resolve(&self, caller: &str, operation: Operation) -> Result<Answer, Failure> {
        let target = self.target(&operation.backend)?;
        let (operation, mapping) = self.end_doubt(&target, caller, operation, false).await?;
        Ok(report(&target, operation, mapping))
    }

    /// Ends an operation that is in doubt, or pending, by decision: no exchange. A backend may have forgotten what it
    /// was working on, and nothing else would end that.
    pub async fn decide(&self, caller: &str, operation: Operation, decision: Decision) -> Result<Answer, Failure> {
        let target = self.target(&operation.backend)?;
        let _turn = self.turn(&operation)?;
        if !matches!(operation.state, OperationState::Unknown | OperationState::Pending) {
            return Err(not_in_doubt(&operation));
        }
        let resolution = self.resolution(ResolvedBy::Decision, caller);
        let settlement = match decision {
            Decision::Applied { backend_id: None }
                if operation.verb == Verb::Create && self.backend_id_of(&operation)?.is_none() =>
            {
                return Err(Failure::new(Code::InvalidRequest, "a creation that was applied needs its `backend_id`")
                    .operation(operation.id));
            }
            Decision::Applied { backend_id } => {
                Settlement::Succeeded(Success { backend_id, resolution: Some(resolution), ..Success::default() })
            }
            Decision::NotApplied => {
                not_executed(&operation, "it was decided that the backend did not do it", resolution)
            }
        };
        let (operation, mapping) = self.conclude(Decided { operation: operation.id, settlement }).await?;
        Ok(report(&target, operation, mapping))
    }

    fn backend_id_of(&self, operation: &Operation) -> Result<Option<String>, Failure> {
        let Some(key) = operation.object() else { return Ok(None) };
        Ok(self.view(|state| query::mapping(state, &key))?.and_then(|mapping| mapping.backend_id))
    }

    /// Asks the backend how a pending operation gets on: one exchange.
    pub async fn refresh(&self, caller: &str, operation: Operation) -> Result<Answer, Failure> {
        let target = self.target(&operation.backend)?;
        let _turn = self.turn(&operation)?;
        let (OperationState::Pending, Some(token)) = (operation.state, &operation.poll_token) else {
            let text = format!("the operation is {}; only a pending one can be refreshed", operation.state.as_str());
            return Err(Failure::new(Code::NotResolvable, text).operation(operation.id));
        };
        let mut call = match operation.object() {
            Some(key) => {
                let mapping = self.view(|state| query::mapping(state, &key))?;
                target.call_about(Verb::Poll, &key, mapping.as_ref(), operation.spec.clone())
            }
            None => target.backend.call(Verb::Poll, ""),
        };
        call.poll_token = Some(token.clone());
        let draft = target.draft(call).await?;
        let reached = self.read_exchange(&target, &draft).await?;
        FailPoint::DoubtRead.pass();
        let resolution = Some(self.resolution(ResolvedBy::Poll, caller));
        let settlement = match reached {
            Reached::Outcome(outcome) => Settlement::Succeeded(success(outcome, resolution)),
            // These are the poll's own troubles and say nothing about what is polled.
            Reached::Fault {
                fault:
                    Fault::NotFound(_)
                    | Fault::Unauthenticated(_)
                    | Fault::Throttled(_)
                    | Fault::Unavailable(_)
                    | Fault::MalformedReply(_)
                    | Fault::Other(_),
                failure,
                ..
            }
            | Reached::Failure(failure) => return Err(failure.operation(operation.id)),
            Reached::Fault { failure, .. } => {
                Settlement::Failed { failure: failure.operation(operation.id), resolution }
            }
        };
        let concluded = self.conclude(Decided { operation: operation.id, settlement }).await;
        // Whatever stands against it now, the backend was asked.
        let (operation, mapping) = concluded.map_err(|failure| failure.sent(Sent::Yes))?;
        Ok(report(&target, operation, mapping))
    }

    async fn end_doubt(
        &self,
        target: &Target,
        caller: &str,
        operation: Operation,
        may_reissue: bool,
    ) -> Result<Concluded, Failure> {
        let _turn = self.turn(&operation)?;
        if operation.state != OperationState::Unknown {
            return Err(not_in_doubt(&operation));
        }
        let kind = target.generation.description().kind(&operation.kind);
        let (Some(key), Some(way)) = (operation.object(), way(kind, &operation, may_reissue)) else {
            let text = "no read at the backend can tell: decide with {\"decision\":\"applied\"} or {\"decision\":\"not_applied\"}";
            return Err(Failure::new(Code::NotResolvable, text).sent(operation.sent).operation(operation.id));
        };
        let mapping = self.view(|state| query::mapping(state, &key))?;
        let settlement = match way {
            Way::Find => self.find(target, caller, &operation, &key).await?,
            Way::Read => self.read_again(target, caller, &operation, &key, mapping.as_ref()).await?,
            Way::Reissue => self.reissue(target, caller, &operation, &key, mapping.as_ref()).await?,
        };
        let concluded = self.conclude(Decided { operation: operation.id, settlement }).await;
        concluded.map_err(|failure| failure.sent(Sent::Yes))
    }

    async fn find(
        &self,
        target: &Target,
        caller: &str,
        operation: &Operation,
        key: &ObjectKey,
    ) -> Result<Settlement, Failure> {
        let draft = target.draft(target.call_about(Verb::Find, key, None, operation.spec.clone())).await?;
        let outcome = self
            .doubt_read(target, &draft, operation)
            .await?
            .into_outcome()
            .map_err(|failure| failure.operation(operation.id))?;
        let resolution = self.resolution(ResolvedBy::Find, caller);
        let marker = key.marker();
        let mut found = Vec::new();
        for candidate in outcome.found {
            let carries = candidate.marker.as_deref() == Some(marker.as_str());
            let owner =
                self.view(|state| query::mapping_of_backend_id(state, &key.backend, &key.kind, &candidate.backend_id))?;
            if carries && owner.is_none_or(|owner| owner.key == *key) {
                found.push(candidate);
            }
        }
        let Some(last) = found.pop() else {
            self.after_deadline(operation)?;
            let text = "the backend has no object with its marker: the call was never executed";
            return Ok(not_executed(operation, text, resolution));
        };
        if !found.is_empty() {
            let ids: Vec<_> = found.iter().chain([&last]).map(|found| found.backend_id.as_str()).collect();
            let text =
                format!("several objects at the backend carry the marker: {}; decide which one it is", ids.join(", "));
            return Err(Failure::new(Code::Ambiguous, text).sent(operation.sent).operation(operation.id));
        }
        Ok(Settlement::Succeeded(Success {
            backend_id: Some(last.backend_id),
            revision: last.revision,
            attributes: last.attributes,
            result: last.result,
            pending: None,
            resolution: Some(resolution),
        }))
    }

    async fn read_again(
        &self,
        target: &Target,
        caller: &str,
        operation: &Operation,
        key: &ObjectKey,
        mapping: Option<&Mapping>,
    ) -> Result<Settlement, Failure> {
        if operation.verb != Verb::Delete {
            self.after_deadline(operation)?;
        }
        let draft =
            target.draft(target.call_about(Verb::Read, key, mapping, crosspoint_contract::Json::null())).await?;
        let resolution = self.resolution(ResolvedBy::Read, caller);
        match (self.doubt_read(target, &draft, operation).await?, &operation.verb) {
            (Reached::Outcome(outcome), Verb::Delete) => {
                self.after_deadline(operation)?;
                drop(outcome);
                Ok(not_executed(
                    operation,
                    "the backend still has the object: the deletion was never executed",
                    resolution,
                ))
            }
            (Reached::Outcome(outcome), _) => Ok(Settlement::Observed(success(
                Outcome { state: crosspoint_contract::State::Active, ..outcome },
                Some(resolution),
            ))),
            (Reached::Fault { fault: Fault::NotFound(_), .. }, Verb::Delete) => {
                Ok(Settlement::Succeeded(Success { resolution: Some(resolution), ..Success::default() }))
            }
            (Reached::Fault { failure, .. } | Reached::Failure(failure), _) => Err(failure.operation(operation.id)),
        }
    }

    async fn reissue(
        &self,
        target: &Target,
        caller: &str,
        operation: &Operation,
        key: &ObjectKey,
        mapping: Option<&Mapping>,
    ) -> Result<Settlement, Failure> {
        let mut call = target.call_about(operation.verb.clone(), key, mapping, operation.spec.clone());
        call.operation_id = operation.id.to_string();
        call.precondition.clone_from(&operation.precondition);
        let draft = target.draft(call).await?;
        let place = target.backend.queue.place(Class::Mutation).await?;
        let admission = target.authorize().await?;
        // The intent to send again is recorded like any other: until the new deadline it may take effect.
        let deadline = self.clock.steady() + millis(target.backend.patience());
        self.propose(Command::Extend { operation: operation.id, deadline, at: self.clock.now() })
            .await?
            .map_err(of_refusal)?;
        FailPoint::ReissueRecorded.pass();
        let reached = target.exchange(&draft, &admission).await;
        drop(place);
        FailPoint::ReissueOver.pass();
        Ok(match settlement(operation, reached, Some(self.resolution(ResolvedBy::Reissue, caller))) {
            // What the first exchange did is as unknown as before, even if the second one surely did nothing: it may
            // have failed just because the first one had succeeded.
            Settlement::Failed { failure, .. } => {
                Settlement::Doubt(Failure { sent: operation.sent.max(failure.sent), ..failure })
            }
            settlement => settlement,
        })
    }

    /// A read about an operation in doubt. Its own failure is not the operation's.
    async fn doubt_read(&self, target: &Target, draft: &Draft, operation: &Operation) -> Result<Reached, Failure> {
        let reached = self.read_exchange(target, draft).await;
        FailPoint::DoubtRead.pass();
        reached.map_err(|failure| failure.operation(operation.id))
    }

    async fn conclude(&self, decided: Decided) -> Result<Concluded, Failure> {
        let Decided { operation, settlement } = decided;
        let settled = self.settle(operation, settlement).await.map_err(|error| of_propose(&error).operation(operation));
        match settled?.map_err(of_refusal)? {
            Applied::Operation { operation, mapping } => Ok((*operation, mapping.map(|mapping| *mapping))),
            _ => Err(Self::misapplied()),
        }
    }

    fn resolution(&self, by: ResolvedBy, caller: &str) -> Resolution {
        Resolution { by, at: self.clock.now(), caller: caller.to_owned() }
    }

    /// Fails until the operation's exchange can no longer take effect. How long Crosspoint was not running is not known
    /// for sure, since the system's clock may have been set meanwhile: what was sent before the start may take effect
    /// for as long after it as if it had been sent then.
    fn after_deadline(&self, operation: &Operation) -> Result<(), Failure> {
        let since_start = operation.patience.saturating_sub(millis(self.clock.running()));
        let left = operation.deadline.saturating_sub(self.clock.steady()).max(since_start);
        if left == 0 {
            return Ok(());
        }
        let seconds = u32::try_from(left.div_ceil(1000)).unwrap_or(u32::MAX);
        let text = format!(
            "the backend does not show it, but the request may still take effect for {seconds} s: ask again then"
        );
        Err(Failure::new(Code::InDoubt, text).sent(operation.sent).retry(seconds).operation(operation.id))
    }

    /// One at a time may work on an operation's doubt.
    fn turn(&self, operation: &Operation) -> Result<Turn<'_>, Failure> {
        if self.turns.lock().insert(operation.id) {
            return Ok(Turn { relay: self, id: operation.id });
        }
        Err(Failure::new(Code::ObjectBusy, "the operation is being resolved right now")
            .retry(1)
            .operation(operation.id))
    }
}

struct Turn<'a> {
    relay: &'a Relay,
    id: OperationId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.relay.turns.lock().remove(&self.id);
    }
}

fn not_in_doubt(operation: &Operation) -> Failure {
    let text = format!("the operation is {}, not in doubt", operation.state.as_str());
    Failure::new(Code::AlreadyDecided, text).operation(operation.id)
}

fn not_executed(operation: &Operation, text: &str, resolution: Resolution) -> Settlement {
    let failure = Failure::new(Code::NotExecuted, text).retry(None).operation(operation.id);
    Settlement::Failed { failure, resolution: Some(resolution) }
}
