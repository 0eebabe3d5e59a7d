//! A small key-value daemon that speaks messages of 4096 bytes, for the demo and the tests.
//!
//! It keeps a value and a timestamp for each key, in memory. There is no login, no deletion and no list: the protocol has
//! none. Many requests may be under way on a connection; a reply repeats the id of its request, and comes when it is
//! ready.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let mut daemon = kvdaemon::Daemon::start("127.0.0.1:0".parse().unwrap()).await?;
//! // … something stores an entry …
//! assert_eq!(daemon.requests(), 1);
//! assert_eq!(daemon.entries()[&b"key"[..]].value, b"value");
//! daemon.stop().await; // as a power cut does
//! daemon.start_again().await?; // what it kept is still there
//! # Ok(()) }
//! ```

pub mod frame;
mod serve;
mod store;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::watch;

use serve::Server;
pub use store::Entry;
use store::Store;

/// What connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    store: parking_lot::Mutex<Store>,
    requests: AtomicUsize,
    open: watch::Sender<usize>,
}

/// A running daemon. Dropping it stops it.
#[derive(Debug)]
pub struct Daemon {
    addr: SocketAddr,
    shared: Arc<Shared>,
    server: Option<Server>,
}

impl Daemon {
    /// Starts a daemon that keeps nothing yet. Port 0 takes any free port.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        let shared =
            Shared { store: parking_lot::Mutex::default(), requests: AtomicUsize::new(0), open: watch::channel(0).0 };
        let shared = Arc::new(shared);
        let server = Server::start(addr, Arc::clone(&shared)).await?;
        Ok(Self { addr: server.addr(), shared, server: Some(server) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it listens, as a URL without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("tcp://{}", self.addr)
    }

    /// How many requests have come, whatever became of them.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.requests.load(SeqCst)
    }

    /// What it keeps.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<Vec<u8>, Entry> {
        self.shared.store.lock().entries()
    }

    /// How many connections are open, now and whenever that changes.
    #[must_use]
    pub fn connections(&self) -> watch::Receiver<usize> {
        self.shared.open.subscribe()
    }

    /// Stops listening and cuts every connection at once, as a power cut does. What it keeps stays.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Listens again, at the same address, after [`Daemon::stop`].
    ///
    /// # Errors
    /// Where the address cannot be bound again.
    pub async fn start_again(&mut self) -> io::Result<()> {
        self.stop().await;
        self.server = Some(Server::start(self.addr, Arc::clone(&self.shared)).await?);
        Ok(())
    }
}
