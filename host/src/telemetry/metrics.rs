use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::labels::{
    CallLabels, DriverLabels, DurationLabels, ExchangeLabels, ExchangeResult, LoginLabels, LoginResult, LogoutLabels,
    LogoutResult, Phase, PhaseLabels, QueueClass, QueueLabels, RequestLabels, SentLabel, Vocabulary,
};
use super::transport::{TransportCounts, TransportMetrics};
use crate::sent::Sent;

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// 1 ms to 65 s: from a backend next door to the slowest appliance.
fn exchange_seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

/// 10 µs to 1.3 s: from a compiled driver to an interpreted one that meets its deadline.
fn phase_seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_01, 2.0, 18))
}

/// 1 to 4096 proposals in a commit.
fn batch_sizes() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 13))
}

/// 50 µs to 1.6 s: from a disk with a write cache to one in trouble.
fn commit_seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 16))
}

/// Every metric of the process. Cheap to share behind an [`Arc`]; recording never waits and never fails.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    backends: Vocabulary,
    drivers: Vocabulary,
    kinds: Vocabulary,
    verbs: Vocabulary,
    codes: Vocabulary,
    routes: Vocabulary,
    exchanges: Family<ExchangeLabels, Counter>,
    exchange_seconds: Histograms<DurationLabels>,
    calls: Family<CallLabels, Counter>,
    logins: Family<LoginLabels, Counter>,
    logouts: Family<LogoutLabels, Counter>,
    queue_waiting: Family<QueueLabels, Gauge>,
    queue_active: Family<QueueLabels, Gauge>,
    phase_seconds: Histograms<PhaseLabels>,
    traps: Family<DriverLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    commit_batch: Histogram,
    commit_seconds: Histogram,
    proposals: Counter<u64, AtomicU64>,
    transports: TransportMetrics,
    /// Driver generations that are loaded, those that drain included.
    pub generations: Gauge,
    /// Mappings whose state is `unknown`.
    pub mappings_in_doubt: Gauge,
    /// Operations without an outcome.
    pub operations_open: Gauge,
    /// Clients that follow `/v1/events`.
    pub event_subscribers: Gauge,
}

