//! The one exchange: what may happen between the intent and the outcome, and nothing else.

use std::sync::Arc;
use std::time::Instant;

use crosspoint_contract::{Call, Credentials, Exchange, Fault, Outcome, Protocol, Reply, SessionGrant, Verb};
use secrecy::ExposeSecret;

use super::backend::{Admission, Backend};
use super::failure::{of_call_error, of_fault, of_token, of_transport};
use crate::driver::InFlight;
use crate::mapping::{Code, Failure};
use crate::sent::Sent;
use crate::telemetry::{ExchangeResult, LoginResult, Metrics, Phase};
use crate::transport::{Authorization, Rendered};

/// A backend together with the generation of its driver that serves one call from its first phase to its last.
#[derive(Clone)]
pub(super) struct Target {
    pub backend: Arc<Backend>,
    pub generation: Arc<InFlight>,
    pub metrics: Arc<Metrics>,
}

/// A call that was translated, and whose exchange is fit to be sent.
pub(super) struct Draft {
    pub call: Call,
    pub exchange: Exchange,
}

/// What an exchange came to.
pub(super) enum Reached {
    /// The driver understood the reply as success.
    Outcome(Outcome),
    /// The driver understood the reply as a fault, which may leave doubt.
    Fault {
        fault: Fault,
        failure: Failure,
        /// The reply itself says that the backend does not know the session, whatever the driver makes of it.
        unknown_session: bool,
    },
    /// There was no reply that a driver could have understood.
    Failure(Failure),
}

impl Reached {
    /// For calls that change nothing: whatever is not success is simply a failure.
    pub fn into_outcome(self) -> Result<Outcome, Failure> {
        match self {
            Self::Outcome(outcome) => Ok(outcome),
            Self::Fault { failure, .. } | Self::Failure(failure) => Err(failure),
        }
    }
}

impl Target {
    /// Translates a call. Leaves no trace.
    pub async fn draft(&self, call: Call) -> Result<Draft, Failure> {
        let started = Instant::now();
        let translated = self.generation.encode(&call).await;
        self.observe_phase(Phase::Encode, started, translated.is_err());
        let exchange = translated
            .map_err(|error| of_call_error(&error, Sent::No))?
            .map_err(|fault| of_fault(fault, Sent::No, None))?;
        Ok(Draft { call, exchange })
    }

    /// What would be sent, with every secret as `***`; fails where the host would refuse to send it.
    pub fn render(&self, draft: &Draft) -> Result<Rendered, Failure> {
        let rendered = match self.backend.present_admission() {
            Some(admission) => self.backend.transport.render(&draft.exchange, admission.authorization()),
            None => self.backend.transport.render(&draft.exchange, &Authorization::none()),
        };
        rendered.map_err(|error| of_transport(&error))
    }

    /// What to add to an exchange so that the backend accepts it; logs in if there is no session.
    pub async fn authorize(&self) -> Result<Admission, Failure> {
        let target = self.clone();
        self.backend.admission(move || async move { target.login().await }).await
    }

    /// Makes the exchange and has the reply understood.
    ///
    /// **Invariant:** the exchange is made once. It is made a second time in one case alone: the backend answered that
    /// it does not know the session (401), its driver says that it does so before it does anything, and the session can
    /// be obtained anew. Both together end within the time that one may take, so the operation's deadline holds.
    pub async fn exchange(&self, draft: &Draft, admission: &Admission) -> Reached {
        let deadline = Instant::now() + self.backend.exchange_time();
        let reached = self.send(draft, admission.authorization(), Some(deadline)).await;
        let Reached::Fault { fault: Fault::Unauthenticated(_), unknown_session, .. } = &reached else { return reached };
        // Whether or not this exchange may be made again, later ones shall not come with the same session.
        self.backend.forget(admission);
        if !(*unknown_session && self.may_send_again()) {
            return reached;
        }
        match self.authorize().await {
            Ok(renewed) => {
                tracing::info!(backend = self.backend.name, "the session had ended; sending once more with a new one");
                self.send(draft, renewed.authorization(), Some(deadline)).await
            }
            // The backend was reached, and did nothing: that is what its answer said.
            Err(failure) => Reached::Fault {
                fault: Fault::Unauthenticated(failure.detail.clone()),
                failure: Failure { sent: Sent::Yes, ..failure },
                unknown_session: true,
            },
        }
    }

    /// Whether a refused session proves that the exchange did nothing, and there can be another session.
    fn may_send_again(&self) -> bool {
        let precedes = match &self.generation.description().protocol {
            Protocol::Http(http) => http.unauthorized_precedes_effects,
            Protocol::Message(message) => message.unauthorized_precedes_effects(),
            Protocol::Command(_) => false,
        };
        precedes && self.backend.has_sessions()
    }

