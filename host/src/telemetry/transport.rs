//! What the transports count, shown: they keep their own counters, and these are set from them when somebody looks.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// One backend's labels, and one more where a metric has one.
type Labels = Vec<(&'static str, Cow<'static, str>)>;
type Counters = Family<Labels, Counter<u64, AtomicU64>>;

/// What one backend's transport has counted since it was made. It is made anew when the backend's settings change, so
/// these may begin again at zero, as counters may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransportCounts {
    /// Connections made, and those that could not be made.
    pub connections: [u64; 2],
    /// Exchanges that got no whole reply, by reason; reasons that never occurred may be absent.
    pub failures: Vec<(&'static str, u64)>,
    /// Bytes of bodies sent and received.
    pub bytes: [u64; 2],
    /// Replies that came too late, and messages that answered nothing.
    pub strays: [u64; 2],
    /// Questions of the backend whether anybody is there that were answered.
    pub keepalives: u64,
}

/// The metrics of all backends' transports.
#[derive(Debug, Default)]
pub(super) struct TransportMetrics {
    connections: Counters,
    failures: Counters,
    bytes: Counters,
    strays: Counters,
    keepalives: Counters,
}

impl TransportMetrics {
    /// All at nothing, and registered.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        for (name, help, counters) in [
            ("transport_connections", "Connections to backends", &metrics.connections),
            ("transport_failures", "Exchanges without a whole reply, by reason", &metrics.failures),
            ("transport_body_bytes", "Bytes of bodies and messages", &metrics.bytes),
            ("transport_stray_replies", "Replies that nobody waited for, which were dropped", &metrics.strays),
            ("transport_keepalives", "Keepalives of backends that were answered", &metrics.keepalives),
        ] {
            registry.register(name, help, counters.clone());
        }
        metrics
    }

    /// Shows these of a backend from now on.
    pub(super) fn set(&self, backend: &Arc<str>, counts: &TransportCounts) {
        let labels = |label: Option<(&'static str, &'static str)>| {
            let own = ("backend", Cow::Owned(backend.to_string()));
            let more = label.map(|(name, value)| (name, Cow::Borrowed(value)));
            [own].into_iter().chain(more).collect::<Labels>()
        };
        let set = |counters: &Counters, label, value| {
            counters.get_or_create(&labels(label)).inner().store(value, Relaxed);
        };
        let pairs = [
            (&self.connections, "result", ["made", "failed"], counts.connections),
            (&self.bytes, "direction", ["sent", "received"], counts.bytes),
            (&self.strays, "reason", ["late", "unknown"], counts.strays),
        ];
        for (counters, label, values, numbers) in pairs {
            for (value, number) in values.into_iter().zip(numbers) {
                set(counters, Some((label, value)), number);
            }
        }
        for (reason, number) in &counts.failures {
            set(&self.failures, Some(("reason", reason)), *number);
        }
        set(&self.keepalives, None, counts.keepalives);
    }

    /// Forgets whatever belongs to no backend of these any more, before they are set anew.
    pub(super) fn clear(&self) {
        for counters in [&self.connections, &self.failures, &self.bytes, &self.strays, &self.keepalives] {
            counters.clear();
        }
    }
}
