//! What is left of a call that ends in a way nobody foresaw.

use std::sync::Arc;

use super::Relay;
use crate::mapping::{Code, Command, Failure, OperationId, Settlement};
use crate::sent::Sent;

/// Held from the intent to the outcome. Should the call's task end in between, by a panic for instance, the operation is
/// marked as in doubt, so that its object does not stay locked until the next start.
pub(super) struct Guard {
    relay: Arc<Relay>,
    operation: Option<OperationId>,
}

impl Guard {
    pub fn new(relay: &Arc<Relay>, operation: OperationId) -> Self {
        Self { relay: Arc::clone(relay), operation: Some(operation) }
    }

    /// The call came to its end; what could be recorded is recorded.
    pub fn release(mut self) {
        self.operation = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(operation) = self.operation else { return };
        let relay = Arc::clone(&self.relay);
        let text = "a defect in Crosspoint ended the call: whether the backend did it is not known";
        let failure = Failure::new(Code::Internal, text).sent(Sent::Maybe).operation(operation);
        let settlement = Box::new(Settlement::Doubt(failure));
        // Without a runtime the process is ending, and the next start does the same.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let command = Command::Settle { operation, at: relay.clock.now(), settlement };
                if let Err(failure) = relay.propose(command).await {
                    tracing::error!(%operation, %failure, "a call that was cut off could not be marked as in doubt");
                }
            });
        }
    }
}
