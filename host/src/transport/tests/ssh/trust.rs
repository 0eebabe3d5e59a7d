//! Whom the transport believes, and who it says it is.

use crosspoint_contract::{AuthScheme, CommandTransport, Correlation, Request};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, key};

use super::server::{Manners, Server, random_key};
use super::*;
use crate::sent::Sent;
use crate::transport::{ErrorKind, Transport};

async fn echo(manners: Manners) -> Server {
    Server::start(manners, |served| async move {
        served.write(served.asked.clone()).await;
        served.exit(0).await;
    })
    .await
}

fn exec() -> Description {
    command(CommandTransport::SshExec, None)
}

async fn run_as(settings: &Settings, secrets: &Secrets) -> Result<CommandReply, TransportError> {
    let transport = SshTransport::new(&exec(), settings).unwrap();
    let authorization = Authorization::for_ssh(&AuthScheme::Basic, secrets).unwrap();
    match transport.exchange(&exchange(Request::Command("uptime".into())), &authorization, None).await? {
        Reply::Command(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

fn by_password() -> Secrets {
    secrets(&[("username", "admin"), ("password", PASSWORD)])
}

#[tokio::test]
async fn a_backend_is_known_by_its_key_or_by_its_fingerprint() {
    let curve = EcdsaCurve::NistP256;
    for sort in [Algorithm::Ed25519, Algorithm::Ecdsa { curve }, Algorithm::Rsa { hash: None }] {
        let server = echo(Manners { host_key: Some(sort.clone()), ..Manners::default() }).await;
        for known in [server.public_key(), server.fingerprint()] {
            let settings = Settings { ssh: Ssh { host_keys: vec![known] }, ..settings(&server) };
            let reply = run_as(&settings, &by_password()).await.unwrap();
            assert_eq!(reply.output.as_ref(), b"exec:uptime", "{sort}");
        }
    }
}

#[tokio::test]
async fn a_backend_that_shows_another_key_is_told_nothing_and_the_operator_what_was_shown() {
    let (server, other) = (echo(Manners::default()).await, echo(Manners::default()).await);
    for known in [other.public_key(), other.fingerprint()] {
        let settings = Settings { ssh: Ssh { host_keys: vec![known] }, ..settings(&server) };
        let error = run_as(&settings, &by_password()).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
        assert!(error.message.contains(&server.fingerprint()), "{error}");
    }
    assert_eq!(server.seen().logins, 0);
}

#[tokio::test]
async fn without_a_host_key_there_is_no_transport() {
    let server = echo(Manners::default()).await;
    let settings = Settings { ssh: Ssh::default(), ..settings(&server) };
    let error = Transport::new(&netconf(Correlation::InOrder), &settings).unwrap_err();
    assert_eq!(error.violations.len(), 1);
    assert_eq!(error.violations[0].pointer, "/ssh/host_keys");
    assert!(error.violations[0].message.contains("ssh-keyscan"), "{error}");
}

#[tokio::test]
async fn a_private_key_is_used_by_who_has_one_even_beside_a_password() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Rsa { hash: None }] {
        let own = random_key(algorithm);
        let server = echo(Manners { user_key: Some(own.public_key().clone()), ..Manners::default() }).await;
        let plain = own.to_openssh(LineEnding::LF).unwrap();
        let locked = own.encrypt(&mut key::safe_rng(), "open sesame").unwrap().to_openssh(LineEnding::LF).unwrap();
        let cases = [
            vec![("username", "admin"), ("private_key", plain.as_str())],
            vec![("username", "admin"), ("private_key", plain.as_str()), ("password", "wrong")],
            vec![("username", "admin"), ("private_key", locked.as_str()), ("passphrase", "open sesame")],
        ];
        for case in cases {
            assert_eq!(run_as(&settings(&server), &secrets(&case)).await.unwrap().status, Some(0));
        }
        // One attempt each: devices count them.
        assert_eq!(server.seen().logins, 3);
    }
}

#[tokio::test]
async fn a_password_may_be_the_answer_to_a_question() {
    let server = echo(Manners { asks: true, ..Manners::default() }).await;
    assert_eq!(run_as(&settings(&server), &by_password()).await.unwrap().status, Some(0));
    let wrong = secrets(&[("username", "admin"), ("password", "wrong-horse")]);
    let error = run_as(&settings(&server), &wrong).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Unauthenticated, Sent::No), "{error}");
}

#[tokio::test]
async fn a_refused_login_says_so_without_the_secret_and_is_not_repeated_at_once() {
    let server = echo(Manners::default()).await;
    let transport = transport(&exec(), &server);
    let wrong = secrets(&[("username", "admin"), ("password", "wrong-horse")]);
    let wrong = Authorization::for_ssh(&AuthScheme::Basic, &wrong).unwrap();
    assert!(!format!("{wrong:?} {transport:?}").contains("wrong-horse"));
    for _ in 0..5 {
        let exchange = exchange(Request::Command("uptime".into()));
        let error = transport.exchange(&exchange, &wrong, None).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Unauthenticated, Sent::No), "{error}");
        assert!(error.message.contains("password") && !error.message.contains("wrong-horse"), "{error}");
    }
    assert_eq!((server.seen().logins, server.seen().channels), (1, 0));
    assert_eq!(transport.stats().snapshot().logins_failed, 1);
}

#[tokio::test]
async fn an_unusable_secret_is_found_when_the_backend_is_configured() {
    let own = random_key(Algorithm::Ed25519);
    let locked = own.encrypt(&mut key::safe_rng(), "open sesame").unwrap().to_openssh(LineEnding::LF).unwrap();
    let cases = [
        (vec![("password", "x")], "/secrets/username"),
        (vec![("username", "admin")], "/secrets/password"),
        (vec![("username", "admin"), ("private_key", "no key")], "/secrets/private_key"),
        (vec![("username", "admin"), ("private_key", locked.as_str())], "/secrets/passphrase"),
        (vec![("username", "admin"), ("private_key", locked.as_str()), ("passphrase", "x")], "/secrets/private_key"),
    ];
    for (case, place) in cases {
        let error = Authorization::for_ssh(&AuthScheme::Basic, &secrets(&case)).unwrap_err();
        assert_eq!(error.violations[0].pointer, place);
    }
    let error = Authorization::for_ssh(&AuthScheme::Bearer, &secrets(&[("token", "x")])).unwrap_err();
    assert_eq!(error.violations[0].pointer, "/authentication");
}

#[tokio::test]
async fn what_does_not_speak_ssh_is_said_not_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-1.5-ancient\r\n").await;
        }
    });
    let settings = Settings {
        ssh: Ssh { host_keys: vec![FINGERPRINT.to_owned()] },
        ..super::super::settings(format!("ssh://{address}"))
    };
    let error = run_as(&settings, &by_password()).await.unwrap_err();
    assert_eq!(error.sent, Sent::No, "{error}");
    assert!(matches!(error.kind, ErrorKind::Protocol | ErrorKind::Connect), "{error}");
}

const FINGERPRINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn a_backend_that_says_nothing_is_given_up_in_time_and_was_sent_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = Settings {
        ssh: Ssh { host_keys: vec![FINGERPRINT.to_owned()] },
        connect_timeout: Duration::from_millis(100),
        ..super::super::settings(format!("ssh://{address}"))
    };
    let error = run_as(&settings, &by_password()).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ConnectTimeout, Sent::No), "{error}");
    drop(listener);
    let settings = Settings { connect_timeout: PATIENCE, ..settings };
    let error = run_as(&settings, &by_password()).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No), "{error}");
}
