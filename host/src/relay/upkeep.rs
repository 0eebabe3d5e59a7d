//! What happens without anybody asking: recovery at the start, and forgetting what is old.

use std::sync::Arc;
use std::time::Duration;

use super::failure::of_state;
use super::queue::Class;
use super::{Entry, Relay};
use crate::failpoint::FailPoint;
use crate::mapping::{Applied, Code, Command, Expiry, Failure, OperationState, Settlement, query};
use crate::sent::Sent;
use crate::sync::ReplicaExt;
use crate::telemetry::{QueueClass, TransportCounts};
use crate::transport::Snapshot;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// How long an idempotency key stands for its operation.
    pub idempotency: Duration,
    /// Most idempotency keys that are remembered.
    pub idempotency_keys: u64,
    /// How many operations are kept.
    pub operations: u64,
    /// How many log entries' events are kept.
    pub events: u64,
}

/// Most records of each sort that one command forgets, so that none holds up the calls for long.
const BATCH: usize = 256;
/// How often the old is looked for.
const PERIOD: Duration = Duration::from_secs(30);

impl Relay {
    /// Brings back what was recorded: drivers, then backends, then the truth about calls that were under way when
    /// Crosspoint stopped: their exchange may have taken place, so they are in doubt.
    ///
    /// # Errors
    /// Where the store cannot be read or written. A driver or a backend that cannot be brought back is no error: it is
    /// listed as unusable, with the reason.
    pub async fn recover(&self) -> Result<(), Failure> {
        self.recover_drivers().await?;
        self.forget_packages().await;
        self.recover_backends()?;
        let undecided = self.store.view(query::undecided).map_err(|error| of_state(&error))?;
        let interrupted: Vec<_> =
            undecided.iter().filter(|operation| operation.state == OperationState::Open).collect();
        for operation in &interrupted {
            let text = "Crosspoint stopped while the call was under way: whether the backend did it is not known";
            let failure = Failure::new(Code::Interrupted, text).sent(Sent::Maybe).operation(operation.id);
            let settlement = Box::new(Settlement::Doubt(failure));
            let command = Command::Settle { operation: operation.id, at: self.clock.now(), settlement };
            if let Err(refusal) = self.propose(command).await? {
                tracing::error!(operation = %operation.id, %refusal, "an interrupted operation could not be marked");
            }
            FailPoint::DoubtMarked.pass();
        }
        if !interrupted.is_empty() {
            tracing::warn!(
                operations = interrupted.len(),
                "calls were interrupted and are in doubt: see `crosspoint operation list --state unknown`"
            );
        }
        Ok(())
    }

    /// Forgets what is old, from time to time, until the relay is gone.
    pub fn keep_up(self: &Arc<Self>) {
        let relay = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut period = tokio::time::interval(PERIOD);
            period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                period.tick().await;
                let Some(relay) = relay.upgrade() else { return };
                if let Err(failure) = relay.forget_old().await {
                    tracing::warn!(%failure, "what is old could not be forgotten; trying again later");
                }
            }
        });
    }

    /// Sets the gauges that are counted when somebody looks, rather than all the time.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn sample_gauges(&self) -> Result<(), Failure> {
        let undecided = self.view(query::undecided)?;
        let count = |wanted: fn(OperationState) -> bool| {
            i64::try_from(undecided.iter().filter(|operation| wanted(operation.state)).count()).unwrap_or(i64::MAX)
        };
        self.metrics.operations_open.set(count(|state| !state.is_decided()));
        self.metrics.mappings_in_doubt.set(count(|state| state == OperationState::Unknown));
        let generations = self.registry.snapshot().iter().count() + self.registry.draining().len();
        self.metrics.generations.set(i64::try_from(generations).unwrap_or(i64::MAX));
        for view in self.backends() {
            for lane in view.lanes.into_iter().flatten() {
                let gauges = self.metrics.queue(
                    &view.name,
                    match lane.class {
                        Class::Read => QueueClass::Read,
                        Class::Mutation => QueueClass::Mutation,
                    },
                );
                gauges.active.set(i64::try_from(lane.load.active).unwrap_or(i64::MAX));
                gauges.waiting.set(i64::try_from(lane.load.waiting).unwrap_or(i64::MAX));
            }
        }
        let backends = self.backends.load();
        let ready = backends.iter().filter_map(|(name, entry)| match entry {
            Entry::Ready(backend) => Some((name.as_str(), counts(&backend.transport.stats().snapshot()))),
            Entry::Unusable { .. } => None,
        });
        self.metrics.transports(ready);
        Ok(())
    }

    /// Forgets everything that is older than promised.
    ///
    /// # Errors
    /// Where the store does not take commands.
    pub async fn forget_old(&self) -> Result<usize, Failure> {
        let mut total = 0;
        loop {
            // A key is a promise for a time, which setting the system's clock does not shorten.
            let now = self.clock.steady();
            let before = |age: Duration| now.saturating_sub(super::mutate::millis(age));
            // Counted from the latest event, not from the end of the log: what forgets is in the log as well, and would
            // push out one event after the other until none is left.
            let newest = self.view(query::newest_event)?;
            let expiry = Expiry {
                idempotency_before: before(self.limits.idempotency),
                operations_kept: self.limits.operations,
                events_before: newest.saturating_sub(self.limits.events),
                batch: BATCH,
            };
            if !self.view(|state| query::anything_older(state, &expiry))? {
                return Ok(total);
            }
            match self.propose(Command::Expire(expiry)).await? {
                Ok(Applied::Removed(removed)) if removed > 0 => total += removed,
                _ => return Ok(total),
            }
        }
    }
}

/// A transport's counters, as they are shown.
fn counts(snapshot: &Snapshot) -> TransportCounts {
    TransportCounts {
        connections: [snapshot.connects, snapshot.connects_failed],
        failures: snapshot.failed.iter().map(|(kind, count)| (kind.as_str(), *count)).collect(),
        bytes: [snapshot.body_bytes_sent, snapshot.body_bytes_received],
        strays: [snapshot.late_replies, snapshot.unknown_replies],
        keepalives: snapshot.keepalives,
    }
}
