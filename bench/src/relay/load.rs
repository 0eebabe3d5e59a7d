//! The load: callers who each wait for an answer before they ask again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::usage::Usage;
use super::wire::Wire;
use super::workload::Requests;
use crate::clock::Clock;

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Numbers for requests, which never come again in one run.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// When calls count.
#[derive(Clone, Copy)]
pub struct Span {
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What was seen.
pub struct Seen {
    /// The time that each call took, in order of length.
    pub latencies: Vec<Duration>,
    /// What the contestant used meanwhile.
    pub usage: Usage,
    /// What load and origin used meanwhile.
    pub own: Duration,
}

/// Calls over this many connections; `usage` says what the contestant has used so far.
pub async fn drive(
    address: SocketAddr,
    requests: Requests,
    connections: usize,
    span: Span,
    usage: impl Fn() -> Result<Usage>,
) -> Result<Seen> {
    let from = Instant::now() + span.warm_up;
    let until = from + span.measured;
    let requests = Arc::new(requests);
    let mut callers = JoinSet::<Result<Vec<Duration>>>::new();
    for _ in 0..connections {
        let requests = Arc::clone(&requests);
        callers.spawn(async move {
            let mut caller = Caller::new(address, requests).await?;
            let mut latencies = Vec::new();
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return Ok(latencies);
                }
                caller.call(NUMBERS.fetch_add(1, Ordering::Relaxed)).await?;
                let answered = Instant::now();
                if answered >= from && answered < until {
                    latencies.push(answered - asked);
                }
            }
        });
    }
    sleep_until(from.into()).await;
    let before = (usage()?, Clock::Process.now());
    sleep_until(until.into()).await;
    let after = (usage()?, Clock::Process.now());
    let mut latencies = Vec::new();
    while let Some(caller) = callers.join_next().await {
        latencies.append(&mut caller??);
    }
    if latencies.is_empty() {
        bail!("no call ended within {:?}", span.measured);
    }
    latencies.sort_unstable();
    Ok(Seen { latencies, usage: after.0.since(before.0), own: after.1.saturating_sub(before.1) })
}

/// Makes the calls of the numbers below `count`, some at a time.
pub async fn make(address: SocketAddr, requests: Requests, count: u64) -> Result<()> {
    const CALLERS: usize = 16;
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicU64::new(0)));
    let mut callers = JoinSet::<Result<()>>::new();
    for _ in 0..CALLERS {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        callers.spawn(async move {
            let mut caller = Caller::new(address, requests).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                caller.call(number).await?;
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(())
}

/// One connection and who sits at it.
struct Caller {
    address: SocketAddr,
    wire: Wire,
    requests: Arc<Requests>,
    buffer: Vec<u8>,
}

impl Caller {
    async fn new(address: SocketAddr, requests: Arc<Requests>) -> Result<Self> {
        let wire = Wire::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        Ok(Self { address, wire, requests, buffer: Vec::new() })
    }

    /// One call. Anything but success ends the run: a contestant that refuses is quick.
    async fn call(&mut self, number: u64) -> Result<()> {
        self.requests.write(number, &mut self.buffer);
        let asked = async {
            self.wire.send(&self.buffer).await?;
            self.wire.response().await
        };
        let response = timeout(PATIENCE, asked).await.with_context(|| format!("no answer within {PATIENCE:?}"))?;
        let response = response.context("no answer")?;
        if !(200..300).contains(&response.status) {
            bail!("answered {}: {}", response.status, String::from_utf8_lossy(&response.body));
        }
        if response.close {
            self.wire = Wire::connect(self.address).await.context("cannot connect again")?;
        }
        Ok(())
    }
}
