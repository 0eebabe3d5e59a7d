use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crosspoint_contract::{Logout, SessionGrant};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Authorization, Stats, TransportError};

/// The one session that all exchanges with a backend share: appliances run out of sessions.
///
/// However many callers come at once, one login runs; the others wait for it and share what it brings, good or bad. A
/// session that is about to expire is renewed in the background while it still serves. After a failure no login is
/// tried for a while, and callers are told how long.
///
/// # How many there are at the backend
///
/// One, but for two moments. A renewal has the new session before it lets go of the old one, so that no call waits: from
/// then on nobody new is given the old one, and it is ended as soon as the exchanges that began with it are over. And a
/// login whose answer was lost may have left a session that nobody knows of, which ends by itself.
///
/// `E` is what a login can fail with.
#[derive(Debug)]
pub struct Sessions<E> {
    shared: Arc<Shared<E>>,
}

/// What ends a session at the backend: given the logout that its grant asked for, and what shows who asks. It is called
/// when nothing uses the session any more, from wherever that happens, so it must not wait.
pub type Parting = Arc<dyn Fn(Logout, Authorization) + Send + Sync>;

/// When sessions are renewed and failed logins tried again.
#[derive(Clone, Copy, Debug)]
pub struct SessionPolicy {
    /// How long before its end a session is renewed; at most a fifth of its life.
    pub margin: Duration,
    /// How long no login is tried after one has failed. Doubled with each further failure.
    pub backoff: Duration,
    /// What the doubling stops at.
    pub longest_backoff: Duration,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { margin: seconds(60), backoff: seconds(1), longest_backoff: seconds(30) }
    }
}

/// A session that is good as far as the host knows.
///
/// Whoever drops the last handle to it ends it at the backend, if its grant says how and it still lives.
#[derive(Debug)]
pub struct Session {
    generation: u64,
    authorization: Authorization,
    life: Option<Life>,
    /// The backend does not know it any more.
    refused: AtomicBool,
    end: Option<End>,
}

struct End {
    logout: Logout,
    parting: Parting,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Session {
    /// Which of the backend's sessions this is.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What to add to each exchange.
    #[must_use]
    pub fn authorization(&self) -> &Authorization {
        &self.authorization
    }

    fn ended(&self, now: Instant) -> bool {
        self.life.is_some_and(|life| life.ends_at <= now)
    }

    /// Whether the backend has it still, as far as the host knows.
    fn lives(&self) -> bool {
        !self.refused.load(Ordering::Relaxed) && !self.ended(Instant::now())
    }

    fn needs_renewal(&self, now: Instant) -> bool {
        self.life.is_some_and(|life| life.renew_at <= now)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.lives()
            && let Some(End { logout, parting }) = self.end.take()
        {
            parting(logout, std::mem::take(&mut self.authorization));
        }
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.logout.fmt(f)
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError<E> {
    /// The login failed, for this caller or for one shortly before.
    #[error("login failed: {error}")]
    Failed {
        /// What it failed with.
        error: Arc<E>,
        /// No login is tried before this long from now.
        retry_after: Duration,
    },
    /// The login brought a session that may not be used; the driver is at fault.
    #[error("{error}")]
    Grant {
        /// Why not.
        error: TransportError,
        /// No login is tried before this long from now.
        retry_after: Duration,
    },
    /// The login's task ended without an answer: the process is shutting down, or the login panicked.
    #[error("the login ended without an answer")]
    Abandoned,
}

struct Shared<E> {
    policy: SessionPolicy,
    stats: Arc<Stats>,
    parting: Option<Parting>,
    state: Mutex<State<E>>,
}

struct State<E> {
    current: Option<Arc<Session>>,
    /// The login that is under way; closed without a value if its task died.
    login: Option<watch::Receiver<Option<Answer<E>>>>,
    failure: Option<Failure<E>>,
    failures_in_a_row: u32,
    generation: u64,
}

type Answer<E> = Result<Arc<Session>, Failure<E>>;

struct Failure<E> {
    cause: Cause<E>,
    retry_at: Instant,
}

enum Cause<E> {
    Login(Arc<E>),
    Grant(TransportError),
}

enum Step<E> {
    Use(Arc<Session>),
    Wait(watch::Receiver<Option<Answer<E>>>),
    Fail(Failure<E>),
}

impl<E: Send + Sync + 'static> Sessions<E> {
    /// No session yet. Logins are counted in `stats`.
    #[must_use]
    pub fn new(policy: SessionPolicy, stats: Arc<Stats>) -> Self {
        Self { shared: Arc::new(Shared { policy, stats, parting: None, state: Mutex::default() }) }
    }

    /// The same, with what ends sessions at the backend.
    #[must_use]
    pub fn with_parting(policy: SessionPolicy, stats: Arc<Stats>, parting: Parting) -> Self {
        Self { shared: Arc::new(Shared { policy, stats, parting: Some(parting), state: Mutex::default() }) }
    }

    /// The session, after a login if there is none. `login` makes one login exchange; it is called at most once, in a
    /// task of its own, and must end by itself in bounded time.
    ///
    /// # Errors
    /// [`LoginError`]: the failure of this login, or of the last one while it is too early for another.
    ///
    /// # Cancel-safety
    /// Dropping the future does not stop the login that it began: others wait for it, and its session is kept.
    pub async fn get_or_login<F, L>(&self, login: F) -> Result<Arc<Session>, LoginError<E>>
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<SessionGrant, E>> + Send + 'static,
    {
        let mut login = match self.step(login) {
            Step::Use(session) => return Ok(session),
            Step::Fail(failure) => return Err(failure.into()),
            Step::Wait(login) => login,
        };
        let answer = login.wait_for(Option::is_some).await.map(|answer| answer.clone());
        match answer {
            Ok(Some(Ok(session))) => Ok(session),
            Ok(Some(Err(failure))) => Err(failure.into()),
            Ok(None) | Err(_) => Err(LoginError::Abandoned),
        }
    }

    /// The session as it is, without a login.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Session>> {
        let now = Instant::now();
        self.shared.state.lock().current.as_ref().filter(|session| !session.ended(now)).map(Arc::clone)
    }

    /// The backend did not accept this session: the next caller logs in, and nobody logs out. A newer session is left
    /// alone, so a late refusal of an old one does no harm.
    pub fn invalidate(&self, refused: &Session) {
        refused.refused.store(true, Ordering::Relaxed);
        let mut state = self.shared.state.lock();
        let gone = state.current.take_if(|session| session.generation == refused.generation);
        drop((state, gone));
    }

    /// Lets go of the session: it ends when the exchanges that use it are over. The next caller logs in.
    pub fn end(&self) {
        let gone = self.shared.state.lock().current.take();
        drop(gone);
    }

    fn step<F, L>(&self, login: F) -> Step<E>
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<SessionGrant, E>> + Send + 'static,
    {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        // It has ended by itself, so nothing comes of dropping it here.
        state.current.take_if(|session| session.ended(now));
        state.login.take_if(|login| login.has_changed().is_err());
        state.failure.take_if(|failure| failure.retry_at <= now);
        if let Some(session) = state.current.clone() {
            if session.needs_renewal(now) && state.login.is_none() && state.failure.is_none() {
                state.login = Some(self.begin(login));
            }
            return Step::Use(session);
        }
        match (&state.login, &state.failure) {
            (Some(login), _) => Step::Wait(login.clone()),
            (None, Some(failure)) => Step::Fail(failure.clone()),
            (None, None) => Step::Wait(state.login.insert(self.begin(login)).clone()),
        }
    }

    fn begin<F, L>(&self, login: F) -> watch::Receiver<Option<Answer<E>>>
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<SessionGrant, E>> + Send + 'static,
    {
        let (tell, told) = watch::channel(None);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            // The backend counts a session's life from some moment after this one, so ours ends no later than its own.
            let began = Instant::now();
            let granted = login().await;
            tell.send_replace(Some(shared.conclude(granted, began)));
        });
        told
    }
}

