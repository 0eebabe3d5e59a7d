//! The far side of protocols that are messages on a TCP connection: a proxy that counts them.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::far_side::{FarSide, Told, Trouble};

/// What the proxy has to know of a protocol.
pub trait Messages: Send + Sync + 'static {
    /// The length of the first message in these bytes; none while it is not whole.
    fn first(&self, bytes: &[u8]) -> Option<usize>;

    /// Whether a reply is all that comes until the connection ends, in however many pieces.
    fn replies_end_with_the_connection(&self) -> bool {
        false
    }

    /// Whether a message is a call's: a request, or a reply to one. Greetings and keepalives are not.
    fn is_of_a_call(&self, message: &[u8]) -> bool;

    /// What the backend says to this request when it meets this trouble; none where the protocol cannot say that. A
    /// reply that is malformed is one that still finds its request.
    fn says(&self, trouble: Trouble, request: &[u8]) -> Option<Vec<u8>>;

    /// What the caller is told of a trouble; none where the protocol cannot have it.
    fn told(&self, trouble: Trouble) -> Option<Told>;
}

/// The far side of any such backend: a proxy before it.
///
/// A trouble is met by the next request. It stands for calls that are made one at a time: of two that are under way on
/// one connection, the first reply is spoilt, whoever's it is.
pub struct FramedFarSide {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    upstream: SocketAddr,
    messages: Box<dyn Messages>,
    exchanges: AtomicUsize,
    asides: AtomicUsize,
    connections: AtomicUsize,
    trouble: Mutex<Option<Trouble>>,
    /// Counts how often late replies were let go.
    released: watch::Sender<usize>,
}

impl FramedFarSide {
    /// Before the server at this address.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn before(upstream: SocketAddr, messages: impl Messages) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            messages: Box::new(messages),
            exchanges: AtomicUsize::default(),
            asides: AtomicUsize::default(),
            connections: AtomicUsize::default(),
            trouble: Mutex::default(),
            released: watch::channel(0).0,
        });
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, serving: Mutex::new(Some(serving)) })
    }

    /// The address that the backend's settings name.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// How often the client said something that is not of a call: greetings, and answers to keepalives.
    pub fn asides(&self) -> usize {
        self.shared.asides.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    fn serving(&self) -> Option<JoinHandle<()>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl FarSide for FramedFarSide {
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
        if let Some(serving) = self.serving() {
            serving.abort();
            // Aborted is how it ends; with it go the port and the connections.
            let _ = serving.await;
        }
    }

    async fn back(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let serving = tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
    }

    fn told(&self, trouble: Trouble) -> Option<Told> {
        self.shared.messages.told(trouble)
    }
}

impl Drop for FramedFarSide {
    fn drop(&mut self) {
        if let Some(serving) = self.serving() {
            serving.abort();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, which closes the connections.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // An error is how a connection ends whose other half has ended.
            let _ = Between::new(client, &shared).await?.pass().await;
            io::Result::Ok(())
        });
    }
}

/// One client's connection and its own to the server.
struct Between<'a> {
    client: TcpStream,
    server: TcpStream,
    shared: &'a Shared,
    /// What the next reply meets, and the request that it answers.
    spoilt: Option<(Trouble, Vec<u8>)>,
    late: Vec<u8>,
}

/// The connection is cut.
struct Cut;

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl<'a> Between<'a> {
    async fn new(client: TcpStream, shared: &'a Shared) -> io::Result<Self> {
        let server = TcpStream::connect(shared.upstream).await?;
        Ok(Self { client, server, shared, spoilt: None, late: Vec::new() })
    }

    async fn pass(mut self) -> Result<(), Cut> {
        let (mut asked, mut answered) = (BytesMut::new(), BytesMut::new());
        let mut released = self.shared.released.subscribe();
        loop {
            tokio::select! {
                read = self.client.read_buf(&mut asked) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    while let Some(length) = self.shared.messages.first(&asked) {
                        let message = asked.split_to(length);
                        self.ask(&message).await?;
                    }
                }
                read = self.server.read_buf(&mut answered) => {
                    let whole = self.shared.messages.replies_end_with_the_connection();
                    if read? == 0 {
                        if whole && !answered.is_empty() {
                            self.answer(&answered.split()).await?;
                        }
                        // Where a reply ends with its connection, a late one must not end sooner.
                        if !self.late.is_empty() {
                            released.changed().await.map_err(|_| Cut)?;
                            self.client.write_all(&self.late).await?;
                        }
                        return Ok(());
                    }
                    while let Some(length) = self.shared.messages.first(&answered).filter(|_| !whole) {
                        let message = answered.split_to(length);
                        self.answer(&message).await?;
                    }
                }
                changed = released.changed() => {
                    changed.map_err(|_| Cut)?;
                    let late = std::mem::take(&mut self.late);
                    self.client.write_all(&late).await?;
                }
            }
        }
    }

    async fn ask(&mut self, message: &[u8]) -> Result<(), Cut> {
        if self.shared.messages.is_of_a_call(message) {
            let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.shared.exchanges.fetch_add(1, Ordering::SeqCst);
            match trouble {
                Some(Trouble::LostRequest) => return Err(Cut),
                Some(trouble @ (Trouble::Unauthenticated | Trouble::Throttled)) => {
                    let refusal = self.shared.messages.says(trouble, message).unwrap();
                    return Ok(self.client.write_all(&refusal).await?);
                }
                Some(trouble) => self.spoilt = Some((trouble, message.to_vec())),
                None => {}
            }
        } else {
            self.shared.asides.fetch_add(1, Ordering::SeqCst);
        }
        Ok(self.server.write_all(message).await?)
    }

    async fn answer(&mut self, message: &[u8]) -> Result<(), Cut> {
        if !self.shared.messages.is_of_a_call(message) {
            return Ok(self.client.write_all(message).await?);
        }
        match self.spoilt.take() {
            None => Ok(self.client.write_all(message).await?),
            Some((Trouble::LostReply, _)) => Err(Cut),
            Some((Trouble::Truncated, _)) => {
                self.client.write_all(message.get(..message.len() / 2).unwrap_or_default()).await?;
                // A connection that is closed with bytes unread would take the half reply along.
                self.client.shutdown().await?;
                Err(Cut)
            }
            Some((Trouble::Late, _)) => {
                self.late.extend_from_slice(message);
                Ok(())
            }
            Some((trouble, request)) => {
                let nonsense = self.shared.messages.says(trouble, &request).unwrap();
                Ok(self.client.write_all(&nonsense).await?)
            }
        }
    }
}
