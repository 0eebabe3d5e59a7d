use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_contract::{ApiKey, AuthScheme, SessionGrant};
use http::{HeaderName, header};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::http::headers;
use super::settings::pointer;
use super::ssh::Identity;
use super::{Settings, SettingsError, TransportError};

/// A backend's secrets by name: `username` and `password` for scheme basic (SSH: `private_key` and `passphrase` too), `token` for bearer, `key` for api-key; for
/// login, what the driver asks for.
pub type Secrets = BTreeMap<String, SecretString>;

/// What the host adds to an exchange to show who it is: headers and query parameters, or who logs in over SSH.
///
/// The driver sees none of it. Values are wiped from memory when this is dropped, and are not in its `Debug` form.
#[derive(Default)]
pub struct Authorization {
    headers: Vec<(HeaderName, SecretSlice<u8>)>,
    query: Vec<(String, SecretString)>,
    identity: Option<Arc<Identity>>,
}

impl Authorization {
    /// Adds nothing: for backends that ask for nothing, and for login exchanges.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What a scheme whose secrets never change adds to each exchange; `None` for scheme login, which takes a
    /// [session](super::Sessions).
    ///
    /// # Errors
    /// A secret that is missing or cannot be sent, at `/secrets/NAME`; a scheme that cannot be used, at
    /// `/authentication`; for mutual TLS, the lack of a certificate or of `https`.
    pub fn from_secrets(
        scheme: &AuthScheme,
        secrets: &Secrets,
        settings: &Settings,
    ) -> Result<Option<Self>, SettingsError> {
        let secret = |name: &str| {
            let missing =
                || SettingsError::one(format!("/secrets/{name}"), format!("scheme {} needs it", scheme.name()));
            secrets.get(name).map(ExposeSecret::expose_secret).ok_or_else(missing)
        };
        let refused = |pointer: &'static str| move |reason: String| SettingsError::one(pointer, reason);
        match scheme {
            AuthScheme::None => Ok(Some(Self::none())),
            AuthScheme::Basic => {
                let (username, password) = (secret("username")?, secret("password")?);
                if username.contains(':') {
                    return Err(SettingsError::one("/secrets/username", "may hold no colon (RFC 7617)"));
                }
                let pair = Zeroizing::new(format!("{username}:{password}"));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                let added = Self::none().with_header(header::AUTHORIZATION, value.as_bytes());
                added.map(Some).map_err(refused("/secrets/password"))
            }
            AuthScheme::Bearer => {
                let value = Zeroizing::new(format!("Bearer {}", secret("token")?));
                let added = Self::none().with_header(header::AUTHORIZATION, value.as_bytes());
                added.map(Some).map_err(refused("/secrets/token"))
            }
            AuthScheme::ApiKey(ApiKey::Header(name)) => {
                let name = headers::name(name).map_err(refused("/authentication"))?;
                let added = Self::none().with_header(name, secret("key")?.as_bytes());
                added.map(Some).map_err(refused("/secrets/key"))
            }
            AuthScheme::ApiKey(ApiKey::Query(name)) => {
                Ok(Some(Self { query: vec![(name.clone(), secret("key")?.into())], ..Self::none() }))
            }
            AuthScheme::MutualTls => {
                if settings.tls.client_certificate_pem.is_none() {
                    return Err(SettingsError::one("/tls/client_certificate_pem", "scheme mutual-tls needs it"));
                }
                let clear = |address: &str| {
                    let address = address.to_ascii_lowercase();
                    !["https://", "tls://"].iter().any(|scheme| address.starts_with(scheme))
                };
                if let Some((role, _)) = settings.endpoints.iter().find(|(_, address)| clear(address)) {
                    return Err(SettingsError::one(
                        pointer("endpoints", role),
                        "scheme mutual-tls needs TLS: `https` or `tls`",
                    ));
                }
                Ok(Some(Self::none()))
            }
            AuthScheme::OAuth2ClientCredentials | AuthScheme::Login(_) => Ok(None),
        }
    }

    /// Who logs in over SSH: scheme basic, with a password or a private key.
    ///
    /// # Errors
    /// A secret that is missing or cannot be read, at `/secrets/NAME`; another scheme, at `/authentication`.
    pub fn for_ssh(scheme: &AuthScheme, secrets: &Secrets) -> Result<Self, SettingsError> {
        if *scheme != AuthScheme::Basic {
            let message = format!("scheme {} cannot be used over SSH: use basic", scheme.name());
            return Err(SettingsError::one("/authentication", message));
        }
        let identity = Some(Arc::new(Identity::from_secrets(secrets)?));
        Ok(Self { identity, ..Self::none() })
    }

    /// What a session adds to each exchange.
    ///
    /// # Errors
    /// Kind [`Refused`](super::ErrorKind::Refused) where the driver made a grant that may not be sent.
    pub fn from_grant(grant: &SessionGrant) -> Result<Self, TransportError> {
        let refused = |reason| TransportError::refused(format!("the driver's session grant is refused: {reason}"));
        let mut authorization = Self::none();
        for header in &grant.headers {
            let name = headers::name(&header.name).map_err(refused)?;
            authorization = authorization.with_header(name, &header.value).map_err(refused)?;
        }
        let query = grant.query.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        authorization.query.extend(query);
        Ok(authorization)
    }

    fn with_header(mut self, name: HeaderName, value: &[u8]) -> Result<Self, String> {
        headers::value(&name, value)?;
        self.headers.push((name, value.to_vec().into()));
        Ok(self)
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> + Clone {
        self.headers.iter().map(|(name, value)| (name, value.expose_secret()))
    }

    pub(super) fn identity(&self) -> Option<&Arc<Identity>> {
        self.identity.as_ref()
    }

    pub(super) fn query(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.query.iter().map(|(name, value)| (name.as_str(), value.expose_secret()))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("headers", &self.headers().map(|(name, _)| name).collect::<Vec<_>>())
            .field("query", &self.query().map(|(name, _)| name).collect::<Vec<_>>())
            .field("identity", &self.identity)
            .finish()
    }
}
