//! `cargo xtask bench relay`: relayed calls, beside proxies and other relays in front of the same origin.
//!
//! The cores are cut in two halves: contestants on one, load generator and origin on the other. Workload by workload,
//! and in several rounds, each contestant has its turn of a few seconds; the figure is the median of the rounds.

mod contestant;
mod cores;
mod debian;
mod load;
mod native;
mod origin;
mod python;
pub mod server;
mod summary;
pub mod usage;
pub mod wire;
mod workload;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum as _};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use self::contestant::{Contestant, Name, Surroundings};
use self::cores::Cores;
use self::load::Span;
pub use self::native::Native;
use self::summary::Summary;
use self::workload::{Requests, Workload};
use crate::places;
use crate::report::Report;

/// The share of the load's cores above which they, and not the contestant, may have been what was measured.
const EXHAUSTED: f64 = 0.95;

/// Throughput, latency, CPU and memory of relayed calls beside Envoy, nginx, native Rust and the classic stack
#[derive(Args, Debug)]
pub struct Relay {
    /// Only this contestant; may be given several times
    #[arg(long = "contestant", value_name = "NAME")]
    contestants: Vec<Name>,
    /// Only workloads with these parts in their names, such as `read`, `16k` or `mutation-1k-64`; several times for more
    #[arg(long = "workload", value_name = "PARTS")]
    workloads: Vec<String>,
    /// How many turns each contestant has at each workload [default: 3; with --quick 1]
    #[arg(long)]
    rounds: Option<u32>,
    /// How long a turn is, warm-up not counted [default: 3; with --quick 0.8]
    #[arg(long)]
    seconds: Option<f64>,
}

impl Relay {
    pub fn run(&self, report: &mut Report, quick: bool) -> Result<()> {
        let workloads: Vec<_> = Workload::all().filter(|workload| self.wants(*workload)).collect();
        ensure!(!workloads.is_empty(), "there is no such workload; `read-1k-64` is the name of one");
        let cores = Cores::split()?;
        eprintln!("{cores}");
        cores.to_load()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores.load()).enable_all().build()?;
        runtime.block_on(async {
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            tokio::select! {
                done = self.measure(&workloads, &cores, report, quick) => done,
                _ = interrupt.recv() => bail!("interrupted"),
                _ = terminate.recv() => bail!("terminated"),
            }
        })
    }

    fn wants(&self, workload: Workload) -> bool {
        self.workloads.is_empty() || self.workloads.iter().any(|filter| workload.is(filter))
    }

    async fn measure(&self, workloads: &[Workload], cores: &Cores, report: &mut Report, quick: bool) -> Result<()> {
        let programs = places::folder()?;
        let folder = TempDir::with_prefix_in("run-", &programs).context("cannot make a folder for this run")?;
        let contestants = self.contestants(cores, &programs, folder.path()).await?;
        let rounds = self.rounds.unwrap_or(if quick { 1 } else { 3 }).max(1);
        let measured = Duration::try_from_secs_f64(self.seconds.unwrap_or(if quick { 0.8 } else { 3.0 }))?;
        let span = Span { warm_up: (measured / 5).max(Duration::from_millis(200)), measured };
        for workload in workloads {
            eprintln!("{workload}: {rounds} × {measured:?} each");
            let mut summaries: Vec<_> = contestants.iter().map(|contestant| Summary::of(contestant.name)).collect();
            for _ in 0..rounds {
                for (contestant, summary) in contestants.iter().zip(&mut summaries) {
                    let requests = Requests::of(*workload, contestant.door, contestant.address);
                    let usage = || contestant.usage();
                    let seen = load::drive(contestant.address, requests, workload.connections, span, usage).await;
                    let who = || format!("{workload}: {}: {}", contestant.name.as_str(), contestant.last_words());
                    summary.add(&seen.with_context(who)?, span, cores);
                }
            }
            Summary::report(&summaries, *workload, report)?;
            for summary in summaries.iter().filter(|summary| summary.load() > EXHAUSTED) {
                let name = summary.name.as_str();
                eprintln!("{workload}: {name} is held back: load and origin had no time left on their cores");
            }
        }
        Ok(())
    }

    /// Starts whoever is wanted. Without Crosspoint there is nothing to measure; others may be missing.
    async fn contestants(&self, cores: &Cores, programs: &Path, folder: &Path) -> Result<Vec<Contestant>> {
        let origin = origin::start().await?;
        let wanted = |name: &Name| self.contestants.is_empty() || self.contestants.contains(name);
        let mut contestants = Vec::new();
        for name in Name::value_variants().iter().copied().filter(wanted) {
            let folder = folder.join(name.as_str());
            let around = Surroundings { cores, origin, programs, folder };
            match Contestant::start(name, &around).await {
                Ok(contestant) => contestants.push(contestant),
                Err(error) if name == Name::Crosspoint => return Err(error.context("crosspoint does not start")),
                Err(error) => eprintln!("left out: {}: {error:#}", name.as_str()),
            }
        }
        ensure!(!contestants.is_empty(), "there is no contestant");
        Ok(contestants)
    }
}
