//! What runs over SSH: NETCONF, and single commands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crosspoint::transport::{Secrets, Settings, Ssh};
use crosspoint_contract::{
    AuthScheme, Bytes as Body, CommandProtocol, CommandTransport, Correlation, Exchange, Framing, MessageProtocol,
    Protocol, Reply, Request,
};
use russh::keys::{Algorithm, PrivateKey, PublicKeyOrCertificate, key};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Session};
use russh::{Channel, ChannelId, ChannelMsg, client};
use tokio::net::TcpListener;

use super::load::{Client, apart};
use super::{Wire, settings};

const USER: &str = "bench";
const PASSWORD: &str = "only for the length of this benchmark";
/// How NETCONF 1.0 ends a message (RFC 6242, section 4.3).
const END: &[u8] = b"]]>]]>";
const HELLO: &str = "<hello xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><capabilities>\
    <capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>";
/// The bytes of what a message carries.
const SIZE: usize = 1024;

/// The server's end of a connection.
#[derive(Default)]
struct Host {
    channels: Vec<Channel<Msg>>,
}

impl Host {
    fn take(&mut self, id: ChannelId) -> Option<Channel<Msg>> {
        let place = self.channels.iter().position(|channel| channel.id() == id)?;
        Some(self.channels.swap_remove(place))
    }
}

impl server::Handler for Host {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(if (user, password) == (USER, PASSWORD) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.push(channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, _: &str, session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.take(id) {
            // Whoever breaks off has gone.
            tokio::spawn(async move { drop(netconf(channel).await) });
        }
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.take(id) {
            let output = command.to_vec();
            tokio::spawn(async move {
                channel.data(output.as_slice()).await?;
                channel.exit_status(0).await?;
                channel.eof().await?;
                channel.close().await
            });
        }
        Ok(())
    }
}

/// Confirms each message with as much as it carried.
async fn netconf(channel: Channel<Msg>) -> Result<()> {
    let mut channel = Messages { channel, unread: Vec::new() };
    channel.write(format!("{HELLO}<session-id>1</session-id></hello>").as_bytes()).await?;
    channel.read().await?;
    loop {
        let message = String::from_utf8(channel.read().await?)?;
        let id = message.split("message-id=\"").nth(1).and_then(|rest| rest.split('"').next());
        channel.write(reply(id.context("a message without an id")?).as_bytes()).await?;
    }
}

fn rpc(number: u64) -> String {
    let filler = "x".repeat(SIZE);
    format!(
        "<rpc xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"{number}\"><note>{filler}</note></rpc>"
    )
}

fn reply(id: &str) -> String {
    let filler = "x".repeat(SIZE);
    format!(
        "<rpc-reply xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"{id}\"><data>{filler}</data></rpc-reply>"
    )
}

/// NETCONF 1.0's messages on a channel of either end.
struct Messages<S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static> {
    channel: Channel<S>,
    unread: Vec<u8>,
}

impl<S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static> Messages<S> {
    async fn write(&self, message: &[u8]) -> Result<()> {
        Ok(self.channel.data([message, END].concat().as_slice()).await?)
    }

    async fn read(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = self.unread.windows(END.len()).position(|window| window == END) {
                let rest = self.unread.split_off(end + END.len());
                let mut message = std::mem::replace(&mut self.unread, rest);
                message.truncate(end);
                return Ok(message);
            }
            let message = self.channel.wait().await.context("the channel has been closed")?;
            if let ChannelMsg::Data { data } = message {
                self.unread.extend_from_slice(&data);
            }
        }
    }
}

/// Trusts whoever answers: both ends are here.
struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

async fn login(address: SocketAddr) -> Result<client::Handle<Trusting>> {
    let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
    let mut session = client::connect(config, address, Trusting).await?;
    ensure!(session.authenticate_password(USER, PASSWORD).await?.success(), "the login was refused");
    Ok(session)
}

