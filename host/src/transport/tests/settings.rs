//! Every fault of the settings is found, and named by where it is.

use std::time::Duration;

use super::{http, settings};
use crate::transport::{HttpVersion, Settings, SettingsError, Tls, Transport};

fn faults(settings: &Settings) -> Vec<String> {
    let error: SettingsError = Transport::new(&http(), settings).unwrap_err();
    error.violations.into_iter().map(|violation| violation.pointer).collect()
}

#[tokio::test]
async fn every_fault_is_named_by_its_place() {
    let endpoints = [("identity", "https://user:s3cret@host"), ("a/b~c", "ftp://host")];
    let all = Settings {
        endpoints: endpoints.map(|(role, address)| (role.to_owned(), address.to_owned())).into(),
        connect_timeout: Duration::ZERO,
        reply_timeout: Some(Duration::from_hours(25)),
        reply_size: Some(0),
        tls: Tls { ca_pem: Some("none".to_owned()), ..Tls::default() },
        ..Settings::default()
    };
    let error = Transport::new(&http(), &all).unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert_eq!(
        faults(&all),
        [
            "/endpoints/default",
            "/endpoints/a~1b~0c",
            "/connect_timeout",
            "/reply_timeout",
            "/reply_size",
            "/endpoints/a~1b~0c",
            "/endpoints/identity",
            "/tls/ca_pem",
        ]
    );
}

#[tokio::test]
async fn certificate_and_key_belong_together() {
    let with = |tls| Settings { tls, ..settings("http://host") };
    let pem = || Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned());
    let certificate = Tls { client_certificate_pem: pem(), ..Tls::default() };
    assert_eq!(faults(&with(certificate.clone())), ["/tls/client_key"]);
    assert_eq!(faults(&with(Tls { client_key: Some("x".into()), ..Tls::default() })), ["/tls/client_certificate_pem"]);
    assert_eq!(faults(&with(Tls { client_key: Some("x".into()), ..certificate })), ["/tls/client_key"]);
    assert_eq!(faults(&with(Tls { ca_pem: pem(), ..Tls::default() })), ["/tls/ca_pem"]);
    assert_eq!(faults(&with(Tls { server_name: Some("a b".to_owned()), ..Tls::default() })), ["/tls/server_name"]);
}

#[test]
fn settings_are_read_from_json_and_do_not_show_their_key() {
    let settings: Settings = serde_json::from_value(serde_json::json!({
        "endpoints": {"default": "https://host/v2.0"},
        "tls": {"client_certificate_pem": "pem", "client_key": "s3cret"},
        "http_version": "http11",
        "connect_timeout": "500ms",
    }))
    .unwrap();
    assert_eq!(settings.connect_timeout, Duration::from_millis(500));
    assert_eq!(settings.http_version, HttpVersion::Http11);
    assert!(!format!("{settings:?}").contains("s3cret"));
    assert!(serde_json::from_value::<Settings>(serde_json::json!({"endpoint": {}})).is_err());
}
