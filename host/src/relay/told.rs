//! What is told of a call when it is over: one log line, and one count.

use std::time::Instant;

use super::call::{Answer, Method, ObjectCall};
use crate::mapping::{Code, Failure};
use crate::telemetry::Metrics;

/// What a call was about, kept while the call itself is used up.
pub(super) struct Told {
    started: Instant,
    caller: String,
    tenant: String,
    backend: String,
    kind: String,
    cmp_id: String,
    method: String,
    reads: bool,
}

impl Told {
    pub fn of(call: &ObjectCall) -> Self {
        let (kind, cmp_id) = call.object.clone().unwrap_or_default();
        Self {
            started: Instant::now(),
            caller: call.caller.name.clone(),
            tenant: call.caller.tenant.clone(),
            backend: call.backend.clone(),
            kind,
            cmp_id,
            method: call.method.word(),
            reads: call.method == Method::Get,
        }
    }

    /// Who asked what of whom, and what came of it. Never a spec, a result or a header: they may hold secrets.
    pub fn tell(self, metrics: &Metrics, result: &Result<Answer, Failure>) {
        let code = match result {
            Ok(_) => "ok".to_owned(),
            Err(failure) => failure.code.to_string(),
        };
        // A caller's typing errors are no label values.
        let known = !matches!(result, Err(failure) if matches!(failure.code, Code::UnknownBackend | Code::UnknownKind));
        if known {
            metrics.call(&self.backend, &self.kind, &self.method, &code);
        }
        let (operation, sent) = match result {
            Ok(answer) => (
                answer.operation.as_ref().map(|operation| operation.id),
                answer.operation.as_ref().map(|operation| operation.sent),
            ),
            Err(failure) => (failure.operation_id, Some(failure.sent)),
        };
        let operation = operation.map(tracing::field::display);
        let sent = sent.map(tracing::field::display);
        let took_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Self { caller, tenant, backend, kind, cmp_id, method, .. } = self;
        if self.reads {
            tracing::debug!(target: "crosspoint::call", caller, tenant, backend, kind, cmp_id, method, code, sent, took_ms, "read");
        } else {
            tracing::info!(target: "crosspoint::call", caller, tenant, backend, kind, cmp_id, method, code, sent, operation, took_ms, "change");
        }
    }
}
