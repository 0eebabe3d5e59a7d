use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bench_driver::KIND;
use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::clock::us;
use crate::host::{CALLER, Site, request};
use crate::inflight::{create, neighbours, percentile};
use crate::places;
use crate::relay::wire::Wire;
use crate::report::Report;

/// The well-behaved backend, and the one whose driver does harm.
const QUICK: &str = "quick";
const HOSTILE: &str = "hostile";
/// Callers that do no harm.
const CONTROL: &str = "beside-refusal";

/// What a driver feels of another one that does harm beside it: its calls' latency, alone and meanwhile
///
/// The harm is done in `encode`: loops until the deadline, traps, memory without end, recursion, output without end.
/// What is busy takes time from its neighbours even if it does no harm: `beside-refusal` is as many callers of a driver
/// that only ever refuses, and what the harms are to be compared with.
#[derive(Args, Debug)]
pub struct Isolation {
    /// How many call the harmful driver at once
    #[arg(long, default_value_t = 8)]
    callers: usize,
}

impl Isolation {
    pub fn run(&self, report: &mut Report, quick: bool) -> Result<()> {
        let rounds = if quick { 2 } else { 7 };
        Builder::new_multi_thread().enable_all().build()?.block_on(measure(report, rounds, self.callers))
    }
}

/// The spec of each harm, after that of none.
fn harms() -> [(&'static str, Value); 6] {
    let harm = |what: &str, size: usize| json!({"spec": {"do": what, "in": "encode", "size": size}});
    [
        (CONTROL, harm("lament", 8)),
        ("beside-loop", harm("loop", 0)),
        ("beside-trap", harm("trap", 0)),
        ("beside-allocate", harm("allocate", 1 << 30)),
        ("beside-recurse", harm("recurse", 0)),
        ("beside-return-huge", harm("return_huge", 12 << 20)),
    ]
}

async fn measure(report: &mut Report, rounds: usize, callers: usize) -> Result<()> {
    let site = Arc::new(Site::new("")?);
    let _host = site.start()?;
    let backend = Backend::start().await?;
    for (name, driver) in [(QUICK, "bench"), (HOSTILE, "hostile")] {
        site.load(&places::driver(driver)?).await?;
        site.put_backend(name, driver, backend.address, &json!({})).await?;
    }
    let path = format!("PUT /v1/backends/{QUICK}/objects/{KIND}/kept");
    site.ask(CALLER, &path, "application/json", &create()).await?;
    neighbours(&site).await?;

    let mut control = None;
    for (workload, spec) in harms() {
        eprintln!("{workload}");
        let (mut alone, mut meanwhile, mut done) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds {
            alone.append(&mut neighbours(&site).await?);
            let expected = if workload == CONTROL { 409 } else { 502 };
            let harm = Harm::begin(&site, &spec, callers, expected).await?;
            meanwhile.append(&mut neighbours(&site).await?);
            done += harm.end().await?;
        }
        for (contestant, latencies) in [("alone", &mut alone), ("neighbour", &mut meanwhile)] {
            latencies.sort_unstable();
            report.figure(workload, contestant, "p50", us(percentile(latencies, 50)), "us")?;
            report.figure(workload, contestant, "p99", us(percentile(latencies, 99)), "us")?;
        }
        #[allow(clippy::cast_precision_loss, reason = "a count of calls")]
        report.figure(workload, "hostile", "calls", done as f64, "call")?;
        for (metric, percent) in [("p50", 50), ("p99", 99)] {
            let of = |latencies: &[Duration]| percentile(latencies, percent).as_secs_f64();
            report.ratio(workload, "neighbour", metric, "alone", of(&meanwhile) / of(&alone))?;
        }
        let p99 = percentile(&meanwhile, 99).as_secs_f64();
        report.ratio(workload, "neighbour", "p99", CONTROL, p99 / *control.get_or_insert(p99))?;
    }
    Ok(())
}

/// Callers of the harmful driver, who do not stop.
struct Harm {
    over: Arc<AtomicBool>,
    callers: JoinSet<Result<()>>,
    done: Arc<AtomicUsize>,
}

impl Harm {
    async fn begin(site: &Site, spec: &Value, count: usize, expected: u16) -> Result<Self> {
        let (over, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut callers = JoinSet::new();
        for number in 0..count {
            let what = format!("PUT /v1/backends/{HOSTILE}/objects/thing/harm-{number}");
            let body = spec.to_string().into_bytes();
            let asked = request(site.address, CALLER, &what, "application/json", &body);
            let mut wire = Wire::connect(site.address).await?;
            let (over, done) = (Arc::clone(&over), Arc::clone(&done));
            callers.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    wire.send(&asked).await?;
                    let status = wire.response().await?.status;
                    ensure!(status == expected, "a call was answered {status}, where {expected} was to be expected");
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Ok(Self { over, callers, done })
    }

    /// Stops them; says how many calls ended while the others were made, or since.
    async fn end(mut self) -> Result<usize> {
        self.over.store(true, Ordering::Relaxed);
        while let Some(caller) = self.callers.join_next().await {
            caller.context("a caller of the harmful driver failed")??;
        }
        Ok(self.done.load(Ordering::Relaxed))
    }
}
