//! A small simulated firewall, for the demo and the tests.
//!
//! Its API is what such an appliance might have: rules, an action on a rule, a commit, a status, an API key. Beside it,
//! the simulation's own side: every request is recorded, and replies can be held back, lost, cut short or replaced, on
//! demand and deterministically, so that a test can stand exactly between a request's effect and its reply.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use firewall_appliance::{Appliance, Fault, Moment};
//!
//! let appliance = Appliance::start("127.0.0.1:0".parse().unwrap()).await?;
//! appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
//! // … a create now happens, and its reply is lost …
//! assert_eq!(appliance.count("POST", "/api/v1/rules"), 1);
//! # Ok(()) }
//! ```

mod api;
mod error;
mod fault;
mod journal;
mod rule;
mod serve;
mod sim;
mod store;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

pub use fault::{Fault, Moment};
pub use journal::Request;
pub use rule::{Action, Protocol, Rule, RuleSpec};

use fault::Faults;
use journal::Journal;
use serve::Server;
use store::Store;

/// The API key that is wanted in `X-Api-Key` unless another is chosen.
pub const API_KEY: &str = "firewall-key";

/// What requests share.
pub(crate) struct Shared {
    pub store: parking_lot::Mutex<Store>,
    pub journal: Journal,
    pub faults: Faults,
    pub key: Option<String>,
}

/// A running appliance. Dropping it stops it.
pub struct Appliance {
    addr: SocketAddr,
    shared: Arc<Shared>,
    server: Option<Server>,
}

impl Appliance {
    /// Starts an appliance that wants [`API_KEY`]. Port 0 takes any free port.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        Self::start_with_key(addr, Some(API_KEY.to_owned())).await
    }

    /// Starts an appliance that wants this key, or none.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub async fn start_with_key(addr: SocketAddr, key: Option<String>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            store: parking_lot::Mutex::default(),
            journal: Journal::default(),
            faults: Faults::default(),
            key,
        });
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
        format!("http://{}", self.addr)
    }

    /// The requests to the API so far, in order of arrival. Those to the simulation's own side are not among them.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.journal.all()
    }

    /// How many requests had this method and a path that starts so.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.shared.journal.all().iter().filter(|request| request.is(method, path)).count()
    }

    /// How many requests changed something.
    #[must_use]
    pub fn effects(&self) -> usize {
        self.shared.journal.all().iter().filter(|request| request.effect).count()
    }

    /// Waits until that many requests of this method and path have arrived. Cancel-safe.
    pub async fn arrived(&self, method: &str, path: &str, count: usize) {
        self.shared.journal.until(|all| all.iter().filter(|request| request.is(method, path)).count() >= count).await;
    }

    /// Waits until that many requests have changed something. Cancel-safe.
    pub async fn took_effect(&self, count: usize) {
        self.shared.journal.until(|all| all.iter().filter(|request| request.effect).count() >= count).await;
    }

    /// Arms a fault behind those that are armed already.
    pub fn arm(&self, fault: Fault) {
        self.shared.faults.arm(fault);
    }

    /// From now on requests wait at this moment, until [`Appliance::release`].
    pub fn hold(&self, at: Moment) {
        self.shared.faults.hold(at);
    }

    /// Lets all go that wait, and nothing waits any more.
    pub fn release(&self) {
        self.shared.faults.release();
    }

    /// The rules, in order of creation.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.shared.store.lock().all()
    }

    /// Stops listening and cuts every connection at once, as a power cut does. Rules and records stay.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Listens again, at the same address, after [`Appliance::stop`].
    ///
    /// # Errors
    /// Where the address cannot be bound again.
    pub async fn start_again(&mut self) -> io::Result<()> {
        self.stop().await;
        self.server = Some(Server::start(self.addr, Arc::clone(&self.shared)).await?);
        Ok(())
    }
}
