use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use bench_driver::KIND;
use clap::Args;
use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::clock::{median, ms};
use crate::host::{CALLER, Site, request};
use crate::inflight::create;
use crate::places;
use crate::relay::usage::Usage;
use crate::relay::wire::Wire;
use crate::report::Report;

const CROSSPOINT: &str = "crosspoint";
/// How many connections fill the store.
const CALLERS: usize = 16;

/// How soon a process with ten cached drivers is ready
///
/// The drivers are those that are shipped, and the bench driver under as many other names as are missing to ten: each is
/// a package of its own, with its own compiled code. Each of the latter has a backend, and one backend has the objects.
#[derive(Args, Debug)]
pub struct Start {
    /// How many objects are mapped
    #[arg(long, default_value_t = 1000)]
    mappings: usize,
}

impl Start {
    pub fn run(&self, report: &mut Report, quick: bool) -> Result<()> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let site = Site::new("")?;
        let empty = site.start()?;
        report.figure("empty", CROSSPOINT, "wall", ms(empty.ready_after), "ms")?;
        let drivers = drivers()?;
        runtime.block_on(async {
            let backend = Backend::start().await?;
            for (name, package) in &drivers {
                site.load(package).await?;
                if name.starts_with("ben") {
                    site.put_backend(name, name, backend.address, &json!({"mutation_concurrency": CALLERS})).await?;
                }
            }
            fill(site.address, self.mappings).await
        })?;
        empty.stop()?;

        let (cached, cold) = if quick { (10, 1) } else { (40, 3) };
        measure(report, &site, "cached", cached, || Ok(()))?;
        let cache = site.data().join("cache");
        measure(report, &site, "cold", cold, || Ok(fs::remove_dir_all(&cache)?))
    }
}

/// Ten packages with their drivers' names.
fn drivers() -> Result<Vec<(String, Vec<u8>)>> {
    let bench = places::driver("bench")?;
    let mut drivers = vec![("firewall".to_owned(), places::driver("firewall")?)];
    drivers.push(("neutron".to_owned(), places::driver("neutron")?));
    drivers.push(("bench".to_owned(), bench.clone()));
    for number in 3..10 {
        let name = format!("ben-{number}");
        drivers.push((name.clone(), renamed(bench.clone(), &name)));
    }
    Ok(drivers)
}

/// The bench driver with another name of the same length, wherever its name stands.
fn renamed(mut package: Vec<u8>, name: &str) -> Vec<u8> {
    let old = b"bench";
    let mut rest = package.as_mut_slice();
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        let (_, found) = rest.split_at_mut(at);
        let (found, after) = found.split_at_mut(old.len());
        found.copy_from_slice(name.as_bytes());
        rest = after;
    }
    package
}

/// Creates so many objects.
async fn fill(address: SocketAddr, count: usize) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let next = Arc::clone(&next);
        callers.spawn(async move {
            let mut wire = Wire::connect(address).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                let what = format!("PUT /v1/backends/bench/objects/{KIND}/policy-{number}");
                wire.send(&request(address, CALLER, &what, "application/json", &create())).await?;
                let response = wire.response().await?;
                let said = String::from_utf8_lossy(&response.body);
                ensure!(response.status == 201, "an object is not created, {}: {said}", response.status);
            }
        });
    }
    callers.join_all().await.into_iter().collect()
}

fn measure(
    report: &mut Report,
    site: &Site,
    workload: &str,
    starts: usize,
    before_each: impl Fn() -> Result<()>,
) -> Result<()> {
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..starts {
        before_each()?;
        let host = site.start()?;
        wall.push(host.ready_after);
        cpu.push(Usage::of_groups(&[host.pid()])?.cpu);
        host.stop()?;
    }
    report.figure(workload, CROSSPOINT, "wall", ms(median(wall.clone())), "ms")?;
    report.figure(workload, CROSSPOINT, "wall-best", ms(wall.into_iter().min().unwrap_or(Duration::ZERO)), "ms")?;
    report.figure(workload, CROSSPOINT, "cpu", ms(median(cpu)), "ms")?;
    Ok(())
}
