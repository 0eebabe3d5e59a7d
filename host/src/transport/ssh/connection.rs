//! One SSH connection, and the channels on it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use russh::client::{self, Handle, Msg};
use russh::keys::HashAlg;
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, SshId};
use tokio::time::Instant;

use super::hosts::HostKeys;
use super::identity::{Answer, Identity};
use crate::sent::Sent;
use crate::transport::dial::Dialer;
use crate::transport::{ErrorKind, Stats, TransportError};

/// How often a silent connection is asked whether it lives, and how many answers may fail to come. Without it, a device
/// that vanished without a word would make every exchange wait out its whole reply timeout.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const ALIVE_MISSES: usize = 2;

/// A connection on which someone is logged in. It ends when the last of its channels and its link have let go of it.
pub(super) struct Connection {
    handle: Handle<Judge>,
    used: Mutex<Instant>,
}

/// One channel. Dropped, it is closed, whatever state it is in: the backend ends what ran on it and releases its locks.
pub(super) struct Line {
    /// There until this is dropped.
    channel: Option<Channel<Msg>>,
    connection: Arc<Connection>,
}

/// What comes on a channel.
#[derive(Debug)]
pub(super) enum Event {
    Output(Bytes),
    Errors(Bytes),
    /// How the command ended; none if a signal ended it.
    Status(Option<u32>),
    /// There will be no more output.
    End,
    /// The backend closed the channel.
    Closed,
    /// The connection was lost.
    Lost,
}

impl Connection {
    /// Connects and logs in. The caller bounds how long that may take.
    ///
    /// # Errors
    /// Always with `sent: no`.
    pub(super) async fn open(
        dialer: &Dialer,
        keys: &Arc<HostKeys>,
        identity: &Identity,
        stats: &Stats,
    ) -> Result<Self, TransportError> {
        let failed = |kind, message: String| TransportError::new(kind, Sent::No, message);
        let stream = dialer.dial(None).await?;
        let config = client::Config {
            client_id: SshId::Standard("SSH-2.0-Crosspoint".into()),
            keepalive_interval: Some(ALIVE_INTERVAL),
            keepalive_max: ALIVE_MISSES,
            preferred: keys.preferred(),
            ..client::Config::default()
        };
        let judge = Judge(Arc::clone(keys));
        let mut handle =
            client::connect_stream(Arc::new(config), stream, judge).await.map_err(|error| match error {
                Broken::HostKey(shown) => failed(ErrorKind::Tls, strange(&shown)),
                Broken::Ssh(russh::Error::NoCommonAlgo { kind, theirs, .. }) => failed(
                    ErrorKind::Tls,
                    format!("no {kind:?} algorithm in common with the backend, which has: {}", theirs.join(", ")),
                ),
                Broken::Ssh(error @ (russh::Error::WrongServerSig | russh::Error::Signature(_))) => {
                    failed(ErrorKind::Tls, format!("the backend does not prove its host key: {error}"))
                }
                Broken::Ssh(error @ (russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP)) => {
                    failed(ErrorKind::Connect, format!("the connection ended before SSH was agreed upon: {error}"))
                }
                Broken::Ssh(error) => failed(ErrorKind::Protocol, format!("the backend does not speak SSH: {error}")),
            })?;
        let answer = identity.authenticate(&mut handle).await;
        stats.logged_in(matches!(answer, Ok(Answer::Accepted)));
        match answer {
            Ok(Answer::Accepted) => Ok(Self { handle, used: Mutex::new(Instant::now()) }),
            Ok(Answer::Refused(why)) => {
                Err(failed(ErrorKind::Unauthenticated, format!("the backend refuses the login: {why}")))
            }
            Err(error) => Err(failed(ErrorKind::Connect, format!("the connection was lost during the login: {error}"))),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// When a channel was last in use.
    pub(super) fn used(&self) -> Instant {
        *self.used.lock()
    }

    /// Opens a channel.
    ///
    /// # Errors
    /// Always with `sent: no`.
    ///
    /// # Cancel-safety
    /// Dropping the future closes the channel once it is open.
    pub(super) async fn line(self: &Arc<Self>) -> Result<Line, TransportError> {
        let connection = Arc::clone(self);
        // In a task of its own, which goes on where the caller gives up: nobody could close the channel otherwise.
        let opening = tokio::spawn(async move {
            let channel = connection.handle.channel_open_session().await?;
            Ok(Line { channel: Some(channel), connection })
        });
        let failed = |kind, message| TransportError::new(kind, Sent::No, message);
        match opening.await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => Err(failed(
                ErrorKind::Connect,
                format!("the backend opens no further channel ({reason:?}): lower its limits of concurrency"),
            )),
            Ok(Err(error)) => Err(failed(ErrorKind::Reset, format!("the connection was lost: {error}"))),
            Err(_) => Err(failed(ErrorKind::Connect, "the opening of a channel was given up".to_owned())),
        }
    }
}

impl Line {
    /// Asks for what shall run on the channel, and waits until the backend says that it does.
    ///
    /// # Errors
    /// With `sent: no`.
    pub(super) async fn start(&mut self, what: Start) -> Result<(), TransportError> {
        let failed = |kind, message: String| TransportError::new(kind, Sent::No, message);
        let lost = |_| failed(ErrorKind::Reset, "the connection was lost".to_owned());
        let channel = self.channel()?;
        let name = match what {
            Start::Subsystem(name) => {
                channel.request_subsystem(true, name).await.map_err(lost)?;
                format!("the subsystem `{name}`")
            }
            Start::Shell => {
                channel.request_shell(true).await.map_err(lost)?;
                "a shell".to_owned()
            }
        };
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(()),
                Some(ChannelMsg::Failure) => {
                    return Err(failed(ErrorKind::Protocol, format!("the backend does not offer {name}")));
                }
                Some(ChannelMsg::WindowAdjusted { .. }) => {}
                other => {
                    let message = format!("the backend did not start {name}: it said {}", name_of(other.as_ref()));
                    return Err(failed(ErrorKind::Protocol, message));
                }
            }
        }
    }

    /// Hands over a command to run, with nothing to read. `sent` is kept true at every moment.
    ///
    /// # Errors
    /// It could not be handed over, or the backend refuses to run anything.
    pub(super) async fn execute(&mut self, command: &[u8], sent: &mut Sent) -> Result<(), TransportError> {
        let channel = self.channel()?;
        *sent = Sent::Maybe;
        if channel.exec(true, command).await.is_err() || channel.eof().await.is_err() {
            return Err(TransportError::new(ErrorKind::Reset, *sent, "the connection was lost with the command"));
        }
        loop {
            let message = channel.wait().await;
            match message {
                Some(ChannelMsg::WindowAdjusted { .. }) => continue,
                None => return Err(TransportError::new(ErrorKind::Reset, *sent, "the connection was lost")),
                _ => *sent = Sent::Yes,
            }
            return match message {
                Some(ChannelMsg::Success) => Ok(()),
                Some(ChannelMsg::Failure) => {
                    Err(TransportError::new(ErrorKind::Protocol, *sent, "the backend runs no commands"))
                }
                other => {
                    let message = format!("the backend did not run the command: it said {}", name_of(other.as_ref()));
                    Err(TransportError::new(ErrorKind::Protocol, *sent, message))
                }
            };
        }
    }

    /// Hands over bytes. `sent` is kept true at every moment.
    ///
    /// # Errors
    /// The channel was closed before, or while it happened.
    pub(super) async fn write(&mut self, bytes: Vec<u8>, sent: &mut Sent) -> Result<(), TransportError> {
        if self.connection.is_closed() {
            let message = "the connection was lost before the request could be sent";
            return Err(TransportError::new(ErrorKind::Reset, *sent, message));
        }
        let channel = self.channel()?;
        *sent = Sent::Maybe;
        let written = channel.data_bytes(bytes).await;
        written.map_err(|_| TransportError::new(ErrorKind::Reset, *sent, "the connection was lost with the request"))
    }

    /// What comes next.
    ///
    /// # Cancel-safety
    /// Dropping the future loses nothing.
    pub(super) async fn read(&mut self) -> Event {
        let Some(channel) = &mut self.channel else { return Event::Lost };
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Data { data }) => return Event::Output(data),
                // RFC 4254, section 5.2: there is no other kind.
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => return Event::Errors(data),
                Some(ChannelMsg::ExitStatus { exit_status }) => return Event::Status(Some(exit_status)),
                Some(ChannelMsg::ExitSignal { .. }) => return Event::Status(None),
                Some(ChannelMsg::Eof) => return Event::End,
                Some(ChannelMsg::Close) => return Event::Closed,
                None => return Event::Lost,
                Some(_) => {}
            }
        }
    }

    fn channel(&mut self) -> Result<&mut Channel<Msg>, TransportError> {
        self.channel.as_mut().ok_or_else(|| TransportError::new(ErrorKind::Reset, Sent::No, "the channel is closed"))
    }
}

