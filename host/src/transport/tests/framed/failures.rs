//! Settings and connections that come to nothing.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::super::tls::{Authority, BOTH, server, trusting};
use super::super::{http, settings};
use super::peer::Backend;
use super::{bytes, json, lines, send, transport};
use crate::sent::Sent;
use crate::transport::{Authorization, ErrorKind, Settings, Tls, Transport};

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for protocol in [lines(), json()] {
        let transport = transport(protocol, &settings(format!("tcp://{address}")));
        for count in 1..=2 {
            let error = send(&transport, "{\"id\":1}").await.unwrap_err();
            assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No), "{error}");
            let stats = transport.stats().snapshot();
            assert_eq!((stats.connects_failed, stats.failed), (count, [(ErrorKind::Connect, count)].into()));
        }
    }
}

#[tokio::test]
async fn another_authority_is_refused_before_anything_is_sent() {
    let stranger = Authority::new("theirs");
    let config = server(&stranger, "localhost", None, BOTH, &[]);
    let backend = Backend::start_behind(Some(config), |peer| async move { drop(peer.hold().await) }).await;
    let address = format!("tls://localhost:{}", backend.address.port());
    let settings = Settings { tls: trusting(&Authority::new("ours")), ..settings(address) };
    let error = send(&transport(lines(), &settings), "a").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
}

#[tokio::test]
async fn after_the_callers_deadline_nothing_is_sent() {
    let backend = Backend::start(|peer| async move { drop(peer.hold().await) }).await;
    let transport = transport(lines(), &settings(backend.url()));
    let exchange = super::exchange(crosspoint_contract::Request::Message(bytes("a")));
    let none = Authorization::none();
    let error = transport.exchange_within(&exchange, &none, Some(Instant::now())).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::No), "{error}");
    let soon = Some(Instant::now() + Duration::from_millis(100));
    let error = transport.exchange_within(&exchange, &none, soon).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[test]
fn every_fault_of_the_settings_is_found_at_once() {
    let mut wrong = settings("http://127.0.0.1:80");
    wrong.endpoints.insert("identity".to_owned(), "tcp://169.254.169.254:80".to_owned());
    wrong.endpoints.insert("nobody".to_owned(), "tcp://127.0.0.1".to_owned());
    let error = Transport::new(&super::describe(crosspoint_contract::Protocol::Message(lines())), &wrong).unwrap_err();
    let pointers: Vec<_> = error.violations.iter().map(|violation| violation.pointer.as_str()).collect();
    assert_eq!(pointers, ["/endpoints/nobody", "/endpoints/default", "/endpoints/identity", "/endpoints/nobody"]);
    assert!(error.to_string().contains("`tcp://` or `tls://`"), "{error}");
    let unnamed =
        Settings { tls: Tls { server_name: Some("*".to_owned()), ..Tls::default() }, ..settings("tls://a:1") };
    assert!(Transport::new(&super::describe(crosspoint_contract::Protocol::Message(lines())), &unnamed).is_err());
}

#[tokio::test]
async fn what_the_protocol_has_no_place_for_is_said() {
    let transport = transport(lines(), &settings("tcp://127.0.0.1:1"));
    let grant = crosspoint_contract::SessionGrant {
        query: vec![("key".to_owned(), "value".to_owned())],
        ..crosspoint_contract::SessionGrant::default()
    };
    let authorization = Authorization::from_grant(&grant).unwrap();
    let exchange = super::exchange(crosspoint_contract::Request::Message(bytes("a")));
    for outcome in [
        transport.exchange(&exchange, &authorization).await.map(drop),
        transport.render(&exchange, &authorization).map(drop),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Settings, Sent::No), "{error}");
    }
    let elsewhere = crosspoint_contract::Exchange { endpoint: "identity".to_owned(), ..exchange };
    let error = transport.exchange(&elsewhere, &Authorization::none()).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Settings, Sent::No), "{error}");
    assert!(Transport::new(&http(), &settings("tcp://127.0.0.1:1")).is_err());
}
