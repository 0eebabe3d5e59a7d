//! `encode` and `decode` as the host runs them, beside the same functions in this process.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use bench_driver::{Bench, sample};
use crosspoint::driver::{Engine, EngineConfig, Generation, Package};
use crosspoint_contract::{Call, Reply, Verb};
use crosspoint_sdk::Driver as _;
use tokio::runtime::{Builder, Runtime};

use crate::clock::{Clock, median, us};
use crate::places;
use crate::report::Report;

/// Calls between two looks at the clock.
const CALLS: u32 = 20;

/// The contestants.
const CROSSPOINT: &str = "crosspoint";
const NATIVE: &str = "native";

/// One driver, ready to translate: in the sandbox, and in this process.
struct Translators {
    runtime: Runtime,
    sandboxed: Generation,
}

/// A call and what the backend says to it.
struct Scenario {
    call: Call,
    reply: Reply,
}

/// A part of a translation.
#[derive(Clone, Copy)]
enum Part {
    Both,
    Encode,
    Decode,
}

impl Scenario {
    /// A policy of this many bytes, replaced, and shown in as many by the backend.
    fn policy(size: usize) -> Self {
        Self { call: sample::replace("pol-7", size), reply: sample::reply("pol-7", size) }
    }

    /// A call with next to nothing to translate: what remains is what an instance costs.
    fn empty() -> Self {
        Self { call: Call::new(Verb::Probe, ""), reply: sample::reply("", 0) }
    }
}

impl Translators {
    /// With the engine as the host sets it up by default.
    fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let engine = Engine::new(EngineConfig::default())?;
        let package = Package::read(places::driver("bench")?)?;
        let sandboxed = runtime.block_on(Generation::build(&engine, &package))?;
        Ok(Self { runtime, sandboxed })
    }

    /// Encodes and decodes, each in an instance of its own.
    fn sandboxed(&self, scenario: &Scenario, part: Part) -> Result<()> {
        self.runtime.block_on(async {
            if !matches!(part, Part::Decode) {
                black_box(self.sandboxed.encode(&scenario.call).await?.map_err(|fault| anyhow!("{fault:?}"))?);
            }
            if !matches!(part, Part::Encode) {
                let decoded = self.sandboxed.decode(&scenario.call, &[], &scenario.reply).await?;
                black_box(decoded.map_err(|fault| anyhow!("{fault:?}"))?);
            }
            Ok(())
        })
    }

    /// The same functions, called.
    fn native(scenario: &Scenario, part: Part) -> Result<()> {
        let Scenario { call, reply, .. } = scenario;
        if !matches!(part, Part::Decode) {
            black_box(Bench::encode(black_box(call)).map_err(|fault| anyhow!("{fault:?}"))?);
        }
        if !matches!(part, Part::Encode) {
            black_box(Bench::decode(black_box(call), &[], black_box(reply)).map_err(|fault| anyhow!("{fault:?}"))?);
        }
        Ok(())
    }
}

pub fn run(report: &mut Report, rounds: u32) -> Result<()> {
    let translators = Translators::new()?;
    let small = Scenario::policy(1 << 10);
    let large = Scenario::policy(16 << 10);
    let empty = Scenario::empty();
    let rows = [
        ("translate-1k", &small, Part::Both),
        ("encode-1k", &small, Part::Encode),
        ("decode-1k", &small, Part::Decode),
        ("translate-16k", &large, Part::Both),
        ("encode-16k", &large, Part::Encode),
        ("decode-16k", &large, Part::Decode),
        ("instance", &empty, Part::Encode),
    ];
    let mut taken = rows.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..rounds {
        for ((_, scenario, part), (sandboxed, native)) in rows.iter().zip(&mut taken) {
            sandboxed.push(each(|| translators.sandboxed(scenario, *part))?);
            native.push(each(|| Translators::native(scenario, *part))?);
        }
    }
    for ((workload, ..), (sandboxed, native)) in rows.iter().zip(taken) {
        let (sandboxed, native) = (us(median(sandboxed)), us(median(native)));
        report.figure(workload, CROSSPOINT, "cpu", sandboxed, "us")?;
        report.figure(workload, NATIVE, "cpu", native, "us")?;
        report.ratio(workload, CROSSPOINT, "cpu", NATIVE, sandboxed / native)?;
    }
    Ok(())
}

/// What one of some calls takes.
fn each(mut call: impl FnMut() -> Result<()>) -> Result<Duration> {
    let (done, taken) = Clock::Thread.measure(|| (0..CALLS).try_for_each(|_| call()));
    done.context("a translation failed")?;
    Ok(taken / CALLS)
}
