//! An SSH server that does what a script says, once for each thing that it is asked to run.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey, key};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, MethodKind, MethodSet};
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::PASSWORD;
use crate::transport::tests::PATIENCE;

/// How many bytes a socket buffers between the two ends of a connection.
const PIPE: usize = 64 * 1024;

/// What the server has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: usize,
    /// Attempts to log in, whatever with.
    pub(super) logins: usize,
    /// Channels on which something was asked for.
    pub(super) channels: usize,
    /// Channels that the client closed.
    pub(super) closed: usize,
    /// All that was received on channels.
    pub(super) bytes: String,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    key: PrivateKey,
    seen: watch::Receiver<Seen>,
    lines: Arc<Mutex<Vec<AbortHandle>>>,
}

/// How the server behaves.
#[derive(Default)]
pub(super) struct Manners {
    /// The key that it takes beside the password.
    pub(super) user_key: Option<PublicKey>,
    /// It takes passwords only as answers to questions.
    pub(super) asks: bool,
    /// It opens this many channels and no more.
    pub(super) channels: Option<usize>,
    /// The sort of its host key; Ed25519 by default.
    pub(super) host_key: Option<Algorithm>,
}

/// What a script is about: one channel and what shall run on it.
pub(super) struct Served {
    /// `subsystem:NAME`, `exec:COMMAND` or `shell`.
    pub(super) asked: String,
    /// How many were asked for before.
    pub(super) index: usize,
    channel: Channel<Msg>,
    handle: server::Handle,
    seen: watch::Sender<Seen>,
    lines: Arc<Mutex<Vec<AbortHandle>>>,
    unread: String,
}

type Script = Arc<dyn Fn(Served) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl Server {
    pub(super) async fn start<F, S>(manners: Manners, script: F) -> Self
    where
        F: Fn(Served) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let algorithm = manners.host_key.clone().unwrap_or(Algorithm::Ed25519);
        let key = random_key(algorithm);
        let methods = [MethodKind::PublicKey, MethodKind::KeyboardInteractive, MethodKind::Password];
        let methods = methods.into_iter().filter(|method| !manners.asks || *method != MethodKind::Password);
        let config = Arc::new(server::Config {
            keys: vec![key.clone()],
            methods: MethodSet::from(methods.collect::<Vec<_>>().as_slice()),
            auth_rejection_time: Duration::ZERO,
            ..server::Config::default()
        });
        let script: Script = Arc::new(move |served| Box::pin(script(served)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = watch::channel(Seen::default());
        let (manners, lines) = (Arc::new(manners), Arc::new(Mutex::new(Vec::new())));
        let shared = Arc::clone(&lines);
        tokio::spawn(async move {
            loop {
                let (mut outside, _) = listener.accept().await.unwrap();
                sender.send_modify(|seen| seen.connections += 1);
                let (inside, mut between) = tokio::io::duplex(PIPE);
                let line = tokio::spawn(async move { drop(copy_bidirectional(&mut outside, &mut between).await) });
                shared.lock().unwrap().push(line.abort_handle());
                let client = Client {
                    manners: Arc::clone(&manners),
                    script: Arc::clone(&script),
                    seen: sender.clone(),
                    lines: Arc::clone(&shared),
                    waiting: Vec::new(),
                };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(running) = server::run_stream(config, inside, client).await {
                        drop(running.await);
                    }
                });
            }
        });
        Self { address, key, seen, lines }
    }

    pub(super) fn public_key(&self) -> String {
        self.key.public_key().to_openssh().unwrap()
    }

    pub(super) fn fingerprint(&self) -> String {
        self.key.public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until the server has seen this.
    pub(super) async fn until(&self, what: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let seen = timeout(PATIENCE, seen.wait_for(what)).await.expect("it was never seen").map(|seen| seen.clone());
        seen.unwrap();
    }

    /// Ends all connections as a cut cable would.
    pub(super) fn cut(&self) {
        cut(&self.lines);
    }
}

/// A key that nobody has had. RSA keys have 2048 bits, because unoptimised code takes half a minute for more.
pub(super) fn random_key(algorithm: Algorithm) -> PrivateKey {
    match algorithm {
        Algorithm::Rsa { .. } => RsaKeypair::random(&mut key::safe_rng(), 2048).unwrap().into(),
        other => PrivateKey::random(&mut key::safe_rng(), other).unwrap(),
    }
}

