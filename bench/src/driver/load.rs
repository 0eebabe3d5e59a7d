//! What it takes until a driver's file is a driver in force: reading, compiling, or loading what was compiled before.

use std::fs;

use anyhow::{Context as _, Result};
use crosspoint::driver::{Engine, EngineConfig, Generation, Package};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::clock::{Clock, median, ms, wall};
use crate::places;
use crate::report::Report;

const DRIVERS: [&str; 3] = ["bench", "firewall", "neutron"];

pub fn run(report: &mut Report, quick: bool) -> Result<()> {
    let (cold, warm) = if quick { (1, 10) } else { (5, 50) };
    // The host compiles on as many threads as there are cores, and so does this.
    let runtime = Builder::new_current_thread().enable_time().build()?;
    for name in DRIVERS {
        let bytes = places::driver(name)?;
        report.figure(&format!("package-{name}"), "crosspoint", "size", kib(bytes.len()), "KiB")?;

        let reads = (0..warm).map(|_| {
            let bytes = bytes.clone();
            let (package, taken) = Clock::Thread.measure(|| Package::read(bytes));
            package.map(|_| taken)
        });
        let reads = reads.collect::<Result<Vec<_>, _>>().context("a package cannot be read")?;
        report.figure(&format!("read-{name}"), "crosspoint", "cpu", ms(median(reads)), "ms")?;

        let package = Package::read(bytes)?;
        let build = |cache: &TempDir| {
            let config = EngineConfig { cache_dir: Some(cache.path().to_owned()), ..EngineConfig::default() };
            let engine = Engine::new(config)?;
            let (built, cpu, wall) = both(|| runtime.block_on(Generation::build(&engine, &package)));
            built.context("a driver cannot be built")?;
            anyhow::Ok((cpu, wall))
        };
        let mut cache = TempDir::new()?;
        let mut compile = Vec::new();
        for _ in 0..cold {
            cache = TempDir::new()?;
            compile.push(build(&cache)?);
        }
        let load = (0..warm).map(|_| build(&cache)).collect::<Result<Vec<_>>>()?;
        for (what, taken) in [("compile", compile), ("cache-load", load)] {
            let workload = format!("{what}-{name}");
            let (cpu, wall) = taken.into_iter().unzip();
            report.figure(&workload, "crosspoint", "cpu", ms(median(cpu)), "ms")?;
            report.figure(&workload, "crosspoint", "wall", ms(median(wall)), "ms")?;
        }
        let sizes = fs::read_dir(&cache)?.map(|entry| Ok(usize::try_from(entry?.metadata()?.len())?));
        let compiled = sizes.sum::<Result<usize>>()?;
        report.figure(&format!("compiled-{name}"), "crosspoint", "size", kib(compiled), "KiB")?;
    }
    Ok(())
}

/// What `work` takes of all cores together, and by the clock on the wall.
fn both<T>(work: impl FnOnce() -> T) -> (T, std::time::Duration, std::time::Duration) {
    let ((result, cpu), wall) = wall(|| Clock::Process.measure(work));
    (result, cpu, wall)
}

fn kib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}
