//! The one connection that all exchanges with an endpoint share: appliances run out of sessions.
//!
//! However many callers come at once, one connection is made; the others wait for it and share what comes of it. It is
//! kept as long as it is in use and a while longer. After a login that was refused none is tried for a while: devices
//! lock users out who fail too often.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::Connection;
use super::hosts::HostKeys;
use super::identity::Identity;
use crate::sent::Sent;
use crate::transport::dial::Dialer;
use crate::transport::{ErrorKind, Stats, TransportError};

/// How long no login is tried after one was refused; doubled with each further one, up to the longest.
const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The way to one endpoint.
#[derive(Debug)]
pub(super) struct Link {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dialer: Dialer,
    keys: Arc<HostKeys>,
    /// The longest that connecting may take, login included.
    limit: Duration,
    /// How long an unused connection is kept.
    idle: Duration,
    stats: Arc<Stats>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    up: Option<Arc<Connection>>,
    /// The connecting that is under way; closed without a value if its task died.
    connecting: Option<watch::Receiver<Option<Outcome>>>,
    refused: Option<Refused>,
    refusals_in_a_row: u32,
}

type Outcome = Result<Arc<Connection>, TransportError>;

#[derive(Debug)]
struct Refused {
    error: TransportError,
    retry_at: Instant,
}

impl Link {
    pub(super) fn new(dialer: Dialer, keys: Arc<HostKeys>, limit: Duration, idle: Duration, stats: Arc<Stats>) -> Self {
        Self { shared: Arc::new(Shared { dialer, keys, limit, idle, stats, state: Mutex::default() }) }
    }

    /// The address, for people.
    pub(super) fn url(&self) -> String {
        self.shared.dialer.url()
    }

    /// The connection, made first if there is none. A transport belongs to one backend, so whoever asks first connects
    /// for all.
    ///
    /// # Errors
    /// Always with `sent: no`.
    ///
    /// # Cancel-safety
    /// Dropping the future does not stop the connecting that it began: others wait for it, and the connection is kept.
    pub(super) async fn connection(&self, identity: &Arc<Identity>) -> Outcome {
        let mut connecting = match self.step(identity) {
            Step::Use(connection) => return Ok(connection),
            Step::Fail(error) => return Err(error),
            Step::Wait(connecting) => connecting,
        };
        let outcome = connecting.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        outcome
            .ok()
            .flatten()
            .unwrap_or_else(|| Err(TransportError::new(ErrorKind::Connect, Sent::No, "the connecting was given up")))
    }

    fn step(&self, identity: &Arc<Identity>) -> Step {
        let mut state = self.shared.state.lock();
        state.up.take_if(|connection| connection.is_closed());
        state.connecting.take_if(|connecting| connecting.has_changed().is_err());
        state.refused.take_if(|refused| refused.retry_at <= Instant::now());
        match (&state.up, &state.connecting, &state.refused) {
            (Some(connection), ..) => Step::Use(Arc::clone(connection)),
            (None, Some(connecting), _) => Step::Wait(connecting.clone()),
            (None, None, Some(refused)) => Step::Fail(refused.error.clone()),
            (None, None, None) => Step::Wait(state.connecting.insert(self.begin(identity)).clone()),
        }
    }

    fn begin(&self, identity: &Arc<Identity>) -> watch::Receiver<Option<Outcome>> {
        let (tell, told) = watch::channel(None);
        let (shared, identity) = (Arc::clone(&self.shared), Arc::clone(identity));
        tokio::spawn(async move {
            let opening = Connection::open(&shared.dialer, &shared.keys, &identity, &shared.stats);
            let opened = timeout(shared.limit, opening).await.unwrap_or_else(|_| {
                let message = "no connection to the backend in time, login included";
                Err(TransportError::new(ErrorKind::ConnectTimeout, Sent::No, message))
            });
            let outcome = shared.conclude(opened);
            let up = outcome.as_ref().ok().map(Arc::downgrade);
            tell.send_replace(Some(outcome));
            drop(tell);
            if let Some(up) = up {
                let (idle, shared) = (shared.idle, Arc::downgrade(&shared));
                tokio::spawn(keep(up, shared, idle));
            }
        });
        told
    }
}

enum Step {
    Use(Arc<Connection>),
    Wait(watch::Receiver<Option<Outcome>>),
    Fail(TransportError),
}

impl Shared {
    fn conclude(&self, opened: Result<Connection, TransportError>) -> Outcome {
        let mut state = self.state.lock();
        state.connecting = None;
        match opened {
            Ok(connection) => {
                state.refusals_in_a_row = 0;
                Ok(Arc::clone(state.up.insert(Arc::new(connection))))
            }
            Err(error) => {
                if error.kind == ErrorKind::Unauthenticated {
                    let pause = BACKOFF.saturating_mul(1 << state.refusals_in_a_row.min(16)).min(LONGEST_BACKOFF);
                    state.refusals_in_a_row = state.refusals_in_a_row.saturating_add(1);
                    state.refused = Some(Refused { error: error.clone(), retry_at: Instant::now() + pause });
                }
                Err(error)
            }
        }
    }
}

/// Lets go of a connection that has not been used for a while, or that has ended.
async fn keep(connection: Weak<Connection>, shared: Weak<Shared>, idle: Duration) {
    loop {
        let Some(used) = connection.upgrade().map(|connection| connection.used()) else { return };
        let now = Instant::now();
        // While a channel is open the connection is in use, however long ago the last one was closed.
        let end = used + idle;
        if end > now {
            sleep_until(end).await;
            continue;
        }
        let Some(shared) = shared.upgrade() else { return };
        let released = {
            let mut state = shared.state.lock();
            // Ours, the link's and no more.
            state.up.take_if(|up| up.is_closed() || (Arc::strong_count(up) == 1 && up.used() + idle <= now))
        };
        match released {
            Some(_) => return,
            None => sleep_until(now + idle).await,
        }
    }
}
