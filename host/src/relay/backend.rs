//! One backend as it runs: its way there, its secrets, its queue.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crosspoint_contract::{AuthScheme, Call, Description, Json, SessionGrant, Verb, Violation};
use secrecy::{ExposeSecret, SecretString};

use super::farewell::Farewell;
use super::queue::{Queue, QueueLimits};
use super::settings::{BackendSettings, HttpVersion, SecretValue};
use crate::mapping::{Code, Failure, OperationId};
use crate::secrets::{Keyring, place};
use crate::sent::Sent;
use crate::transport::{
    self, Authorization, LoginError, Reach, Secrets, Session, SessionPolicy, Sessions, SettingsError, Ssh, Tls,
    TokenEndpoint, Transport,
};

/// Longest wait for a place in the queue, unless the operator says otherwise.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a connection, unless the operator says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a reply, unless the operator or the driver says otherwise.
const REPLY_TIMEOUT: Duration = Duration::from_mins(1);

/// The length from which on a secret is looked for in words, in bytes. Taking out shorter ones would tear any text apart.
const TELLING: usize = 4;

/// One backend as it runs.
#[derive(Debug)]
pub(super) struct Backend {
    pub name: String,
    pub settings: BackendSettings,
    pub revision: u64,
    pub transport: Arc<Transport>,
    pub queue: Queue,
    pub secrets: Secrets,
    access: Access,
    configuration: Json,
    correlation: AtomicU64,
    exchange_time: Duration,
    reply_timeout: Duration,
}

#[derive(Debug)]
enum Access {
    Fixed(Arc<Authorization>),
    /// A session, from the driver's login or from a token endpoint.
    Session {
        sessions: Sessions<Failure>,
        token: Option<Box<TokenEndpoint>>,
    },
}

/// The right to make an exchange.
#[derive(Debug)]
pub(super) enum Admission {
    Fixed(Arc<Authorization>),
    Session(Arc<Session>),
}

impl Admission {
    /// What to add to the exchange.
    pub fn authorization(&self) -> &Authorization {
        match self {
            Self::Fixed(authorization) => authorization,
            Self::Session(session) => session.authorization(),
        }
    }
}

/// What all backends have in common.
pub(super) struct Common<'a> {
    pub keyring: &'a Keyring,
    /// Most calls that wait, unless a backend says otherwise.
    pub queued: usize,
    pub reach: &'a Arc<Reach>,
    pub farewell: &'a Farewell,
}

impl Backend {
    /// Builds a backend from its stored settings, for a driver that describes itself so.
    ///
    /// # Errors
    /// [`Code::InvalidSpec`] with a JSON Pointer into the settings for everything that does not fit.
    pub fn build(
        name: &str,
        revision: u64,
        settings: BackendSettings,
        description: &Description,
        common: &Common<'_>,
    ) -> Result<Self, Failure> {
        let Common { keyring, queued, reach, farewell } = *common;
        let scheme = scheme(&settings, description)?;
        if settings.authentication.oauth2.is_some() && *scheme != AuthScheme::OAuth2ClientCredentials {
            let message = "belongs to scheme oauth2-client-credentials".to_owned();
            return Err(rejected(vec![Violation { pointer: "/authentication/oauth2".to_owned(), message }]));
        }
        let secrets = open_secrets(name, &settings, keyring)?;
        let reach = Arc::clone(reach);
        let way = transport::Settings { reach, ..transport_settings(&settings, description, &secrets) };
        let transport = Arc::new(Transport::new(description, &way).map_err(|error| invalid(&error))?);
        let access = match transport.authorization(scheme, &secrets, &way).map_err(|error| invalid(&error))? {
            Some(authorization) => Access::Fixed(Arc::new(authorization)),
            None => {
                let token = token_endpoint(&settings, description, &way, &secrets, &transport)?;
                let parting = farewell.parting(name, &transport);
                let stats = Arc::clone(transport.stats());
                Access::Session { sessions: Sessions::with_parting(SessionPolicy::default(), stats, parting), token }
            }
        };
        let limits = &settings.limits;
        let size = |own: Option<u32>, described: u32| usize::try_from(own.unwrap_or(described)).unwrap_or(usize::MAX);
        let queue = Queue::new(QueueLimits {
            reads: size(limits.read_concurrency, description.limits.read_concurrency),
            mutations: size(limits.mutation_concurrency, description.limits.mutation_concurrency),
            waiting: limits.queue.map_or(queued, |queue| usize::try_from(queue).unwrap_or(usize::MAX)),
            patience: limits.queue_timeout_ms.map_or(QUEUE_TIMEOUT, |ms| Duration::from_millis(ms.into())),
        });
        let reply_timeout = way.reply_timeout.unwrap_or(REPLY_TIMEOUT);
        let exchange_time = way.connect_timeout + reply_timeout;
        let configuration = Json::from(settings.configuration.clone());
        Ok(Self {
            name: name.to_owned(),
            settings,
            revision,
            transport,
            queue,
            secrets,
            access,
            configuration,
            correlation: AtomicU64::new(1),
            exchange_time,
            reply_timeout,
        })
    }