fn cut(lines: &Mutex<Vec<AbortHandle>>) {
    lines.lock().unwrap().drain(..).for_each(|line| line.abort());
}

impl Served {
    /// Waits until this has been received, and takes all up to its end. Empty if the client closed first.
    pub(super) async fn read(&mut self, until: &str) -> String {
        loop {
            if let Some(place) = self.unread.find(until) {
                let rest = self.unread.split_off(place + until.len());
                return std::mem::replace(&mut self.unread, rest);
            }
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    let text = String::from_utf8(data.to_vec()).unwrap();
                    self.seen.send_modify(|seen| seen.bytes.push_str(&text));
                    self.unread.push_str(&text);
                }
                Some(ChannelMsg::Close) | None => return String::new(),
                Some(_) => {}
            }
        }
    }

    pub(super) async fn write(&self, text: impl AsRef<[u8]>) {
        // The client may have gone, which is its right.
        let _ = self.channel.data(text.as_ref()).await;
    }

    /// Writes each byte by itself.
    pub(super) async fn drip(&self, text: &str) {
        for byte in text.as_bytes() {
            self.write([*byte]).await;
        }
    }

    pub(super) async fn complain(&self, text: &str) {
        let _ = self.channel.extended_data(1, text.as_bytes()).await;
    }

    /// Ends as a command does.
    pub(super) async fn exit(self, status: u32) {
        let _ = self.channel.exit_status(status).await;
        self.end().await;
    }

    /// Ends without a word about how it went.
    pub(super) async fn end(self) {
        let _ = self.channel.eof().await;
        let _ = self.channel.close().await;
    }

    /// Has nothing more to say, and leaves it to the client to close.
    pub(super) async fn hang_up(self) {
        let _ = self.channel.eof().await;
        self.hold().await;
    }

    /// Waits until the client closes.
    pub(super) async fn hold(mut self) {
        while !self.read("\u{0}").await.is_empty() {}
    }

    /// Ends all connections as a cut cable would.
    pub(super) fn cut(self) {
        cut(&self.lines);
    }

    /// Says goodbye for the whole connection.
    pub(super) async fn disconnect(self) {
        let reason = russh::Disconnect::ByApplication;
        let _ = self.handle.disconnect(reason, "maintenance".to_owned(), "en".to_owned()).await;
    }
}

struct Client {
    manners: Arc<Manners>,
    script: Script,
    seen: watch::Sender<Seen>,
    lines: Arc<Mutex<Vec<AbortHandle>>>,
    waiting: Vec<Channel<Msg>>,
}

impl Client {
    fn login(&self, accepted: bool) -> Auth {
        self.seen.send_modify(|seen| seen.logins += 1);
        if accepted { Auth::Accept } else { Auth::reject() }
    }

    fn serve(&mut self, id: ChannelId, asked: String, session: &mut Session) {
        if asked == "subsystem:absent" || asked == "exec:forbidden" {
            return session.channel_failure(id).unwrap();
        }
        session.channel_success(id).unwrap();
        let place = self.waiting.iter().position(|channel| channel.id() == id).unwrap();
        let mut index = 0;
        self.seen.send_modify(|seen| {
            index = seen.channels;
            seen.channels += 1;
        });
        let served = Served {
            asked,
            index,
            channel: self.waiting.remove(place),
            handle: session.handle(),
            seen: self.seen.clone(),
            lines: Arc::clone(&self.lines),
            unread: String::new(),
        };
        tokio::spawn((self.script)(served));
    }
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(self.login(user == "admin" && password == PASSWORD))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        let known = self.manners.user_key.as_ref().map(PublicKey::key_data);
        Ok(self.login(user == "admin" && known == Some(key.public_key.key_data())))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<server::Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(mut response) = response else {
            let prompts = vec![("Password: ".into(), false)].into();
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let given = response.next();
        Ok(self.login(given.as_deref() == Some(PASSWORD.as_bytes())))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.manners.channels.is_some_and(|most| self.seen.borrow().channels >= most) {
            reply.reject(russh::ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.waiting.push(channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, _channel: ChannelId, _session: &mut Session) -> Result<(), russh::Error> {
        self.seen.send_modify(|seen| seen.closed += 1);
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.serve(channel, format!("subsystem:{name}"), session);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.serve(channel, format!("exec:{}", String::from_utf8_lossy(command)), session);
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        self.serve(channel, "shell".to_owned(), session);
        Ok(())
    }
}
