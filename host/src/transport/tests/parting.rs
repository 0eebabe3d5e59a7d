//! When a session is ended at the backend, and when it is not.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Logout, SessionGrant};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::{PATIENCE, header};
use crate::transport::{Parting, Session, SessionPolicy, Sessions, Stats};

/// Sessions whose grants name a logout, and the tokens of those that were ended.
struct Stage {
    sessions: Sessions<&'static str>,
    ended: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn set(policy: SessionPolicy) -> Self {
        let ended = Arc::<Mutex<Vec<String>>>::default();
        let book = Arc::clone(&ended);
        let parting: Parting = Arc::new(move |logout: Logout, authorization| {
            let token = authorization.headers().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
            book.lock().push(format!("{} {} as {}", logout.method, logout.target, token.collect::<String>()));
        });
        Self { sessions: Sessions::with_parting(policy, Arc::new(Stats::default()), parting), ended }
    }

    async fn login(&self, token: &str, expires_in: Option<u64>) -> Arc<Session> {
        let logout = format!(r#"{{"method": "DELETE", "target": "/sessions/{token}"}}"#);
        let grant = SessionGrant {
            headers: vec![header("X-Auth-Token", token)],
            expires_in,
            extensions: vec![("logout".to_owned(), logout)],
            ..SessionGrant::default()
        };
        timeout(PATIENCE, self.sessions.get_or_login(|| async { Ok(grant) })).await.unwrap().unwrap()
    }

    fn ended(&self) -> Vec<String> {
        self.ended.lock().clone()
    }
}

#[tokio::test]
async fn a_session_is_ended_when_its_last_user_lets_go_of_it_and_not_before() {
    let stage = Stage::set(SessionPolicy::default());
    let in_use = stage.login("a", None).await;
    stage.sessions.end();
    assert_eq!(stage.ended(), [""; 0], "an exchange uses it still");
    drop(in_use);
    assert_eq!(stage.ended(), ["DELETE /sessions/a as a"]);
}

#[tokio::test]
async fn a_session_is_ended_with_the_backend_that_had_it() {
    let stage = Stage::set(SessionPolicy::default());
    drop(stage.login("a", Some(3600)).await);
    assert_eq!(stage.ended(), [""; 0]);
    let Stage { sessions, ended } = stage;
    drop(sessions);
    assert_eq!(*ended.lock(), ["DELETE /sessions/a as a"]);
}

#[tokio::test]
async fn a_session_that_the_backend_refused_is_not_ended() {
    let stage = Stage::set(SessionPolicy::default());
    let refused = stage.login("a", None).await;
    stage.sessions.invalidate(&refused);
    drop(refused);
    drop(stage.login("b", None).await);
    stage.sessions.end();
    assert_eq!(stage.ended(), ["DELETE /sessions/b as b"]);
}

#[tokio::test]
async fn a_session_that_has_ended_by_itself_is_not_ended() {
    let stage = Stage::set(SessionPolicy::default());
    drop(stage.login("a", Some(0)).await);
    stage.sessions.end();
    assert_eq!(stage.ended(), [""; 0]);
}

#[tokio::test]
async fn a_renewal_ends_the_session_that_it_replaces() {
    let stage = Stage::set(SessionPolicy { margin: PATIENCE, ..SessionPolicy::default() });
    drop(stage.login("a", Some(5)).await);
    let renewed = async {
        while stage.login("b", Some(5)).await.generation() == 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, renewed).await.unwrap();
    assert_eq!(stage.ended(), ["DELETE /sessions/a as a"]);
}

#[tokio::test]
async fn a_logout_that_is_none_is_refused_without_a_word_of_it() {
    let stage = Stage::set(SessionPolicy::default());
    for logout in ["", "{}", r#"{"method": "DELETE", "target": "/s3cret", "s3cret": 1}"#, r#"{"method": "s3cret"}"#] {
        let extensions = vec![("logout".to_owned(), logout.to_owned())];
        let grant = SessionGrant { extensions, ..SessionGrant::default() };
        let error = stage.sessions.get_or_login(|| async { Ok(grant) }).await.unwrap_err().to_string();
        assert!(error.contains("logout") && !error.contains("s3cret"), "{error}");
    }
}