    async fn send(&self, draft: &Draft, authorization: &Authorization, deadline: Option<Instant>) -> Reached {
        let started = Instant::now();
        let deadline = deadline.map(tokio::time::Instant::from_std);
        let reply = self.backend.transport.exchange_within(&draft.exchange, authorization, deadline).await;
        let reached = match reply {
            Ok(reply) => self.understand(draft, &reply).await,
            Err(error) => Reached::Failure(of_transport(&error)),
        };
        let reached = match reached {
            Reached::Outcome(outcome) => Reached::Outcome(outcome),
            Reached::Fault { fault, failure, unknown_session } => {
                Reached::Fault { fault, failure: self.backend.discreet(failure), unknown_session }
            }
            Reached::Failure(failure) => Reached::Failure(self.backend.discreet(failure)),
        };
        let (result, sent) = match &reached {
            Reached::Outcome(_) => (ExchangeResult::Ok, Sent::Yes),
            Reached::Fault { failure, .. } => (ExchangeResult::Fault, failure.sent),
            Reached::Failure(failure) => (ExchangeResult::Error, failure.sent),
        };
        self.metrics.exchange(&self.backend.name, verb_label(&draft.call.verb), result, sent, started.elapsed());
        reached
    }

    async fn understand(&self, draft: &Draft, reply: &Reply) -> Reached {
        let (status, unknown_session) = match (reply, &self.generation.description().protocol) {
            (Reply::Http(http), Protocol::Http(_)) => (Some(http.status), http.status == 401),
            // gRPC's status stands in a header, and HTTP's says nothing.
            (Reply::Http(http), _) => (None, http.header("grpc-status") == Some(b"16")),
            (Reply::Message(_) | Reply::Command(_), _) => (None, false),
        };
        let started = Instant::now();
        let understood = self.generation.decode(&draft.call, draft.exchange.context.as_ref(), reply).await;
        self.observe_phase(Phase::Decode, started, understood.is_err());
        match understood {
            Err(error) => Reached::Failure(Failure { backend_status: status, ..of_call_error(&error, Sent::Yes) }),
            Ok(Err(fault)) => {
                let failure = of_fault(fault.clone(), Sent::Yes, status);
                Reached::Fault { fault, failure, unknown_session }
            }
            Ok(Ok(outcome)) => Reached::Outcome(outcome),
        }
    }

    fn observe_phase(&self, phase: Phase, started: Instant, trapped: bool) {
        self.metrics.driver_phase(self.generation.name(), phase, started.elapsed());
        if trapped {
            self.metrics.driver_trap(self.generation.name());
        }
    }

    /// Obtains a session: the host's own business, counted apart from the calls' exchanges.
    async fn login(&self) -> Result<SessionGrant, Failure> {
        let result = match self.backend.token_endpoint() {
            Some(endpoint) => {
                let deadline = tokio::time::Instant::now() + self.backend.exchange_time();
                endpoint.token(Some(deadline)).await.map_err(|error| of_token(&error))
            }
            None => self.login_of_driver().await,
        };
        self.metrics.login(
            &self.backend.name,
            match &result {
                Ok(_) => LoginResult::Granted,
                Err(failure) if matches!(failure.code, Code::BackendUnauthenticated | Code::BackendDenied) => {
                    LoginResult::Refused
                }
                Err(_) => LoginResult::Failed,
            },
        );
        // The caller's own exchange was not made, whatever became of the login.
        result.map_err(|failure| {
            let detail = format!("cannot log in to the backend: {failure}");
            self.backend.discreet(Failure { sent: Sent::No, detail, ..failure })
        })
    }

    async fn login_of_driver(&self) -> Result<SessionGrant, Failure> {
        let mut call = self.backend.call(Verb::Login, "");
        call.credentials = Some(Credentials {
            secrets: self
                .backend
                .secrets
                .iter()
                .map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()))
                .collect(),
        });
        let draft = self.draft(call).await?;
        let outcome = self.send(&draft, &Authorization::none(), None).await.into_outcome()?;
        outcome
            .session
            .ok_or_else(|| Failure::new(Code::DriverFailed, "the driver's login gave no session").sent(Sent::Yes))
    }
}

/// The verb as a metric's label: actions all count as one, so that a driver cannot make labels without end.
pub(super) fn verb_label(verb: &Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::Read => "read",
        Verb::Replace => "replace",
        Verb::Update => "update",
        Verb::Delete => "delete",
        Verb::Find => "find",
        Verb::List => "list",
        Verb::Poll => "poll",
        Verb::Probe => "probe",
        Verb::Login => "login",
        Verb::Action(_) => "action",
    }
}
