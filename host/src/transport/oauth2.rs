//! OAuth 2.0 client credentials (RFC 6749, section 4.4): the host asks for a token by itself, and no driver is involved.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_contract::{Description, Header, SessionGrant};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::http::carrier::{Carried, Carrier};
use super::settings::pointer;
use super::{ErrorKind, HttpVersion, Secrets, Settings, SettingsError, Stats, Tls, TransportError};
use crate::sent::Sent;

/// The endpoint role whose address is the token endpoint's. It belongs to the scheme, so that no driver can send to it.
pub(super) const ROLE: &str = "token";

/// The largest reply of a token endpoint, in bytes.
const REPLY_BYTES: u32 = 256 * 1024;
/// The longest error code or description that is repeated, in characters.
const QUOTED: usize = 200;

/// What `application/x-www-form-urlencoded` leaves as it is; blanks become `%20`, which every reader of forms takes.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// What a token is asked for with, besides who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth2 {
    /// The scopes to ask for, separated by blanks; the server's default if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whom the token is for, at servers that want to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// How the client shows who it is.
    #[serde(skip_serializing_if = "ClientAuthentication::is_default")]
    pub client_authentication: ClientAuthentication,
}

/// How a client shows a token endpoint who it is (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// HTTP basic authentication, which every server must take.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the request's body.
    Body,
}

impl ClientAuthentication {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why there is no token. No message holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint was not reached, or its answer was lost.
    #[error("{0}")]
    Transport(TransportError),
    /// The server refused: one of the codes of RFC 6749, section 5.2, and what it says about it.
    #[error("the token endpoint refused: {code}{description}")]
    Refused {
        /// The status.
        status: u16,
        /// `invalid_client` for instance; the status where the server gave none.
        code: String,
        /// Empty, or a text in parentheses.
        description: String,
    },
    /// What came is no token.
    #[error("the token endpoint's answer is no token: {0}")]
    Malformed(String),
}

/// The token endpoint of one backend.
pub struct TokenEndpoint {
    carrier: Carrier,
    id: SecretString,
    secret: SecretString,
    options: OAuth2,
}

impl TokenEndpoint {
    /// Takes the address of role `token` and the secrets `client_id` and `client_secret`; opens no connection. What is done
    /// is counted in `stats`.
    ///
    /// # Errors
    /// What is missing or wrong, with a JSON Pointer.
    pub fn new(
        description: &Description,
        settings: &Settings,
        secrets: &Secrets,
        options: OAuth2,
        stats: Arc<Stats>,
    ) -> Result<Self, SettingsError> {
        let mut errors = SettingsError::default();
        let mut secret = |name: &str| {
            let found = secrets.get(name).filter(|secret| !secret.expose_secret().is_empty());
            if found.is_none() {
                errors.add(pointer("secrets", name), "scheme oauth2-client-credentials needs it");
            }
            found.cloned().unwrap_or_default()
        };
        let (id, secret) = (secret("client_id"), secret("client_secret"));
        let Some(address) = settings.endpoints.get(ROLE) else {
            errors.add(pointer("endpoints", ROLE), "is required: the full address of the token endpoint");
            return Err(errors);
        };
        if !errors.violations.is_empty() {
            return Err(errors);
        }
        // Another server than the backend, with a version of HTTP, a role and a name of its own.
        let settings = Settings {
            tls: Tls { server_name: None, ..settings.tls.clone() },
            endpoints: BTreeMap::from([(ROLE.to_owned(), address.clone())]),
            http_version: HttpVersion::Auto,
            reply_size: Some(REPLY_BYTES),
            ..settings.clone()
        };
        let description = Description { endpoints: Vec::new(), ..description.clone() };
        Ok(Self { carrier: Carrier::new(&description, &settings, stats)?, id, secret, options })
    }

