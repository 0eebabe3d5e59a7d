//! Ending sessions at backends: the host's own business, as logging in is, and counted apart like it.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Bytes, Exchange, HttpRequest, Logout, Reply, Request};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::telemetry::{LogoutResult, Metrics};
use crate::transport::{Authorization, Parting, Transport};

/// The longest that a logout may take. Nobody waits for it but a shutdown, and that no longer than its grace.
const LOGOUT_TIME: Duration = Duration::from_secs(5);

/// Makes the logouts that sessions ask for when they are let go of.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    metrics: Arc<Metrics>,
    logouts: TaskTracker,
}

impl Farewell {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, logouts: TaskTracker::new() }
    }

    /// What ends the sessions of one backend. It keeps the way there open until they are ended.
    pub fn parting(&self, backend: &str, transport: &Arc<Transport>) -> Parting {
        let (metrics, logouts) = (Arc::clone(&self.metrics), self.logouts.clone());
        let (backend, transport): (Arc<str>, _) = (backend.into(), Arc::clone(transport));
        Arc::new(move |logout, authorization| {
            // Without a runtime the process is ending, and the session ends by itself.
            let Ok(runtime) = Handle::try_current() else { return };
            let (metrics, backend, transport) = (Arc::clone(&metrics), Arc::clone(&backend), Arc::clone(&transport));
            let work = async move {
                let result = log_out(&backend, &transport, logout, &authorization).await;
                metrics.logout(&backend, result);
            };
            drop(logouts.spawn_on(work, &runtime));
        })
    }

    /// Waits for the logouts that are under way, no longer than until `end`. Says how many are left then.
    pub async fn all_said(&self, end: Instant) -> usize {
        self.logouts.close();
        if timeout_at(end, self.logouts.wait()).await.is_err() { self.logouts.len() } else { 0 }
    }
}

/// Makes the one exchange. Its target and its body may hold the session's id, so neither is told, nor what is answered.
async fn log_out(backend: &str, transport: &Transport, logout: Logout, authorization: &Authorization) -> LogoutResult {
    let Logout { method, target, endpoint, headers, body } = logout;
    let request = Request::Http(HttpRequest { method, target, headers, body });
    let exchange = Exchange { context: Bytes::default(), endpoint, request, extensions: Vec::new() };
    let deadline = Some(Instant::now() + LOGOUT_TIME);
    match transport.exchange_within(&exchange, authorization, deadline).await {
        Ok(Reply::Http(reply)) if (200..300).contains(&reply.status) => {
            tracing::info!(backend, "logged out");
            LogoutResult::Done
        }
        Ok(Reply::Http(reply)) => {
            tracing::warn!(
                backend,
                status = reply.status,
                "the backend did not take the logout; the session ends by itself"
            );
            LogoutResult::Refused
        }
        Ok(Reply::Message(_) | Reply::Command(_)) => LogoutResult::Failed,
        Err(error) => {
            tracing::warn!(backend, kind = error.kind.as_str(), sent = %error.sent, "the logout failed; the session ends by itself");
            LogoutResult::Failed
        }
    }
}
