//! The far side: the messages of each session are counted, and spoilt, between the SSH server and `netconfd`.

use std::io;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crosspoint_tests::suite::{FarSide, Told, Trouble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::message::{Cutter, Message, error, reply};
use crate::testbed::{Subsystem, Target, Testbed};

/// The whole of it.
pub struct NetconfFarSide {
    testbed: tokio::sync::Mutex<Testbed>,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    subsystem: OnceLock<Subsystem>,
    exchanges: AtomicUsize,
    sessions: AtomicUsize,
    /// Sessions that have ended.
    ended: AtomicUsize,
    trouble: Mutex<Option<Trouble>>,
    /// Counts how often late replies were let go.
    released: watch::Sender<usize>,
    /// Counts how often the connections were cut.
    cut: watch::Sender<usize>,
}

impl NetconfFarSide {
    pub async fn start(target: Target) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let relay = listener.local_addr()?;
        let shared = Arc::new(Shared {
            subsystem: OnceLock::new(),
            exchanges: AtomicUsize::default(),
            sessions: AtomicUsize::default(),
            ended: AtomicUsize::default(),
            trouble: Mutex::default(),
            released: watch::channel(0).0,
            cut: watch::channel(0).0,
        });
        let testbed = Testbed::start(target, relay).await?;
        shared.subsystem.set(testbed.subsystem()).expect("it is set once");
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { testbed: testbed.into(), shared, serving })
    }

    /// The settings of a backend that is this one.
    pub async fn settings(&self) -> serde_json::Value {
        self.testbed.lock().await.settings()
    }

    /// How many sessions there have been, and how many of them have ended.
    pub fn sessions(&self) -> (usize, usize) {
        (self.shared.sessions.load(Ordering::SeqCst), self.shared.ended.load(Ordering::SeqCst))
    }
}

impl Drop for NetconfFarSide {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FarSide for NetconfFarSide {
    fn exchanges(&self) -> usize {
        self.shared.exchanges.load(Ordering::SeqCst)
    }

    fn trouble(&self, trouble: Trouble) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    fn release(&self) {
        self.shared.released.send_modify(|times| *times += 1);
    }

    async fn gone(&self) {
        self.testbed.lock().await.close();
        self.shared.cut.send_modify(|times| *times += 1);
    }

    async fn back(&self) {
        self.testbed.lock().await.open().await.expect("the SSH server starts once more");
    }

    /// Who is not let in is told so when the connection is made, before any exchange.
    fn told(&self, trouble: Trouble) -> Option<Told> {
        (trouble != Trouble::Unauthenticated).then(|| trouble.usually())
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, which ends the sessions.
    let mut sessions = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while sessions.try_join_next().is_some() {}
        shared.sessions.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        sessions.spawn(async move {
            let mut cut = shared.cut.subscribe();
            cut.mark_unchanged();
            tokio::select! {
                // An error is how a session ends whose other half has ended.
                _ = session(client, &shared) => {}
                _ = cut.changed() => {}
            }
            shared.ended.fetch_add(1, Ordering::SeqCst);
        });
    }
}

/// The session is cut.
struct Cut;

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Self
    }
}

async fn session(client: TcpStream, shared: &Shared) -> Result<(), Cut> {
    let mut command = shared.subsystem.get().expect("it is set before the address is known").command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err(Cut) };
    Between { client, input, output, shared, session: None, greeting: None, spoilt: None, late: None }.pass().await
}

struct Between<'a> {
    client: TcpStream,
    input: ChildStdin,
    output: ChildStdout,
    shared: &'a Shared,
    /// The id of a session that has made no exchange yet.
    session: Option<String>,
    /// The client's hello, until the server's has come: `netconfd` handles what it reads together with the beginning of
    /// a session when more comes, and not before.
    greeting: Option<String>,
    /// What the next reply meets, and the id of the request that it answers.
    spoilt: Option<(Trouble, String)>,
    late: Option<String>,
}

impl Between<'_> {
    async fn pass(mut self) -> Result<(), Cut> {
        let (mut asked, mut answered) = (Cutter::default(), Cutter::default());
        let (mut from_client, mut from_server) = (vec![0; 4096], vec![0; 4096]);
        let mut released = self.shared.released.subscribe();
        loop {
            tokio::select! {
                read = self.client.read(&mut from_client) => match read? {
                    0 => return Ok(()),
                    count => {
                        asked.push(&from_client[..count]);
                        while let Some(message) = asked.next() {
                            self.ask(&message).await?;
                        }
                    }
                },
                read = self.output.read(&mut from_server) => match read? {
                    0 => return Ok(()),
                    count => {
                        answered.push(&from_server[..count]);
                        while let Some(message) = answered.next() {
                            self.answer(&message).await?;
                        }
                    }
                },
                changed = released.changed() => {
                    changed.map_err(|_| Cut)?;
                    if let Some(late) = self.late.take() {
                        self.client.write_all(late.as_bytes()).await?;
                    }
                }
            }
        }
    }

    async fn ask(&mut self, message: &Message) -> Result<(), Cut> {
        if message.hello && self.session.is_none() {
            self.greeting = Some(message.text.clone());
            return Ok(());
        }
        if message.is_exchange() {
            if let (Some(session), Some(subsystem)) = (self.session.take(), self.shared.subsystem.get()) {
                subsystem.active(&session).await;
            }
            let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.shared.exchanges.fetch_add(1, Ordering::SeqCst);
            match trouble {
                Some(Trouble::LostRequest) => return Err(Cut),
                Some(Trouble::Throttled) => {
                    let refusal = reply(message.id(), &error("resource-denied"));
                    return Ok(self.client.write_all(refusal.as_bytes()).await?);
                }
                Some(trouble) => self.spoilt = Some((trouble, message.id().to_owned())),
                None => {}
            }
        }
        Ok(self.input.write_all(message.text.as_bytes()).await?)
    }

    async fn answer(&mut self, message: &Message) -> Result<(), Cut> {
        if message.hello {
            let id = message.text.split("<session-id>").nth(1).and_then(|rest| rest.split('<').next());
            self.session = id.map(str::to_owned);
            if let Some(greeting) = self.greeting.take() {
                self.input.write_all(greeting.as_bytes()).await?;
            }
        }
        let Some((trouble, id)) = (if message.hello { None } else { self.spoilt.take() }) else {
            return Ok(self.client.write_all(message.text.as_bytes()).await?);
        };
        match trouble {
            Trouble::LostReply => Err(Cut),
            Trouble::Truncated => {
                // As far as it shows whose reply it is: without that it would be any message.
                let end = message
                    .text
                    .find("<rpc-reply")
                    .and_then(|start| message.text[start..].find('>').map(|end| start + end + 1));
                self.client.write_all(&message.text.as_bytes()[..end.expect("it is a reply")]).await?;
                self.client.shutdown().await?;
                Err(Cut)
            }
            Trouble::Late => {
                self.late = Some(message.text.clone());
                Ok(())
            }
            _ => Ok(self.client.write_all(reply(&id, "<gibberish/>").as_bytes()).await?),
        }
    }
}