    /// Asks for a token: one exchange. What it grants is an `Authorization` header.
    ///
    /// # Errors
    /// [`TokenError`].
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up; a token that was granted is not used.
    pub async fn token(&self, deadline: Option<Instant>) -> Result<SessionGrant, TokenError> {
        let request = self.request().map_err(TokenError::Transport)?;
        let carried = self.carrier.carry(request, deadline).await;
        self.carrier.stats().ended(&carried);
        understand(&carried.map_err(TokenError::Transport)?).map_err(|error| match error {
            TokenError::Refused { status, code, description } => {
                TokenError::Refused { status, code: self.discreet(&code), description: self.discreet(&description) }
            }
            other => other,
        })
    }

    /// The same text without the secret, in whatever form it was sent: some servers repeat what they do not understand.
    fn discreet(&self, text: &str) -> String {
        let secret = self.secret.expose_secret();
        [secret, &encode(secret)].iter().fold(text.to_owned(), |text, form| text.replace(form, "***"))
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, TransportError> {
        let broken = |error: String| TransportError::new(ErrorKind::Settings, Sent::No, error);
        let (id, secret) = (self.id.expose_secret(), self.secret.expose_secret());
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.options.scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(self.options.audience.as_deref().map(|audience| ("audience", audience)));
        let mut credentials = None;
        match self.options.client_authentication {
            ClientAuthentication::Basic => {
                // Each is encoded as a form's value before they are joined (RFC 6749, section 2.3.1).
                let pair = Zeroizing::new(format!("{}:{}", encode(id), encode(secret)));
                let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                let mut value = HeaderValue::from_str(&text).map_err(|error| broken(error.to_string()))?;
                value.set_sensitive(true);
                credentials = Some(value);
            }
            ClientAuthentication::Body => form.extend([("client_id", id), ("client_secret", secret)]),
        }
        let pairs: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let body = pairs.join("&");
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.carrier.endpoint(ROLE)?.itself().map_err(broken)?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(credentials) = credentials {
            headers.insert(header::AUTHORIZATION, credentials);
        }
        Ok(request)
    }
}

impl std::fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenEndpoint").field("options", &self.options).finish_non_exhaustive()
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

/// RFC 6749, section 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// Seconds, which some servers write as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Fraction(f64),
    Text(String),
}

impl Seconds {
    /// `None` for what is no time, which is then not known.
    fn read(&self) -> Option<u64> {
        match self {
            Self::Number(seconds) => Some(*seconds),
            Self::Fraction(seconds) => Some(Duration::try_from_secs_f64(*seconds).ok()?.as_secs()),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

fn understand(carried: &Carried) -> Result<SessionGrant, TokenError> {
    let status = carried.head.status;
    if status != StatusCode::OK {
        let refused: Option<Refused> = serde_json::from_slice(&carried.body).ok();
        let (code, said) = refused.map_or((None, None), |refused| (Some(refused.error), refused.error_description));
        return Err(TokenError::Refused {
            status: status.as_u16(),
            code: code.map_or_else(|| format!("status {}", status.as_u16()), |code| quoted(&code)),
            description: said.map_or_else(String::new, |said| format!(" ({})", quoted(&said))),
        });
    }
    // What serde says of a text that does not fit may repeat the text, and this one may hold the token.
    let granted: Granted = serde_json::from_slice(&carried.body)
        .map_err(|_| TokenError::Malformed("it is no JSON with `access_token` and `token_type`".to_owned()))?;
    if !granted.token_type.eq_ignore_ascii_case("bearer") {
        let kind = quoted(&granted.token_type);
        return Err(TokenError::Malformed(format!("its type is `{kind}`, and only bearer tokens are known")));
    }
    if granted.access_token.is_empty() {
        return Err(TokenError::Malformed("it is empty".to_owned()));
    }
    let value = format!("Bearer {}", granted.access_token).into_bytes();
    let headers = vec![Header { name: header::AUTHORIZATION.to_string(), value }];
    let expires_in = granted.expires_in.and_then(|seconds| seconds.read());
    Ok(SessionGrant { headers, expires_in, ..SessionGrant::default() })
}

/// A stranger's words on one line, not too many of them.
fn quoted(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(QUOTED).collect()
}