    /// The same backend, recorded at this log index.
    pub fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// A call with the facts about this backend filled in.
    pub fn call(&self, verb: Verb, kind: &str) -> Call {
        Call {
            operation_id: OperationId::generate().to_string(),
            correlation: self.correlation.fetch_add(1, Ordering::Relaxed),
            backend_name: self.name.clone(),
            configuration: self.configuration.clone(),
            ..Call::new(verb, kind)
        }
    }

    /// The longest that an exchange may take: a connection, and the reply.
    pub fn exchange_time(&self) -> Duration {
        self.exchange_time
    }

    /// How long after its intent an exchange may still take effect: the backend may go on working on a request for as
    /// long again as it was given to answer it.
    pub fn patience(&self) -> Duration {
        self.exchange_time + self.reply_timeout
    }

    /// Whether exchanges are made in a session.
    pub fn has_sessions(&self) -> bool {
        matches!(self.access, Access::Session { .. })
    }

    /// Where sessions come from, if not from the driver's login.
    pub fn token_endpoint(&self) -> Option<&TokenEndpoint> {
        match &self.access {
            Access::Session { token, .. } => token.as_deref(),
            Access::Fixed(_) => None,
        }
    }

    /// What an exchange would be sent with right now; none if a login would have to come first.
    pub fn present_admission(&self) -> Option<Admission> {
        match &self.access {
            Access::Fixed(authorization) => Some(Admission::Fixed(Arc::clone(authorization))),
            Access::Session { sessions, .. } => sessions.current().map(Admission::Session),
        }
    }

    /// The right to make an exchange; `login` runs if there is no session, once for however many callers.
    ///
    /// # Errors
    /// The login's failure: nothing of the caller's own was sent.
    pub async fn admission<F, L>(&self, login: F) -> Result<Admission, Failure>
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<SessionGrant, Failure>> + Send + 'static,
    {
        let sessions = match &self.access {
            Access::Fixed(authorization) => return Ok(Admission::Fixed(Arc::clone(authorization))),
            Access::Session { sessions, .. } => sessions,
        };
        sessions.get_or_login(login).await.map(Admission::Session).map_err(|error| match error {
            LoginError::Failed { error, retry_after } => {
                Failure { sent: Sent::No, ..(*error).clone() }.retry(seconds(retry_after))
            }
            LoginError::Grant { error, retry_after } => {
                Failure::new(Code::DriverRefused, error.to_string()).retry(seconds(retry_after))
            }
            LoginError::Abandoned => Failure::new(Code::Draining, "the login was given up").retry(1),
        })
    }

    /// The same failure with no secret in its words: backends repeat what they were sent, drivers pass that on.
    pub fn discreet(&self, mut failure: Failure) -> Failure {
        for secret in self.secrets.values().map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= TELLING) {
            failure.detail = failure.detail.replace(secret, "***");
            for violation in &mut failure.errors {
                violation.message = violation.message.replace(secret, "***");
            }
        }
        failure
    }

    /// Forgets a session that the backend did not accept.
    pub fn forget(&self, admission: &Admission) {
        if let (Access::Session { sessions, .. }, Admission::Session(session)) = (&self.access, admission) {
            sessions.invalidate(session);
        }
    }

    /// Lets go of the session; it is ended when the exchanges that use it are over.
    pub fn end_session(&self) {
        if let Access::Session { sessions, .. } = &self.access {
            sessions.end();
        }
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

fn scheme<'a>(settings: &BackendSettings, description: &'a Description) -> Result<&'a AuthScheme, Failure> {
    let wanted = &settings.authentication.scheme;
    description.authentication.iter().find(|scheme| scheme.name() == wanted).ok_or_else(|| {
        let known: Vec<_> = description.authentication.iter().map(AuthScheme::name).collect();
        let message =
            format!("driver `{}` does not know scheme `{wanted}`; it knows: {}", description.name, known.join(", "));
        rejected(vec![Violation { pointer: "/authentication/scheme".to_owned(), message }])
    })
}

