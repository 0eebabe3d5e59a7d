//! What runs over SSH: NETCONF, single commands, and shells with a prompt.
//!
//! All exchanges with an endpoint share one connection ([`link`]), on which each has a channel of its own:
//!
//! | what runs | its channel |
//! |---|---|
//! | NETCONF | a session, kept for the next exchange (see [`netconf`]) |
//! | one command | opened for it, closed by its end |
//! | a command at a prompt | opened for it, with a shell of its own: what one call set up there (a mode, a folder) is not there for the next |
//!
//! The backend's host key must be one that the operator named; there is no trust on first use.

mod command;
mod connection;
mod hosts;
mod identity;
mod link;
pub mod netconf;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{CommandTransport, Correlation, Description, Exchange, Framing, Protocol, Reply, Request};
use tokio::time::{Instant, timeout_at};

use self::hosts::HostKeys;
pub(super) use self::identity::Identity;
use self::link::Link;
use self::netconf::{Pool, Session};
use super::dial::Dialer;
use super::settings::pointer;
use super::{Authorization, ErrorKind, Rendered, Settings, SettingsError, Stats, TransportError};
use crate::sent::Sent;

/// How long a connection, or a session, is kept that nobody uses. Connecting costs a device's processor a good part of a
/// second; devices themselves close sessions after minutes.
const IDLE: Duration = Duration::from_mins(1);

/// What runs over SSH: NETCONF, single commands, and shells with a prompt.
#[derive(Debug)]
pub struct SshTransport {
    speech: Speech,
    endpoints: BTreeMap<String, Endpoint>,
    connect_timeout: Duration,
    reply_timeout: Duration,
    reply_size: usize,
    idle: Duration,
    stats: Arc<Stats>,
}

#[derive(Debug)]
enum Speech {
    /// Whether sessions are kept for further exchanges.
    Netconf {
        kept: bool,
    },
    Command,
    Prompt(Vec<u8>),
}

#[derive(Debug)]
struct Endpoint {
    link: Link,
    pool: Pool,
}

/// What is to be sent, found fit for it.
struct Message<'a> {
    bytes: &'a [u8],
    /// NETCONF's `message-id`.
    id: String,
}

