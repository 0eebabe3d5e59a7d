//! File descriptors: each caller's connection takes one, each call under way another for its exchange, and systems grant
//! a process few unless it asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the store, backends, drivers and the log take.
const OTHERS: u64 = 1024;

/// Asks the system for as many descriptors as so many connections with a call each may take, and says if it grants fewer.
pub fn provide(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let granted = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(granted), ..limit });
    if raised.is_err() || granted < wanted {
        tracing::warn!(
            wanted,
            granted = getrlimit(Resource::Nofile).current,
            "too few file descriptors for limits.connections: raise the limit (systemd: LimitNOFILE), or lower the setting"
        );
    }
}
