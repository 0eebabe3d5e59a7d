//! A backend that does what a script says, once for each connection, byte by byte.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::super::PATIENCE;
use crate::transport::dial::Stream;

/// The backend.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    open: watch::Receiver<usize>,
    listening: JoinHandle<()>,
    astonished: Arc<AtomicBool>,
}

/// One accepted connection.
pub(super) struct Peer {
    /// How many connections were accepted before.
    pub(super) index: usize,
    stream: Box<dyn Stream>,
    socket: Option<socket2::Socket>,
}

impl Backend {
    pub(super) async fn start<F, S>(script: F) -> Self
    where
        F: Fn(Peer) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        Self::start_behind(None, script).await
    }

    /// Behind TLS if so configured.
    pub(super) async fn start_behind<F, S>(tls: Option<rustls::ServerConfig>, script: F) -> Self
    where
        F: Fn(Peer) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let (open, count) = watch::channel(0);
        let astonished = Arc::<AtomicBool>::default();
        let astonishment = Arc::clone(&astonished);
        let listening = tokio::spawn(async move {
            for index in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let socket = socket(&stream);
                let stream: Box<dyn Stream> = match &acceptor {
                    None => Box::new(stream),
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => continue,
                    },
                };
                open.send_modify(|open| *open += 1);
                let script = tokio::spawn(script(Peer { index, stream, socket: Some(socket) }));
                let (open, astonished) = (open.clone(), Arc::clone(&astonishment));
                tokio::spawn(async move {
                    if script.await.is_err_and(|error| error.is_panic()) {
                        astonished.store(true, SeqCst);
                    }
                    open.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { address, open: count, listening, astonished }
    }

    pub(super) fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Waits until so many connections are open at this end.
    pub(super) async fn until_open(&self, count: usize) {
        let mut open = self.open.clone();
        timeout(PATIENCE, open.wait_for(|open| *open == count)).await.expect("connections stay open").unwrap();
    }

    /// Takes no more connections.
    pub(super) async fn close_door(&mut self) {
        self.listening.abort();
        assert!((&mut self.listening).await.unwrap_err().is_cancelled());
    }
}

impl Drop for Backend {
    /// A script that saw what it did not expect fails the test.
    fn drop(&mut self) {
        assert!(std::thread::panicking() || !self.astonished.load(SeqCst), "see the backend's panic above");
    }
}

impl Peer {
    /// So many bytes; fewer where the other end closed before.
    pub(super) async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut done = 0;
        while done < count {
            match self.stream.read(&mut bytes[done..]).await {
                Ok(0) | Err(_) => break,
                Ok(more) => done += more,
            }
        }
        bytes.truncate(done);
        bytes
    }

    /// Up to a line feed, which is not given; none where the other end closed.
    pub(super) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.read(1).await.as_slice() {
                [] => return None,
                [b'\n'] => return Some(String::from_utf8(line).unwrap()),
                other => line.extend_from_slice(other),
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // The client may have gone, which is its right.
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Each byte by itself.
    pub(super) async fn trickle(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.write([*byte]).await;
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the other end closes, and gives what came until then.
    pub(super) async fn hold(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes).await;
        bytes
    }

    /// Says goodbye, in TLS too.
    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection with a reset instead of in order.
    pub(super) fn reset(mut self) {
        self.socket.take().unwrap().set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}

fn socket(stream: &TcpStream) -> socket2::Socket {
    use std::os::fd::AsFd;
    stream.as_fd().try_clone_to_owned().unwrap().into()
}
