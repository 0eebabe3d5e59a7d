//! One session a backend, one login at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crosspoint_contract::SessionGrant;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{PATIENCE, header};
use crate::transport::{LoginError, Session, SessionPolicy, Sessions, Stats};

/// A backend that counts logins.
#[derive(Clone, Default)]
struct Backend {
    logins: Arc<AtomicUsize>,
    expires_in: Option<u64>,
}

impl Backend {
    fn count(&self) -> usize {
        self.logins.load(SeqCst)
    }

    async fn login(self) -> Result<SessionGrant, &'static str> {
        let number = self.logins.fetch_add(1, SeqCst) + 1;
        tokio::task::yield_now().await;
        let headers = vec![header("X-Auth-Token", &format!("token-{number}"))];
        Ok(SessionGrant { headers, expires_in: self.expires_in, ..SessionGrant::default() })
    }

    async fn refuse(self) -> Result<SessionGrant, &'static str> {
        self.logins.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        Err("wrong password")
    }

    async fn session(&self, sessions: &Sessions<&'static str>) -> Result<Arc<Session>, LoginError<&'static str>> {
        let backend = self.clone();
        timeout(PATIENCE, sessions.get_or_login(|| backend.login())).await.unwrap()
    }
}

fn sessions(policy: SessionPolicy) -> (Sessions<&'static str>, Arc<Stats>) {
    let stats = Arc::new(Stats::default());
    (Sessions::new(policy, Arc::clone(&stats)), stats)
}

fn token(session: &Session) -> String {
    let values = session.authorization().headers().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    values.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_at_once_make_one_login() {
    let (sessions, stats) = sessions(SessionPolicy::default());
    let (sessions, backend) = (Arc::new(sessions), Backend::default());
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (sessions, backend) = (Arc::clone(&sessions), backend.clone());
            tokio::spawn(async move { token(&backend.session(&sessions).await.unwrap()) })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "token-1");
    }
    assert_eq!((backend.count(), stats.snapshot().logins), (1, 1));
}

#[tokio::test]
async fn a_late_refusal_of_an_old_session_does_not_end_a_newer_one() {
    let (sessions, _) = sessions(SessionPolicy::default());
    let backend = Backend::default();
    let old = backend.session(&sessions).await.unwrap();
    sessions.invalidate(&old);
    let new = backend.session(&sessions).await.unwrap();
    assert_eq!(token(&new), "token-2");
    sessions.invalidate(&old);
    assert_eq!(token(&backend.session(&sessions).await.unwrap()), "token-2");
    sessions.invalidate(&new);
    assert_eq!(token(&backend.session(&sessions).await.unwrap()), "token-3");
}

#[tokio::test]
async fn a_failed_login_is_shared_and_not_hammered() {
    let policy = SessionPolicy { backoff: PATIENCE, longest_backoff: 2 * PATIENCE, ..SessionPolicy::default() };
    let (sessions, stats) = sessions(policy);
    let (sessions, backend) = (Arc::new(sessions), Backend::default());
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (sessions, backend) = (Arc::clone(&sessions), backend.clone());
            tokio::spawn(async move { sessions.get_or_login(|| backend.refuse()).await })
        })
        .collect();
    for caller in callers {
        match caller.await.unwrap().unwrap_err() {
            LoginError::Failed { error, retry_after } => {
                assert_eq!(*error, "wrong password");
                assert!(retry_after > Duration::ZERO && retry_after <= PATIENCE, "{retry_after:?}");
            }
            other => panic!("{other}"),
        }
    }
    assert!(backend.session(&sessions).await.is_err(), "it is too early to try again");
    assert_eq!((backend.count(), stats.snapshot().logins_failed), (1, 1));
}

#[tokio::test]
async fn after_the_wait_a_login_is_tried_again() {
    let policy = SessionPolicy { backoff: Duration::from_millis(1), ..SessionPolicy::default() };
    let (sessions, _) = sessions(policy);
    let backend = Backend::default();
    let refused = backend.clone();
    let error = sessions.get_or_login(|| refused.refuse()).await.unwrap_err();
    assert!(matches!(error, LoginError::Failed { .. }), "{error}");
    let recovered = async {
        loop {
            match backend.session(&sessions).await {
                Ok(session) => break session,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    assert_eq!(token(&timeout(PATIENCE, recovered).await.unwrap()), "token-2");
}

#[tokio::test]
async fn a_session_about_to_end_is_renewed_once_while_it_still_serves() {
    let (sessions, stats) = sessions(SessionPolicy { margin: PATIENCE, ..SessionPolicy::default() });
    // A margin is at most a fifth of a session's life: it is renewed when four of its five seconds are over.
    let backend = Backend { expires_in: Some(5), ..Backend::default() };
    let mut seen = vec![token(&backend.session(&sessions).await.unwrap())];
    let renewed = async {
        while backend.count() == 1 || seen.last().unwrap() == "token-1" {
            seen.push(token(&backend.session(&sessions).await.unwrap()));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, renewed).await.unwrap();
    seen.dedup();
    assert_eq!(seen, ["token-1", "token-2"]);
    assert_eq!(stats.snapshot().logins, 2);
}

#[tokio::test]
async fn an_ended_session_is_not_used() {
    let (sessions, _) = sessions(SessionPolicy::default());
    let backend = Backend { expires_in: Some(0), ..Backend::default() };
    assert_eq!(token(&backend.session(&sessions).await.unwrap()), "token-1");
    assert_eq!(token(&backend.session(&sessions).await.unwrap()), "token-2");
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_stop_the_login_it_began() {
    let (sessions, _) = sessions(SessionPolicy::default());
    let (backend, go) = (Backend::default(), Arc::new(Notify::new()));
    let (slow, wait) = (backend.clone(), Arc::clone(&go));
    {
        let mut leaving = std::pin::pin!(sessions.get_or_login(move || async move {
            wait.notified().await;
            slow.login().await
        }));
        assert!(timeout(Duration::ZERO, &mut leaving).await.is_err());
    }
    go.notify_one();
    assert_eq!(token(&backend.session(&sessions).await.unwrap()), "token-1");
    assert_eq!(backend.count(), 1);
}

#[tokio::test]
async fn a_login_that_panics_fails_its_callers_and_no_more() {
    let (sessions, _) = sessions(SessionPolicy::default());
    let error = sessions.get_or_login(|| async { panic!("a bug in a login") }).await.unwrap_err();
    assert!(matches!(error, LoginError::Abandoned), "{error}");
    assert_eq!(token(&Backend::default().session(&sessions).await.unwrap()), "token-1");
}

#[tokio::test]
async fn a_grant_that_touches_the_connection_is_refused() {
    let (sessions, stats) = sessions(SessionPolicy::default());
    let grant = SessionGrant { headers: vec![header("Host", "evil.example")], ..SessionGrant::default() };
    let error = sessions.get_or_login(|| async { Ok(grant) }).await.unwrap_err();
    assert!(matches!(error, LoginError::Grant { .. }), "{error}");
    assert_eq!(stats.snapshot().logins_failed, 1);
}
