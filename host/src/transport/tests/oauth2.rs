//! Tokens: what the token endpoint sees, and what becomes of what it says.

use tokio::time::Instant;

use super::backend::Scripted;
use super::{PATIENCE, http, settings};
use crate::sent::Sent;
use crate::transport::{
    Authorization, ClientAuthentication, ErrorKind, OAuth2, Secrets, Settings, SettingsError, TokenEndpoint, TokenError,
};
use crosspoint_contract::{AuthScheme, Description, SessionGrant};

const SECRET: &str = "s3cret & ü";

fn description() -> Description {
    Description { authentication: vec![AuthScheme::OAuth2ClientCredentials], ..http() }
}

fn at(address: &str) -> Settings {
    let mut settings = settings("http://host");
    settings.endpoints.insert("token".to_owned(), address.to_owned());
    settings
}

fn secrets(names: &[&str]) -> Secrets {
    let value = |name: &str| if name == "client_id" { "my client" } else { SECRET };
    names.iter().map(|name| ((*name).to_owned(), value(name).into())).collect()
}

fn endpoint(address: &str, options: OAuth2) -> Result<TokenEndpoint, SettingsError> {
    let secrets = secrets(&["client_id", "client_secret"]);
    TokenEndpoint::new(&description(), &at(address), &secrets, options, std::sync::Arc::default())
}

/// What the token endpoint gets, and what is made of its answer.
async fn asked(path: &str, options: OAuth2, answer: &'static str) -> (String, Result<SessionGrant, TokenError>) {
    let backend = Scripted::start(move |mut line| async move {
        line.read().await;
        line.write(answer).await;
    })
    .await;
    let endpoint = endpoint(&format!("{}{path}", backend.url()), options).unwrap();
    let granted = endpoint.token(Some(Instant::now() + PATIENCE)).await;
    assert!(!format!("{endpoint:?}").contains("s3cret"));
    assert_eq!(backend.log.requests(), 1);
    (backend.log.text().replace(&backend.address.to_string(), "HOST"), granted)
}

async fn answered(answer: &'static str) -> Result<SessionGrant, TokenError> {
    asked("/token", OAuth2::default(), answer).await.1
}

/// An HTTP answer with this body, which lives as long as the process.
fn json(status: &str, body: &str) -> &'static str {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").leak()
}

#[tokio::test]
async fn a_token_is_asked_for_with_basic_authentication_at_the_very_address() {
    let granted =
        json("200 OK", r#"{"access_token": "t0ken", "token_type": "bearer", "expires_in": 300, "scope": "x"}"#);
    let options =
        OAuth2 { scope: Some("a:read b/c".to_owned()), audience: Some("urn:x".to_owned()), ..OAuth2::default() };
    let (text, granted) = asked("/oauth2/token/", options, granted).await;
    // The credentials are `my%20client:s3cret%20%26%20%C3%BC`, each part encoded before they are joined.
    assert_eq!(
        text,
        "POST /oauth2/token/ HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n\
         authorization: Basic bXklMjBjbGllbnQ6czNjcmV0JTIwJTI2JTIwJUMzJUJD\r\nhost: HOST\r\ncontent-length: 69\r\n\r\n\
         grant_type=client_credentials&scope=a%3Aread%20b%2Fc&audience=urn%3Ax"
    );
    let granted = granted.unwrap();
    assert_eq!(granted.expires_in, Some(300));
    let authorization = Authorization::from_grant(&granted).unwrap();
    let headers: Vec<_> = authorization.headers().map(|(name, value)| (name.as_str(), value.to_vec())).collect();
    assert_eq!(headers, [("authorization", b"Bearer t0ken".to_vec())]);
}

#[tokio::test]
async fn a_client_may_show_who_it_is_in_the_body() {
    let granted = json("200 OK", r#"{"access_token": "t", "token_type": "Bearer"}"#);
    let options = OAuth2 { client_authentication: ClientAuthentication::Body, ..OAuth2::default() };
    let (text, granted) = asked("", options, granted).await;
    assert!(text.starts_with("POST / HTTP/1.1\r\n") && !text.contains("authorization"), "{text}");
    let body = "grant_type=client_credentials&client_id=my%20client&client_secret=s3cret%20%26%20%C3%BC";
    assert!(text.ends_with(body), "{text}");
    assert_eq!(granted.unwrap().expires_in, None);
}

#[tokio::test]
async fn an_expiry_is_read_however_it_is_written() {
    for (written, seconds) in
        [("3599", Some(3599)), ("\"3599\"", Some(3599)), ("3599.5", Some(3599)), ("\"soon\"", None), ("-1", None)]
    {
        let body = format!(r#"{{"access_token": "t", "token_type": "Bearer", "expires_in": {written}}}"#);
        assert_eq!(answered(json("200 OK", &body)).await.unwrap().expires_in, seconds, "{written}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_and_on_one_line() {
    let body = r#"{"error": "invalid_client", "error_description": "client\r\nauthentication failed"}"#;
    let error = answered(json("401 Unauthorized", body)).await.unwrap_err();
    assert_eq!(error.to_string(), "the token endpoint refused: invalid_client (client  authentication failed)");
    let error = answered(json("400 Bad Request", r#"{"error": "invalid_scope"}"#)).await.unwrap_err();
    assert_eq!(error.to_string(), "the token endpoint refused: invalid_scope");
    let error = answered(json("503 Service Unavailable", "<html>")).await.unwrap_err();
    assert_eq!(error.to_string(), "the token endpoint refused: status 503");
}

#[tokio::test]
async fn what_is_no_token_is_not_used_and_not_repeated() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"access_token": "s3cret"}"#,
        r#"{"access_token": "", "token_type": "Bearer"}"#,
        r#"{"access_token": {"a": "s3cret"}, "token_type": "Bearer"}"#,
        r#"{"access_token": "s3cret", "token_type": "mac"}"#,
    ] {
        let error = answered(json("200 OK", body)).await.unwrap_err();
        assert!(matches!(error, TokenError::Malformed(_)) && !error.to_string().contains("s3cret"), "{body}: {error}");
    }
    let redirect = answered("HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(redirect, Err(TokenError::Refused { status: 302, .. })), "{redirect:?}");
}

#[tokio::test]
async fn a_lost_answer_is_a_failure_of_the_way() {
    let error = answered("").await.unwrap_err();
    let TokenError::Transport(error) = error else { panic!("{error}") };
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe));
}

#[tokio::test]
async fn what_is_missing_is_named_by_its_place() {
    let fault = |settings: &Settings, names: &[&str]| {
        let (description, secrets) = (description(), secrets(names));
        let made = TokenEndpoint::new(&description, settings, &secrets, OAuth2::default(), std::sync::Arc::default());
        made.unwrap_err().violations.into_iter().map(|violation| violation.pointer).collect::<Vec<_>>()
    };
    assert_eq!(
        fault(&settings("http://host"), &[]),
        ["/secrets/client_id", "/secrets/client_secret", "/endpoints/token"]
    );
    assert_eq!(fault(&at("ftp://host"), &["client_id", "client_secret"]), ["/endpoints/token"]);
    assert_eq!(fault(&at("http://user:s3cret@host/token"), &["client_id", "client_secret"]), ["/endpoints/token"]);
}

#[tokio::test]
async fn the_role_belongs_to_the_scheme() {
    let with = |description: &Description| crate::transport::Transport::new(description, &at("http://host/token"));
    assert!(with(&description()).is_ok());
    assert_eq!(with(&http()).unwrap_err().violations[0].pointer, "/endpoints/token");
}