/// The token endpoint, if the scheme has one.
fn token_endpoint(
    settings: &BackendSettings,
    description: &Description,
    way: &transport::Settings,
    secrets: &Secrets,
    transport: &Transport,
) -> Result<Option<Box<TokenEndpoint>>, Failure> {
    if *scheme(settings, description)? != AuthScheme::OAuth2ClientCredentials {
        return Ok(None);
    }
    if !matches!(transport, Transport::Http(_) | Transport::Grpc(_)) {
        let message = "a token is a header, which this driver's protocol does not have".to_owned();
        return Err(rejected(vec![Violation { pointer: "/authentication/scheme".to_owned(), message }]));
    }
    let stats = Arc::clone(transport.stats());
    let options = settings.authentication.oauth2.clone().unwrap_or_default();
    let endpoint = TokenEndpoint::new(description, way, secrets, options, stats);
    endpoint.map(Box::new).map(Some).map_err(|error| invalid(&error))
}

fn open_secrets(backend: &str, settings: &BackendSettings, keyring: &Keyring) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::new();
    for (name, value) in &settings.authentication.secrets {
        let SecretValue::Sealed { sealed } = value else {
            return Err(Failure::new(
                Code::Internal,
                format!("secret `{name}` of backend `{backend}` was stored unsealed"),
            ));
        };
        let secret: SecretString = keyring.open(sealed, &place(backend, name)).map_err(|error| {
            Failure::new(Code::Internal, format!("secret `{name}` of backend `{backend}`: {error}"))
        })?;
        secrets.insert(name.clone(), secret);
    }
    Ok(secrets)
}

fn transport_settings(settings: &BackendSettings, description: &Description, secrets: &Secrets) -> transport::Settings {
    let limits = &settings.limits;
    let duration = |ms: u32| Duration::from_millis(ms.into());
    transport::Settings {
        endpoints: settings.endpoints.clone(),
        tls: Tls {
            ca_pem: settings.tls.ca.clone(),
            server_name: settings.tls.server_name.clone(),
            client_certificate_pem: settings.tls.client_certificate.clone(),
            client_key: secrets.get("client_key").cloned(),
        },
        ssh: Ssh { host_keys: settings.ssh.host_keys.clone() },
        http_version: match settings.http_version {
            HttpVersion::Auto => transport::HttpVersion::Auto,
            HttpVersion::Http11 => transport::HttpVersion::Http11,
            HttpVersion::Http2 => transport::HttpVersion::Http2,
        },
        connect_timeout: limits.connect_timeout_ms.map_or(CONNECT_TIMEOUT, duration),
        reply_timeout: Some(
            limits.reply_timeout_ms.or(description.limits.reply_timeout_ms).map_or(REPLY_TIMEOUT, duration),
        ),
        reply_size: limits.reply_size,
        ..transport::Settings::default()
    }
}

/// The settings' faults, with the pointers that the operator's document has.
fn invalid(error: &SettingsError) -> Failure {
    let renamed = |pointer: &str| match pointer {
        "/tls/ca_pem" => "/tls/ca".to_owned(),
        "/tls/client_certificate_pem" => "/tls/client_certificate".to_owned(),
        "/tls/client_key" => "/authentication/secrets/client_key".to_owned(),
        "/authentication" => "/authentication/scheme".to_owned(),
        "/connect_timeout" => "/limits/connect_timeout_ms".to_owned(),
        "/reply_timeout" => "/limits/reply_timeout_ms".to_owned(),
        "/reply_size" => "/limits/reply_size".to_owned(),
        other => match other.strip_prefix("/secrets/") {
            Some(name) => format!("/authentication/secrets/{name}"),
            None => other.to_owned(),
        },
    };
    let violations = error.violations.iter();
    rejected(violations.map(|v| Violation { pointer: renamed(&v.pointer), message: v.message.clone() }).collect())
}

/// The settings do not fit, here.
pub(super) fn rejected(violations: Vec<Violation>) -> Failure {
    let first = violations.first().map_or_else(String::new, |violation| format!(": {violation}"));
    Failure::new(Code::InvalidSpec, format!("the backend's settings do not fit{first}")).errors(violations)
}
