//! Connections. Many requests of one connection are under way at a time, and each reply goes out when it is ready,
//! whatever was asked before it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet, yield_now};

use crate::Shared;
use crate::frame::{self, Frame, SIZE, command};

/// Requests of one connection that are under way at a time; more wait in the socket.
const UNDER_WAY: usize = 64;

/// A listening socket and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(addr: SocketAddr, shared: Arc<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { addr, task: tokio::spawn(accept(listener, shared)) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends the listener and all connections; returns when they are gone.
    pub async fn stop(mut self) {
        self.task.abort();
        // Aborted is how it ends.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, it ends all connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    shared.open.send_modify(|open| *open += 1);
    let _closed = Closed(&shared);
    // Without it a reply would wait for the acknowledgement of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (reader, writer) = stream.into_split();
    let (replies, ready) = mpsc::channel(UNDER_WAY);
    // The one that ends first ends the other; an error is how a connection ends whose other end has gone.
    tokio::select! {
        _ = read(reader, replies, &shared) => {}
        _ = write(writer, ready) => {}
    }
}

/// Counts the connection until it ends, in whatever way.
struct Closed<'a>(&'a Shared);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// Reads requests and sees to each by itself.
async fn read(mut reader: OwnedReadHalf, replies: mpsc::Sender<Frame>, shared: &Arc<Shared>) -> io::Result<()> {
    // Dropped with the connection, it ends what is under way.
    let mut under_way = JoinSet::new();
    loop {
        let mut bytes = [0; SIZE];
        reader.read_exact(&mut bytes).await?;
        let number = shared.requests.fetch_add(1, SeqCst);
        while under_way.len() >= UNDER_WAY && under_way.join_next().await.is_some() {}
        let (shared, replies) = (Arc::clone(shared), replies.clone());
        under_way.spawn(async move {
            // Every third takes its time, so that replies do not come in the order of the requests.
            for _ in 0..(number % 3) * 8 {
                yield_now().await;
            }
            let refused = || Frame { id: frame::id(&bytes), command: command::ERROR, ..Frame::default() };
            let reply = Frame::read(&bytes).map_or_else(refused, |request| shared.store.lock().ask(request));
            // The connection may have ended meanwhile.
            let _ = replies.send(reply).await;
        });
        while under_way.try_join_next().is_some() {}
    }
}

async fn write(mut writer: OwnedWriteHalf, mut ready: mpsc::Receiver<Frame>) -> io::Result<()> {
    while let Some(reply) = ready.recv().await {
        writer.write_all(&reply.write()).await?;
    }
    Ok(())
}