impl<E> Shared<E> {
    fn conclude(&self, granted: Result<SessionGrant, E>, began: Instant) -> Answer<E> {
        let session = granted.map_err(|error| Cause::Login(Arc::new(error))).and_then(|grant| {
            let life = grant.expires_in.and_then(|seconds| self.life(began, Duration::from_secs(seconds)));
            let read = || Ok((Authorization::from_grant(&grant)?, life, logout(&grant)?));
            read().map_err(Cause::Grant)
        });
        self.stats.logged_in(session.is_ok());
        let mut state = self.state.lock();
        state.login = None;
        match session {
            Ok((authorization, life, logout)) => {
                state.generation += 1;
                state.failures_in_a_row = 0;
                state.failure = None;
                let end = logout.zip(self.parting.clone()).map(|(logout, parting)| End { logout, parting });
                let refused = AtomicBool::new(false);
                let session = Arc::new(Session { generation: state.generation, authorization, life, refused, end });
                let replaced = state.current.replace(Arc::clone(&session));
                drop((state, replaced));
                Ok(session)
            }
            Err(cause) => {
                let doubled = self.policy.backoff.saturating_mul(1 << state.failures_in_a_row.min(16));
                state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
                let retry_at = Instant::now() + doubled.min(self.policy.longest_backoff);
                Err(state.failure.insert(Failure { cause, retry_at }).clone())
            }
        }
    }

    /// `None` for a life too long to be reckoned with.
    fn life(&self, began: Instant, length: Duration) -> Option<Life> {
        let ends_at = began.checked_add(length)?;
        let renew_at = ends_at.checked_sub(self.policy.margin.min(length / 5))?;
        Some(Life { renew_at, ends_at })
    }
}

/// The logout that a grant asks for, if it does.
fn logout(grant: &SessionGrant) -> Result<Option<Logout>, TransportError> {
    let asked = grant.extensions.iter().find(|(name, _)| name == SessionGrant::LOGOUT);
    let read = |(_, text): &(String, String)| {
        // The error names what is wrong, but may repeat a part of it, and there is the session's id in it.
        serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            TransportError::refused(format!(
                "the driver's session grant is refused: its logout does not fit at {place}"
            ))
        })
    };
    asked.map(read).transpose()
}

impl<E> From<Failure<E>> for LoginError<E> {
    fn from(failure: Failure<E>) -> Self {
        let retry_after = failure.retry_at.saturating_duration_since(Instant::now());
        match failure.cause {
            Cause::Login(error) => Self::Failed { error, retry_after },
            Cause::Grant(error) => Self::Grant { error, retry_after },
        }
    }
}

// Written out, because a derived `Clone` or `Default` would ask the same of `E`.
impl<E> Clone for Failure<E> {
    fn clone(&self) -> Self {
        let cause = match &self.cause {
            Cause::Login(error) => Cause::Login(Arc::clone(error)),
            Cause::Grant(error) => Cause::Grant(error.clone()),
        };
        Self { cause, retry_at: self.retry_at }
    }
}

impl<E> Default for State<E> {
    fn default() -> Self {
        Self { current: None, login: None, failure: None, failures_in_a_row: 0, generation: 0 }
    }
}

impl<E> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("policy", &self.policy).field("state", &self.state).finish_non_exhaustive()
    }
}

impl<E> fmt::Debug for State<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("current", &self.current)
            .field("logging_in", &self.login.is_some())
            .field("failures_in_a_row", &self.failures_in_a_row)
            .finish_non_exhaustive()
    }
}