impl Metrics {
    /// The metrics of a process of this version, all at zero.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("crosspoint"),
            backends: Vocabulary::bounded(1000),
            drivers: Vocabulary::bounded(256),
            kinds: Vocabulary::bounded(1000),
            verbs: Vocabulary::bounded(16),
            codes: Vocabulary::bounded(128),
            routes: Vocabulary::bounded(128),
            exchanges: Family::default(),
            exchange_seconds: Family::new_with_constructor(exchange_seconds),
            calls: Family::default(),
            logins: Family::default(),
            logouts: Family::default(),
            queue_waiting: Family::default(),
            queue_active: Family::default(),
            phase_seconds: Family::new_with_constructor(phase_seconds),
            traps: Family::default(),
            requests: Family::default(),
            commit_batch: batch_sizes(),
            commit_seconds: commit_seconds(),
            proposals: Counter::default(),
            transports: TransportMetrics::default(),
            generations: Gauge::default(),
            mappings_in_doubt: Gauge::default(),
            operations_open: Gauge::default(),
            event_subscribers: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("build", "The version that runs", Info::new([("version", version.to_owned())]));
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "calls",
            "Calls on objects and backends; code is ok or the problem's code",
            metrics.calls.clone(),
        );
        registry.register(
            "exchanges",
            "Exchanges with backends, by how they ended and whether they reached the backend",
            metrics.exchanges.clone(),
        );
        registry.register_with_unit(
            "exchange_duration",
            "From the first byte sent to the last received",
            Unit::Seconds,
            metrics.exchange_seconds.clone(),
        );
        registry.register("logins", "Logins to backends", metrics.logins.clone());
        registry.register("logouts", "Sessions ended at backends", metrics.logouts.clone());
        registry.register("queue_waiting", "Calls that wait for their backend", metrics.queue_waiting.clone());
        registry.register("queue_active", "Exchanges under way", metrics.queue_active.clone());
        registry.register_with_unit(
            "driver_phase_duration",
            "One describe, encode or decode, with its instance",
            Unit::Seconds,
            metrics.phase_seconds.clone(),
        );
        registry.register(
            "driver_traps",
            "Driver calls ended by a trap, the deadline or a limit",
            metrics.traps.clone(),
        );
        registry.register(
            "driver_generations",
            "Generations loaded, draining ones included",
            metrics.generations.clone(),
        );
        registry.register("mappings_in_doubt", "Mappings whose state is unknown", metrics.mappings_in_doubt.clone());
        registry.register("operations_open", "Operations without an outcome", metrics.operations_open.clone());
        registry.register("store_proposals", "Entries proposed to the store", metrics.proposals.clone());
        registry.register("store_commit_batch", "Entries in one commit", metrics.commit_batch.clone());
        registry.register_with_unit(
            "store_commit_duration",
            "One commit, its sync to disk included",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        registry.register("event_subscribers", "Clients that follow the events", metrics.event_subscribers.clone());
        metrics.transports = TransportMetrics::registered(registry);
        metrics
    }

    /// Counts an exchange. `verb` is that of the contract; actions count as one verb.
    pub fn exchange(&self, backend: &str, verb: &str, result: ExchangeResult, sent: Sent, took: Duration) {
        let (backend, verb) = (self.backends.word(backend), self.verb(verb));
        self.exchange_seconds
            .get_or_create(&DurationLabels { backend: Arc::clone(&backend), verb: Arc::clone(&verb) })
            .observe(took.as_secs_f64());
        self.exchanges.get_or_create(&ExchangeLabels { backend, verb, result, sent: SentLabel(sent) }).inc();
    }

    /// Counts a call that was answered. `code` is `ok` or the problem's code.
    ///
    /// To be called once backend and kind are known to exist: a caller's typing errors are no label values.
    pub fn call(&self, backend: &str, kind: &str, verb: &str, code: &str) {
        let labels = CallLabels {
            backend: self.backends.word(backend),
            kind: self.kinds.word(kind),
            verb: self.verb(verb),
            code: self.codes.word(code),
        };
        self.calls.get_or_create(&labels).inc();
    }

    /// Counts a login to a backend.
    pub fn login(&self, backend: &str, result: LoginResult) {
        self.logins.get_or_create(&LoginLabels { backend: self.backends.word(backend), result }).inc();
    }

    /// Counts a logout from a backend.
    pub fn logout(&self, backend: &str, result: LogoutResult) {
        self.logouts.get_or_create(&LogoutLabels { backend: self.backends.word(backend), result }).inc();
    }

    /// The gauges of one of a backend's queues, for the queue to keep.
    #[must_use]
    pub fn queue(&self, backend: &str, class: QueueClass) -> QueueGauges {
        let labels = QueueLabels { backend: self.backends.word(backend), class };
        QueueGauges {
            waiting: self.queue_waiting.get_or_create_owned(&labels),
            active: self.queue_active.get_or_create_owned(&labels),
        }
    }

    /// Forgets a removed backend's queues, so that they are no longer shown. Counters stay, as counters must.
    pub fn forget_queues(&self, backend: &str) {
        for class in [QueueClass::Read, QueueClass::Mutation] {
            let labels = QueueLabels { backend: self.backends.word(backend), class };
            self.queue_waiting.remove(&labels);
            self.queue_active.remove(&labels);
        }
    }

    /// Shows what the backends' transports have counted, and of no other backend any more.
    pub fn transports<'a>(&self, counts: impl Iterator<Item = (&'a str, TransportCounts)>) {
        self.transports.clear();
        for (backend, counts) in counts {
            self.transports.set(&self.backends.word(backend), &counts);
        }
    }

    /// Records one run of a driver's function.
    pub fn driver_phase(&self, driver: &str, phase: Phase, took: Duration) {
        let labels = PhaseLabels { driver: self.drivers.word(driver), phase };
        self.phase_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a trap, a missed deadline or a broken limit.
    pub fn driver_trap(&self, driver: &str) {
        self.traps.get_or_create(&DriverLabels { driver: self.drivers.word(driver) }).inc();
    }

    /// Records one commit of the store, with so many proposals in it.
    pub fn commit(&self, proposals: u32, took: Duration) {
        self.proposals.inc_by(proposals.into());
        self.commit_batch.observe(proposals.into());
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// Counts an answered request. `route` is the template that matched, never the address itself.
    pub fn request(&self, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabels { route: self.routes.word(route), status }).inc();
    }

    /// The media type of [`Metrics::render`].
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Everything, as text in the `OpenMetrics` format, which Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics could not be written as text");
        }
        text
    }

    fn verb(&self, verb: &str) -> Arc<str> {
        self.verbs.word(if verb.starts_with("action:") { "action" } else { verb })
    }
}

/// One queue's gauges.
#[derive(Clone, Debug)]
pub struct QueueGauges {
    /// Calls that wait.
    pub waiting: Gauge,
    /// Exchanges under way.
    pub active: Gauge,
}

/// Counts one in a gauge for as long as it lives, however it ends.
#[derive(Debug)]
pub struct GaugeGuard(Gauge);

