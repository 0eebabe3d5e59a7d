//! Sessions at rest.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::session::Session;
use crate::transport::Stats;

/// The sessions of one endpoint that nobody uses right now. How many there are in all is bounded by how many exchanges
/// run at once.
#[derive(Debug, Default)]
pub(in crate::transport::ssh) struct Pool {
    resting: Mutex<Vec<Resting>>,
}

/// A session in the care of a task, which watches it.
#[derive(Debug)]
struct Resting {
    wake: oneshot::Sender<()>,
    task: JoinHandle<Option<Session>>,
}

impl Pool {
    /// The session that was used last, if it still lives.
    pub(in crate::transport::ssh) async fn take(&self) -> Option<Session> {
        loop {
            let Resting { wake, task } = self.resting.lock().pop()?;
            if wake.send(()).is_ok()
                && let Ok(Some(session)) = task.await
            {
                return Some(session);
            }
        }
    }

    /// Lays a session to rest whose last exchange came to its end.
    pub(in crate::transport::ssh) fn put(&self, session: Session, idle: Duration, stats: &Arc<Stats>) {
        let (wake, woken) = oneshot::channel();
        let stats = Arc::clone(stats);
        let task = tokio::spawn(async move { session.rest(woken, idle, &stats).await });
        let mut resting = self.resting.lock();
        resting.retain(|resting| !resting.task.is_finished());
        resting.push(Resting { wake, task });
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}
