//! What waits for the next matching exchange.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use http::request;
use tokio::sync::oneshot;

use super::Spoil;

/// An exchange that waits in the proxy. Dropped, it is cut off: the client's connection closes without a reply.
#[derive(Debug)]
pub struct Held {
    sprung: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

/// The proxy's side of a [`Held`].
#[derive(Debug)]
pub(super) struct Gate {
    sprung: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

#[derive(Debug)]
pub(super) enum Effect {
    HoldRequest(Gate),
    HoldReply(Gate),
    Spoil(Spoil),
}

pub(super) struct Trap {
    pub matches: Box<dyn Fn(&request::Parts) -> bool + Send>,
    pub effect: Effect,
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trap").field(&self.effect).finish()
    }
}

pub(super) fn held() -> (Held, Gate) {
    let (sprung_sender, sprung) = oneshot::channel();
    let (release, release_receiver) = oneshot::channel();
    (Held { sprung, release }, Gate { sprung: sprung_sender, release: release_receiver })
}

impl Held {
    /// Waits until an exchange has been caught.
    ///
    /// # Errors
    /// Where none comes within half a minute.
    pub async fn caught(&mut self) -> Result<()> {
        let caught = tokio::time::timeout(Duration::from_secs(30), &mut self.sprung).await;
        caught.context("no exchange was caught")?.context("the proxy has stopped")
    }

    /// Lets it go on. Nothing happens if the client has gone away meanwhile and only its reply was held.
    pub fn release(self) {
        // The other side is gone only where the proxy has stopped.
        let _ = self.release.send(());
    }
}

impl Gate {
    /// Tells the test, and waits for its decision.
    pub async fn pass(self) -> Result<()> {
        // The test may only be interested in the hold, not in when it begins.
        let _ = self.sprung.send(());
        self.release.await.map_err(|_| anyhow!("the exchange was cut off"))
    }
}