impl GaugeGuard {
    /// Counts one more, until it is dropped.
    #[must_use]
    pub fn enter(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// One of each.
    fn recorded() -> Metrics {
        let metrics = Metrics::new("1.2.3");
        metrics.exchange("fw-dc1", "create", ExchangeResult::Ok, Sent::Yes, MILLISECOND);
        metrics.call("fw-dc1", "rule", "create", "ok");
        metrics.login("fw-dc1", LoginResult::Granted);
        metrics.logout("fw-dc1", LogoutResult::Done);
        metrics.driver_phase("neutron", Phase::Encode, MILLISECOND);
        metrics.driver_trap("neutron");
        metrics.commit(3, MILLISECOND);
        metrics.request("/v1/mappings", 200);
        metrics.queue("fw-dc1", QueueClass::Mutation).waiting.set(1);
        let failures = vec![("reset", 2)];
        let counts = TransportCounts { connections: [3, 1], failures, bytes: [5, 7], strays: [1, 0], keepalives: 4 };
        metrics.transports([("gone", TransportCounts::default())].into_iter());
        metrics.transports([("fw-dc1", counts)].into_iter());
        metrics
    }

    #[test]
    fn everything_recorded_is_rendered_under_its_documented_name() {
        let metrics = recorded();
        let text = metrics.render();
        for line in [
            r#"crosspoint_build_info{version="1.2.3"} 1"#,
            r#"crosspoint_exchanges_total{backend="fw-dc1",verb="create",result="ok",sent="yes"} 1"#,
            r#"crosspoint_exchange_duration_seconds_count{backend="fw-dc1",verb="create"} 1"#,
            r#"crosspoint_calls_total{backend="fw-dc1",kind="rule",verb="create",code="ok"} 1"#,
            r#"crosspoint_logins_total{backend="fw-dc1",result="granted"} 1"#,
            r#"crosspoint_logouts_total{backend="fw-dc1",result="done"} 1"#,
            r#"crosspoint_queue_waiting{backend="fw-dc1",class="mutation"} 1"#,
            r#"crosspoint_queue_active{backend="fw-dc1",class="mutation"} 0"#,
            r#"crosspoint_driver_phase_duration_seconds_count{driver="neutron",phase="encode"} 1"#,
            r#"crosspoint_driver_traps_total{driver="neutron"} 1"#,
            "crosspoint_driver_generations 0",
            "crosspoint_mappings_in_doubt 0",
            "crosspoint_operations_open 0",
            "crosspoint_event_subscribers 0",
            "crosspoint_store_proposals_total 3",
            "crosspoint_store_commit_batch_count 1",
            "crosspoint_store_commit_duration_seconds_count 1",
            r#"crosspoint_http_requests_total{route="/v1/mappings",status="200"} 1"#,
            r#"crosspoint_transport_connections_total{backend="fw-dc1",result="failed"} 1"#,
            r#"crosspoint_transport_failures_total{backend="fw-dc1",reason="reset"} 2"#,
            r#"crosspoint_transport_body_bytes_total{backend="fw-dc1",direction="received"} 7"#,
            r#"crosspoint_transport_stray_replies_total{backend="fw-dc1",reason="late"} 1"#,
            r#"crosspoint_transport_keepalives_total{backend="fw-dc1"} 4"#,
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!text.contains("gone"), "a backend that is gone has no transport");
    }

    #[test]
    fn the_operators_guide_names_every_metric() {
        const GUIDE: &str = include_str!("../../../docs/operators.md");
        let text = recorded().render();
        let described = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        for (name, kind) in described {
            let shown = match kind {
                "counter" => format!("`{name}_total`"),
                "info" => format!("`{name}_info`"),
                _ => format!("`{name}`"),
            };
            assert!(GUIDE.contains(&shown), "docs/operators.md does not tell of {shown}");
        }
    }

    #[test]
    fn action_names_are_no_label_values() {
        let metrics = Metrics::new("1");
        metrics.call("fw", "router", "action:add_router_interface", "ok");
        assert!(metrics.render().contains(r#"verb="action",code="ok""#));
    }

    #[test]
    fn a_callers_inventions_cannot_grow_the_metrics_without_end() {
        let metrics = Metrics::new("1");
        for n in 0..5000 {
            metrics.call("fw", "rule", "create", &format!("code-{n}"));
        }
        assert!(metrics.render().lines().count() < 300);
    }

    #[test]
    fn a_removed_backends_queues_are_shown_no_longer() {
        let metrics = Metrics::new("1");
        let _ = metrics.queue("fw", QueueClass::Read);
        metrics.forget_queues("fw");
        assert!(!metrics.render().contains("queue_waiting{"));
    }

    #[test]
    fn a_gauge_counts_for_as_long_as_its_guard_lives() {
        let gauge = Gauge::default();
        let guard = GaugeGuard::enter(&gauge);
        assert_eq!(gauge.get(), 1);
        drop(guard);
        assert_eq!(gauge.get(), 0);
    }
}
