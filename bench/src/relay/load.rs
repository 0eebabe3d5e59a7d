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
#[derive(Default)]
pub struct Seen {
    /// How many calls were answered in the measured time.
    pub answered: u64,
    /// The time that each call took that was made in the measured time, in order of length. Those that are not answered
    /// in that time are waited for: they are the slow ones.
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
    let mut callers = JoinSet::<Result<Seen>>::new();
    for _ in 0..connections {
        let requests = Arc::clone(&requests);
        callers.spawn(async move {
            let mut caller = Caller::new(address, requests).await?;
            let mut seen = Seen::default();
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return Ok(seen);
                }
                caller.call(NUMBERS.fetch_add(1, Ordering::Relaxed)).await?;
                let answered = Instant::now();
                seen.answered += u64::from((from..until).contains(&answered));
                if asked >= from {
                    seen.latencies.push(answered - asked);
                }
            }
        });
    }
    sleep_until(from.into()).await;
    let before = (usage()?, Clock::Process.now());
    sleep_until(until.into()).await;
    let after = (usage()?, Clock::Process.now());
    let usage = after.0.since(before.0);
    let mut seen = Seen { usage, own: after.1.saturating_sub(before.1), ..Seen::default() };
    while let Some(caller) = callers.join_next().await {
        let mut caller = caller??;
        seen.answered += caller.answered;
        seen.latencies.append(&mut caller.latencies);
    }
    if seen.answered == 0 || seen.latencies.is_empty() {
        bail!("no call was made and answered within {:?}", span.measured);
    }
    seen.latencies.sort_unstable();
    Ok(seen)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::relay::origin;
    use crate::relay::workload::{Door, Size, Verb, Workload};

    const SPAN: Span = Span { warm_up: Duration::from_millis(10), measured: Duration::from_millis(100) };

    async fn drive_origin(workload: Workload, door: Door) -> Result<Seen> {
        let address = origin::start().await?;
        let requests = Requests::of(workload, door, address);
        drive(address, requests, workload.connections, SPAN, || Ok(Usage::default())).await
    }

    #[tokio::test]
    async fn every_workload_is_answered_by_the_origin_itself() {
        for workload in Workload::all().filter(|workload| workload.connections < 512) {
            let seen = drive_origin(workload, Door::Proxy).await.unwrap();
            assert!(seen.latencies.is_sorted() && seen.latencies.len() >= workload.connections, "{workload}");
        }
    }

    #[tokio::test]
    async fn a_contestant_that_refuses_ends_the_run_and_is_quoted() {
        let workload = Workload { verb: Verb::Read, size: Size::Small, connections: 2 };
        let error = drive_origin(workload, Door::Relay).await.err().expect("the origin knows no mappings");
        assert!(error.to_string().starts_with("answered 404"), "{error:#}");
    }

    #[tokio::test]
    async fn objects_have_the_size_that_a_workload_says_on_the_wire() {
        let address = origin::start().await.unwrap();
        for size in Size::ALL {
            let mut buffer = Vec::new();
            let mut wire = Wire::connect(address).await.unwrap();
            let mut created = Vec::new();
            for number in 0..2 {
                let workload = Workload { verb: Verb::Mutation, size, connections: 1 };
                Requests::of(workload, Door::Proxy, address).write(number, &mut buffer);
                wire.send(&buffer).await.unwrap();
                let response = wire.response().await.unwrap();
                assert_eq!((response.status, response.body.len()), (201, size.bytes()));
                created.push(serde_json::from_slice::<serde_json::Value>(&response.body).unwrap().get("id").cloned());
            }
            assert_ne!(created.first(), created.last(), "ids are fresh");
        }
    }
}