/// The raw NETCONF client.
struct Netconf {
    messages: Messages<client::Msg>,
    _session: client::Handle<Trusting>,
}

impl Client for Netconf {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let session = login(address).await?;
        let channel = session.channel_open_session().await?;
        channel.request_subsystem(true, "netconf").await?;
        let mut messages = Messages { channel, unread: Vec::new() };
        messages.write(format!("{HELLO}</hello>").as_bytes()).await?;
        messages.read().await?;
        Ok(Self { messages, _session: session })
    }

    async fn send(&mut self, number: u64) -> Result<()> {
        self.messages.write(rpc(number).as_bytes()).await
    }

    async fn receive(&mut self) -> Result<u64> {
        let message = self.messages.read().await?;
        ensure!(message.starts_with(b"<rpc-reply"), "that is no reply");
        Ok(0)
    }
}

/// The raw client for commands: a channel for each.
struct Exec {
    session: client::Handle<Trusting>,
    channel: Option<Channel<client::Msg>>,
}

impl Client for Exec {
    async fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self { session: login(address).await?, channel: None })
    }

    async fn send(&mut self, number: u64) -> Result<()> {
        let channel = self.session.channel_open_session().await?;
        channel.exec(true, command(number)).await?;
        self.channel = Some(channel);
        Ok(())
    }

    async fn receive(&mut self) -> Result<u64> {
        let mut channel = self.channel.take().context("nothing was asked")?;
        let (mut output, mut status) = (0, None);
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } => output += data.len(),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                _ => {}
            }
        }
        ensure!(output > SIZE && status == Some(0), "the command failed");
        Ok(0)
    }
}

fn command(number: u64) -> String {
    format!("echo {number} {}", "x".repeat(SIZE))
}

fn exchange(request: Request) -> Exchange {
    Exchange { context: Body::default(), endpoint: "default".to_owned(), request, extensions: Vec::new() }
}

/// NETCONF, and commands.
pub async fn wires() -> Result<[Wire; 2]> {
    let key = PrivateKey::random(&mut key::safe_rng(), Algorithm::Ed25519)?;
    let host_key = key.public_key().to_openssh()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let config =
        Arc::new(server::Config { keys: vec![key], auth_rejection_time: Duration::ZERO, ..server::Config::default() });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Where it cannot be set, the connection works all the same.
            let _ = stream.set_nodelay(true);
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                if let Ok(session) = server::run_stream(config, stream, Host::default()).await {
                    // Whoever breaks off has gone.
                    drop(session.await);
                }
            });
        }
    });
    let settings = Settings { ssh: Ssh { host_keys: vec![host_key] }, ..settings(format!("ssh://{address}")) };
    let secrets = [("username", USER), ("password", PASSWORD)];
    let secrets: Secrets = secrets.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let netconf = MessageProtocol {
        framing: Framing::Netconf,
        correlation: Correlation::InOrder,
        preamble: None,
        keepalives: Vec::new(),
        extensions: Vec::new(),
    };
    let exec = CommandProtocol { transport: CommandTransport::SshExec, prompt: None, extensions: Vec::new() };
    Ok([
        Wire {
            name: "netconf",
            protocol: Protocol::Message(netconf),
            scheme: AuthScheme::Basic,
            secrets: secrets.clone(),
            settings: settings.clone(),
            exchange: |number| exchange(Request::Message(Body(rpc(number).into_bytes()))),
            is_reply: |number, reply| matches!(reply, Reply::Message(message) if message.0 == self::reply(&number.to_string()).as_bytes()),
            raw: apart::<Netconf>(address),
        },
        Wire {
            name: "ssh-exec",
            protocol: Protocol::Command(exec),
            scheme: AuthScheme::Basic,
            secrets,
            settings,
            exchange: |number| exchange(Request::Command(Body(command(number).into_bytes()))),
            is_reply: |number, reply| matches!(reply, Reply::Command(reply) if reply.output.0 == command(number).as_bytes()),
            raw: apart::<Exec>(address),
        },
    ])
}