impl SshTransport {
    /// Builds the transport; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub fn new(description: &Description, settings: &Settings) -> Result<Self, SettingsError> {
        Self::keeping(description, settings, IDLE)
    }

    /// The same, but what is unused is kept this long.
    pub(super) fn keeping(
        description: &Description,
        settings: &Settings,
        idle: Duration,
    ) -> Result<Self, SettingsError> {
        let mut errors = SettingsError::default();
        settings.check(description, &mut errors);
        let mut noted = |more: SettingsError| errors = std::mem::take(&mut errors).and(more);
        let speech = speech(description).map_err(&mut noted).ok();
        let keys = HostKeys::new(&settings.ssh).map(Arc::new).map_err(&mut noted).ok();
        let port = if matches!(speech, Some(Speech::Netconf { .. })) { 830 } else { 22 };
        let stats = Arc::new(Stats::default());
        let mut dialers = BTreeMap::new();
        for (role, address) in &settings.endpoints {
            let place = pointer("endpoints", role);
            match Dialer::new(address, &["ssh"], Some(port), &place, settings, Arc::clone(&stats)) {
                Ok(dialer) => drop(dialers.insert(role.clone(), dialer)),
                Err(more) => noted(more),
            }
        }
        let (Some(speech), Some(keys), true) = (speech, keys, errors.violations.is_empty()) else { return Err(errors) };
        let endpoint = |dialer| Endpoint {
            link: Link::new(dialer, Arc::clone(&keys), settings.connect_timeout, idle, Arc::clone(&stats)),
            pool: Pool::default(),
        };
        Ok(Self {
            speech,
            endpoints: dialers.into_iter().map(|(role, dialer)| (role, endpoint(dialer))).collect(),
            connect_timeout: settings.connect_timeout,
            reply_timeout: settings.effective_reply_timeout(description),
            reply_size: settings.effective_reply_size(description),
            idle,
            stats,
        })
    }

    /// Makes one exchange and waits for its whole reply: at most the connect timeout for a connection, the login and a
    /// session, then at most the reply timeout, and in any case not beyond `deadline`.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up; the backend may or may not have received it. Its channel is closed.
    pub async fn exchange(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        let outcome = self.perform(exchange, authorization, deadline).await;
        match &outcome {
            Ok(_) => self.stats.answered(),
            Err(error) => self.stats.failed(error.kind),
        }
        outcome
    }

    async fn perform(
        &self,
        exchange: &Exchange,
        authorization: &Authorization,
        deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let message = "the deadline passed before the exchange";
            return Err(TransportError::new(ErrorKind::ReplyTimeout, Sent::No, message));
        }
        let message = self.message(exchange)?;
        let endpoint = self.endpoint(&exchange.endpoint)?;
        let identity = authorization
            .identity()
            .ok_or_else(|| TransportError::new(ErrorKind::Settings, Sent::No, "SSH needs a user: use scheme basic"))?;
        match &self.speech {
            Speech::Netconf { kept } => {
                let ready = async {
                    if let Some(session) = endpoint.pool.take().await {
                        return Ok(session);
                    }
                    let connection = endpoint.link.connection(identity).await?;
                    Session::open(connection.line().await?, self.reply_size).await
                };
                let mut session = self.ready(ready, deadline).await?;
                let mut sent = Sent::No;
                let called = session.call(&message.id, message.bytes, &mut sent, &self.stats);
                let called = timeout_at(earliest(self.reply_timeout, deadline), called).await;
                let reply = called.unwrap_or_else(|_| Err(late(sent)))?;
                if *kept {
                    endpoint.pool.put(session, self.idle, &self.stats);
                }
                Ok(Reply::Message(reply.into()))
            }
            Speech::Command => {
                let ready = async { endpoint.link.connection(identity).await?.line().await };
                let mut line = self.ready(ready, deadline).await?;
                let mut sent = Sent::No;
                let ran = command::run(&mut line, message.bytes, self.reply_size, &mut sent, &self.stats);
                let ran = timeout_at(earliest(self.reply_timeout, deadline), ran).await;
                ran.unwrap_or_else(|_| Err(late(sent))).map(Reply::Command)
            }
            Speech::Prompt(prompt) => {
                let ready = async {
                    let mut line = endpoint.link.connection(identity).await?.line().await?;
                    command::shell(&mut line, prompt, &self.stats).await?;
                    Ok(line)
                };
                let mut line = self.ready(ready, deadline).await?;
                let mut sent = Sent::No;
                let (limit, stats) = (self.reply_size, &self.stats);
                let ran = command::at_prompt(&mut line, message.bytes, prompt, limit, &mut sent, stats);
                let ran = timeout_at(earliest(self.reply_timeout, deadline), ran).await;
                ran.unwrap_or_else(|_| Err(late(sent))).map(Reply::Command)
            }
        }
    }

    /// What [`SshTransport::exchange`] would send. Sends nothing.
    ///
    /// # Errors
    /// What [`SshTransport::exchange`] would refuse to send.
    pub fn render(&self, exchange: &Exchange, _authorization: &Authorization) -> Result<Rendered, TransportError> {
        let message = self.message(exchange)?;
        let url = self.endpoint(&exchange.endpoint)?.link.url();
        Ok(Rendered { method: None, url, headers: Vec::new(), body: message.bytes.to_vec().into() })
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Waits for what an exchange is made on, no longer than for a connection.
    async fn ready<T>(
        &self,
        ready: impl Future<Output = Result<T, TransportError>>,
        deadline: Option<Instant>,
    ) -> Result<T, TransportError> {
        timeout_at(earliest(self.connect_timeout, deadline), ready).await.unwrap_or_else(|_| {
            let message = "no session with the backend in time, connecting and login included";
            Err(TransportError::new(ErrorKind::ConnectTimeout, Sent::No, message))
        })
    }

    fn endpoint(&self, role: &str) -> Result<&Endpoint, TransportError> {
        self.endpoints.get(role).ok_or_else(|| {
            let message = format!("endpoint role `{role}` has no address: set {}", pointer("endpoints", role));
            TransportError::new(ErrorKind::Settings, Sent::No, message)
        })
    }

    fn message<'a>(&self, exchange: &'a Exchange) -> Result<Message<'a>, TransportError> {
        let refused = |reason: String| TransportError::refused(format!("the driver's exchange is refused: {reason}"));
        match (&self.speech, &exchange.request) {
            (Speech::Netconf { .. }, Request::Message(bytes)) => {
                let id = netconf::check(bytes.as_ref()).map_err(|reason| refused(format!("the message {reason}")))?;
                Ok(Message { bytes: bytes.as_ref(), id })
            }
            (Speech::Command | Speech::Prompt(_), Request::Command(bytes)) => {
                let at_prompt = matches!(self.speech, Speech::Prompt(_));
                command::check(bytes.as_ref(), at_prompt).map_err(refused)?;
                Ok(Message { bytes: bytes.as_ref(), id: String::new() })
            }
            _ => Err(refused("it is not of the protocol that the driver describes".to_owned())),
        }
    }
}

/// What the driver describes.
fn speech(description: &Description) -> Result<Speech, SettingsError> {
    let refused = |what: &str| Err(SettingsError::one("", format!("driver {} describes {what}", description.name)));
    match &description.protocol {
        Protocol::Message(message) if message.framing == Framing::Netconf => {
            if message.preamble.is_some() || !message.keepalives.is_empty() {
                return refused("a preamble or keepalives, which NETCONF has none of: the host exchanges the hello");
            }
            match message.correlation {
                Correlation::InOrder => Ok(Speech::Netconf { kept: true }),
                Correlation::SingleUse => Ok(Speech::Netconf { kept: false }),
                _ => refused("NETCONF with a correlation that is neither in-order nor single-use"),
            }
        }
        Protocol::Command(command) => match (command.transport, &command.prompt) {
            (CommandTransport::SshExec, None) => Ok(Speech::Command),
            (CommandTransport::SshExec, Some(_)) => refused("a prompt for ssh-exec, which ends without one"),
            (CommandTransport::SshShell, Some(prompt)) if !prompt.is_empty() => {
                Ok(Speech::Prompt(prompt.as_ref().to_vec()))
            }
            (CommandTransport::SshShell, _) => refused("ssh-shell without a prompt"),
            (CommandTransport::TcpLine, _) => refused("no SSH"),
        },
        _ => refused("no SSH"),
    }
}

fn late(sent: Sent) -> TransportError {
    TransportError::new(ErrorKind::ReplyTimeout, sent, "the backend did not send a whole reply in time")
}

/// The end of a wait that begins now. The settings keep waits short enough for the sum to exist.
fn earliest(wait: Duration, deadline: Option<Instant>) -> Instant {
    let end = Instant::now() + wait;
    deadline.map_or(end, |deadline| deadline.min(end))
}