/// What a channel is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Subsystem(&'static str),
    Shell,
}

impl Drop for Line {
    fn drop(&mut self) {
        *self.connection.used.lock() = Instant::now();
        let connection = Arc::clone(&self.connection);
        // Without a runtime there is no connection any more, either.
        if let (Some(channel), Ok(runtime)) = (self.channel.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                // Fails where the connection is gone, and its channels with it.
                let _ = channel.close().await;
                drop(connection);
            });
        }
    }
}

/// Judges host keys.
struct Judge(Arc<HostKeys>);

enum Broken {
    /// The host key is not known: what was shown.
    HostKey(String),
    Ssh(russh::Error),
}

impl client::Handler for Judge {
    type Error = Broken;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } if self.0.know(key) => Ok(true),
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                Err(Broken::HostKey(format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))))
            }
            PublicKeyOrCertificate::Certificate(_) => Err(Broken::HostKey("a certificate".to_owned())),
        }
    }
}

impl From<russh::Error> for Broken {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HostKey(shown) => write!(f, "unknown host key {shown}"),
            Self::Ssh(error) => error.fmt(f),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("closed", &self.is_closed()).finish()
    }
}

fn strange(shown: &str) -> String {
    format!(
        "the backend shows a host key that is not among `ssh.host_keys`: {shown}. Either it has a new one, or this is not \
         the backend; compare it with what the device itself shows"
    )
}

fn name_of(message: Option<&ChannelMsg>) -> &'static str {
    match message {
        None | Some(ChannelMsg::Close | ChannelMsg::Eof) => "that the channel is closed",
        _ => "something else",
    }
}
