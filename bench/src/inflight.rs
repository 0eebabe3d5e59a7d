mod calls;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bench_driver::KIND;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::runtime::Builder;

use self::calls::Kind;
pub use self::calls::create;
use crate::backend::Backend;
use crate::clock::{ms, us};
use crate::host::{CALLER, Host, Site, request};
use crate::places;
use crate::relay::wire::Wire;
use crate::report::Report;

const CROSSPOINT: &str = "crosspoint";
/// The backend that keeps its callers waiting, and the one that does not.
const SLOW: &str = "slow";
const QUICK: &str = "quick";
/// Calls to the other backend, for its latency.
const NEIGHBOURS: usize = 500;
/// Descriptors for everything else.
const OTHERS: usize = 300;
/// The longest that all calls may take to arrive at the backend.
const ARRIVAL: Duration = Duration::from_secs(90);

/// Ten thousand calls that wait on a slow backend: memory, and whether any is refused
///
/// The backend answers nobody until all have arrived. Limits are raised as an operator would for such a load:
/// `limits.connections`, and the backend's own concurrency and timeouts. Fails if one call is answered with anything
/// but success.
#[derive(Args, Debug)]
pub struct Inflight {
    /// How many calls wait
    #[arg(long, default_value_t = 10_000)]
    calls: usize,
}

impl Inflight {
    pub fn run(&self, report: &mut Report, quick: bool) -> Result<()> {
        // Here as there: a descriptor for each caller's connection, and one for each at the backend.
        let connections = |calls: usize, http2: bool| if http2 { calls / 100 } else { calls };
        let needed =
            |calls: usize, kind: Kind| connections(calls, kind.http2) + connections(calls, kind.backend_http2) + OTHERS;
        let kinds = [
            Kind { name: "read-http1", creates: false, http2: false, backend_http2: false },
            Kind { name: "read-http2", creates: false, http2: true, backend_http2: false },
            Kind { name: "read-http2-both", creates: false, http2: true, backend_http2: true },
            Kind { name: "create-http1", creates: true, http2: false, backend_http2: false },
        ];
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let mut refused = 0;
        for kind in kinds.into_iter().take(if quick { 3 } else { 4 }) {
            let granted = usize::try_from(provide_descriptors(u64::try_from(needed(self.calls, kind))?))?;
            let calls =
                if needed(self.calls, kind) <= granted { self.calls } else { granted.saturating_sub(OTHERS) / 2 };
            if calls < self.calls {
                eprintln!("{}: {calls} calls, because the system grants {granted} file descriptors", kind.name);
            }
            refused += runtime.block_on(measure(kind, calls, report))?;
        }
        ensure!(refused == 0, "{refused} calls were not answered with success");
        Ok(())
    }
}

/// Gives the number of calls that were refused.
async fn measure(kind: Kind, count: usize, report: &mut Report) -> Result<usize> {
    let site = Site::new(&format!("connections = {}", count + 100))?;
    let host = site.start()?;
    let (slow, quick) = (Backend::start().await?, Backend::start().await?);
    site.load(&places::driver("bench")?).await?;
    let limits = json!({
        "read_concurrency": count, "mutation_concurrency": count, "queue": count,
        "connect_timeout_ms": 60_000, "reply_timeout_ms": 300_000,
    });
    let version = if kind.backend_http2 { "2" } else { "1.1" };
    site.put_backend_speaking(version, SLOW, "bench", slow.address, &limits).await?;
    site.put_backend(QUICK, "bench", quick.address, &json!({})).await?;
    for backend in [SLOW, QUICK] {
        let path = format!("PUT /v1/backends/{backend}/objects/{KIND}/kept");
        site.ask(CALLER, &path, "application/json", &create()).await?;
    }
    neighbours(&site).await?;
    let mut say = |metric, value, unit| report.figure(kind.name, CROSSPOINT, metric, value, unit);

    let alone = neighbours(&site).await?;
    say("rss-before", resident(&host)?, "MiB")?;
    slow.hold();
    let begun = Instant::now();
    let mut calls = calls::begin(kind, site.address, SLOW, count);
    let arrived = slow.arrived(count, ARRIVAL).await;
    say("arrival", ms(begun.elapsed()), "ms")?;
    say("arrived", arrived as f64, "call")?;
    say("rss", resident(&host)?, "MiB")?;
    say("descriptors", host.descriptors()? as f64, "1")?;
    let meanwhile = neighbours(&site).await?;
    slow.release();
    let mut answered = 0;
    while let Some(statuses) = calls.join_next().await {
        match statuses.context("a task failed")? {
            Ok(statuses) => answered += statuses.iter().filter(|status| (200..300).contains(*status)).count(),
            // Its calls are missing from the sum.
            Err(error) => eprintln!("a call failed: {error:#}"),
        }
    }
    let refused = count - answered;
    say("refused", refused as f64, "call")?;
    say("rss-peak", host.memory("VmHWM")? / 1024.0, "MiB")?;
    say("rss-after", resident(&host)?, "MiB")?;
    for (contestant, latencies) in [("neighbour-alone", &alone), ("neighbour", &meanwhile)] {
        report.figure(kind.name, contestant, "p50", us(percentile(latencies, 50)), "us")?;
        report.figure(kind.name, contestant, "p99", us(percentile(latencies, 99)), "us")?;
    }
    let ratio = percentile(&meanwhile, 99).as_secs_f64() / percentile(&alone, 99).as_secs_f64();
    report.ratio(kind.name, "neighbour", "p99", "neighbour-alone", ratio)?;
    Ok(refused)
}

fn resident(host: &Host) -> Result<f64> {
    Ok(host.memory("VmRSS")? / 1024.0)
}

/// The latencies of reads at the other backend, one after the other; in order of length.
pub async fn neighbours(site: &Site) -> Result<Vec<Duration>> {
    let read =
        request(site.address, CALLER, &format!("GET /v1/backends/{QUICK}/objects/{KIND}/kept"), "text/plain", &[]);
    let mut wire = Wire::connect(site.address).await?;
    let mut latencies = Vec::new();
    for _ in 0..NEIGHBOURS {
        let asked = Instant::now();
        wire.send(&read).await?;
        let status = wire.response().await?.status;
        ensure!(status == 200, "a call to the other backend was answered {status}");
        latencies.push(asked.elapsed());
    }
    latencies.sort_unstable();
    Ok(latencies)
}

pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}

/// Raises the limit of this process, which its children inherit, and says how many descriptors it has then.
fn provide_descriptors(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is no limit. Who may raise the upper limit does; others get as much as that is.
    if current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: maximum.map(|maximum| maximum.max(wanted)) };
        let _ = setrlimit(Resource::Nofile, raised)
            .or_else(|_| setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }));
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
