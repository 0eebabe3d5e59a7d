use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use super::{ErrorKind, TransportError};

/// What one transport has done since it was made. Counters only ever grow; reading them costs and disturbs nothing.
#[derive(Debug, Default)]
pub struct Stats {
    answered: AtomicU64,
    failed: [AtomicU64; ErrorKind::ALL.len()],
    connects: AtomicU64,
    connects_failed: AtomicU64,
    logins: AtomicU64,
    logins_failed: AtomicU64,
    body_bytes_sent: AtomicU64,
    body_bytes_received: AtomicU64,
    late_replies: AtomicU64,
    unknown_replies: AtomicU64,
    keepalives: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Exchanges that got a whole reply, whatever its status.
    pub answered: u64,
    /// Exchanges that did not, by reason; reasons that never occurred are absent. An exchange whose future was dropped
    /// counts nowhere.
    pub failed: BTreeMap<ErrorKind, u64>,
    /// Connections made, TLS included.
    pub connects: u64,
    /// Connections that could not be made.
    pub connects_failed: u64,
    /// Logins that brought a session. A login's own exchange is also among `answered`.
    pub logins: u64,
    /// Logins that brought none.
    pub logins_failed: u64,
    /// Bytes of the bodies of exchanges begun.
    pub body_bytes_sent: u64,
    /// Bytes of the bodies of replies, broken ones included. On protocols without bodies, all that came.
    pub body_bytes_received: u64,
    /// Replies that came when their caller had gone; they were dropped.
    pub late_replies: u64,
    /// Messages that answered nothing: unasked for, or a second time. They were dropped.
    pub unknown_replies: u64,
    /// Questions of the backend whether anybody is there that were answered.
    pub keepalives: u64,
}

impl Stats {
    /// The counters now. Each is exact; together they are not one instant.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let failed = ErrorKind::ALL.into_iter().zip(&self.failed).map(|(kind, count)| (kind, count.load(Relaxed)));
        Snapshot {
            answered: self.answered.load(Relaxed),
            failed: failed.filter(|(_, count)| *count > 0).collect(),
            connects: self.connects.load(Relaxed),
            connects_failed: self.connects_failed.load(Relaxed),
            logins: self.logins.load(Relaxed),
            logins_failed: self.logins_failed.load(Relaxed),
            body_bytes_sent: self.body_bytes_sent.load(Relaxed),
            body_bytes_received: self.body_bytes_received.load(Relaxed),
            late_replies: self.late_replies.load(Relaxed),
            unknown_replies: self.unknown_replies.load(Relaxed),
            keepalives: self.keepalives.load(Relaxed),
        }
    }

    /// Counts an exchange that came to this.
    pub(super) fn ended<T>(&self, outcome: &Result<T, TransportError>) {
        match outcome {
            Ok(_) => self.answered(),
            Err(error) => self.failed(error.kind),
        }
    }

    pub(super) fn answered(&self) {
        self.answered.fetch_add(1, Relaxed);
    }

    pub(super) fn failed(&self, kind: ErrorKind) {
        if let Some(count) = self.failed.get(kind as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn connected(&self, success: bool) {
        if success { &self.connects } else { &self.connects_failed }.fetch_add(1, Relaxed);
    }

    pub(super) fn logged_in(&self, success: bool) {
        if success { &self.logins } else { &self.logins_failed }.fetch_add(1, Relaxed);
    }

    pub(super) fn body_sent(&self, bytes: usize) {
        self.body_bytes_sent.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn body_received(&self, bytes: usize) {
        self.body_bytes_received.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn late_reply(&self) {
        self.late_replies.fetch_add(1, Relaxed);
    }

    pub(super) fn unknown_reply(&self) {
        self.unknown_replies.fetch_add(1, Relaxed);
    }

    pub(super) fn keepalive_answered(&self) {
        self.keepalives.fetch_add(1, Relaxed);
    }
}
