//! What each scheme adds to an exchange.

use crosspoint_contract::{ApiKey, AuthScheme, Login, SessionGrant};

use super::{header, settings};
use crate::transport::{Authorization, Secrets, SettingsError, Tls};

fn fixed(scheme: &AuthScheme, secrets: &[(&str, &str)]) -> Result<Option<Authorization>, SettingsError> {
    let secrets: Secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    Authorization::from_secrets(scheme, &secrets, &settings("http://host"))
}

fn added(scheme: &AuthScheme, secrets: &[(&str, &str)]) -> String {
    let authorization = fixed(scheme, secrets).unwrap().unwrap();
    assert!(!format!("{authorization:?}").contains("s3cret"));
    let headers = authorization.headers().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
    let query = authorization.query().map(|(name, value)| format!("?{name}={value}"));
    headers.chain(query).collect()
}

fn fault(scheme: &AuthScheme, secrets: &[(&str, &str)]) -> String {
    fixed(scheme, secrets).unwrap_err().violations.remove(0).pointer
}

#[test]
fn each_scheme_adds_its_own() {
    assert_eq!(added(&AuthScheme::None, &[]), "");
    let basic = [("username", "Aladdin"), ("password", "open:sesame")];
    assert_eq!(added(&AuthScheme::Basic, &basic), "authorization: Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==");
    assert_eq!(added(&AuthScheme::Bearer, &[("token", "s3cret")]), "authorization: Bearer s3cret");
    let header = AuthScheme::ApiKey(ApiKey::Header("X-PAN-KEY".to_owned()));
    assert_eq!(added(&header, &[("key", "s3cret")]), "x-pan-key: s3cret");
    let query = AuthScheme::ApiKey(ApiKey::Query("access_token".to_owned()));
    assert_eq!(added(&query, &[("key", "s3cret")]), "?access_token=s3cret");
    assert!(fixed(&AuthScheme::Login(Login::default()), &[]).unwrap().is_none());
    assert!(fixed(&AuthScheme::OAuth2ClientCredentials, &[]).unwrap().is_none(), "it has sessions");
}

#[test]
fn what_cannot_work_is_named_by_its_place() {
    assert_eq!(fault(&AuthScheme::Basic, &[("username", "a")]), "/secrets/password");
    assert_eq!(fault(&AuthScheme::Basic, &[("username", "a:b"), ("password", "")]), "/secrets/username");
    assert_eq!(fault(&AuthScheme::Bearer, &[]), "/secrets/token");
    assert_eq!(fault(&AuthScheme::Bearer, &[("token", "a\r\nb: c")]), "/secrets/token");
    assert_eq!(fault(&AuthScheme::ApiKey(ApiKey::Header("Host".to_owned())), &[("key", "a")]), "/authentication");
}

#[test]
fn mutual_tls_needs_a_certificate_and_https() {
    let mutual = |settings| Authorization::from_secrets(&AuthScheme::MutualTls, &Secrets::new(), &settings);
    let fault = |settings| mutual(settings).unwrap_err().violations.remove(0).pointer;
    let tls = Tls { client_certificate_pem: Some("pem".to_owned()), ..Tls::default() };
    assert_eq!(fault(settings("https://host")), "/tls/client_certificate_pem");
    assert_eq!(fault(super::Settings { tls: tls.clone(), ..settings("http://host") }), "/endpoints/default");
    assert!(mutual(super::Settings { tls, ..settings("https://host") }).is_ok());
}

#[test]
fn a_grants_values_are_checked_and_not_shown() {
    let grant = |name: &str, value: &str| {
        Authorization::from_grant(&SessionGrant { headers: vec![header(name, value)], ..SessionGrant::default() })
    };
    assert!(!format!("{:?}", grant("Cookie", "session=s3cret").unwrap()).contains("s3cret"));
    for (name, value) in [("Content-Length", "1"), ("a b", "1"), ("Cookie", "s3cret\r\nx: y")] {
        let error = grant(name, value).unwrap_err();
        assert!(!error.message.contains("s3cret"), "{error}");
    }
}
