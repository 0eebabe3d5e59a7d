//! Waiting for something to come true: bounded, and not against the wish of whoever pressed Ctrl-C.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits, and knows when it shall not any longer.
pub struct Patience {
    signals: Receiver<()>,
}

impl Patience {
    /// From now on SIGINT, SIGTERM and SIGHUP no longer end this process; they end its waiting.
    pub fn new() -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals cannot be received")?;
        let (told, heard) = mpsc::channel();
        thread::spawn(move || signals.forever().try_for_each(|_| told.send(())));
        Ok(Self { signals: heard })
    }

    /// Looks until there is something to see, which it gives back.
    ///
    /// # Errors
    /// If looking fails, if nothing has come within `bound`, or on a signal.
    pub fn until<T>(&self, what: &str, bound: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + bound;
        loop {
            if let Some(seen) = look()? {
                return Ok(seen);
            }
            if Instant::now() > deadline {
                bail!("waited {} s in vain for {what}", bound.as_secs());
            }
            match self.signals.recv_timeout(PAUSE) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => bail!("interrupted while waiting for {what}"),
            }
        }
    }

    /// Fails if a signal came while nobody was waiting.
    pub fn check(&self) -> Result<()> {
        match self.signals.try_recv() {
            Ok(()) => bail!("interrupted"),
            Err(_) => Ok(()),
        }
    }

    /// Waits for a signal, however long.
    pub fn until_a_signal(&self) {
        // It can fail only if the thread that listens is gone, and then nothing would ever come.
        let _ = self.signals.recv();
    }
}
