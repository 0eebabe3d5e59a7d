//! Callers who ask again as soon as they are answered, and how long each answer took.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use crosspoint::transport::{Authorization, Transport};
use crosspoint_contract::{Exchange, Reply};
use tokio::task::JoinSet;

use super::Raw;

/// What came of a round, or of several.
#[derive(Debug, Default)]
pub struct Samples {
    pub latencies: Vec<Duration>,
    elapsed: Duration,
}

impl Samples {
    pub fn add(&mut self, mut other: Self) {
        self.latencies.append(&mut other.latencies);
        self.elapsed += other.elapsed;
    }

    /// Exchanges a second.
    pub fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// One connection of a raw client.
pub trait Client: Send + Sized + 'static {
    fn connect(address: SocketAddr) -> impl Future<Output = Result<Self>> + Send;

    /// Sends the message of this number.
    fn send(&mut self, number: u64) -> impl Future<Output = Result<()>> + Send;

    /// Waits for a whole reply; its number, where the protocol has one.
    fn receive(&mut self) -> impl Future<Output = Result<u64>> + Send;
}

/// Exchanges through one of the host's transports.
pub async fn through(
    transport: &Arc<Transport>,
    authorization: &Arc<Authorization>,
    exchange: fn(u64) -> Exchange,
    is_reply: fn(u64, &Reply) -> bool,
    callers: usize,
    round: Duration,
) -> Result<Samples> {
    let numbers = Arc::new(AtomicU64::new(1));
    let caller = |_| {
        let (transport, authorization, numbers) = (transport.clone(), authorization.clone(), numbers.clone());
        async move {
            let (started, mut latencies) = (Instant::now(), Vec::new());
            while started.elapsed() < round {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let asked = Instant::now();
                let reply = transport.exchange(&exchange(number), &authorization).await?;
                latencies.push(asked.elapsed());
                ensure!(is_reply(number, &reply), "exchange {number} was given another one's reply: {reply:?}");
            }
            Ok(latencies)
        }
    };
    all((0..callers).map(caller).collect()).await
}

/// A raw client with a connection for each caller, and one exchange at a time on each.
pub fn apart<C: Client>(address: SocketAddr) -> Raw {
    Box::new(move |callers, round| {
        Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..callers {
                connections.push(C::connect(address).await?);
            }
            let caller = |mut connection: C| async move {
                let (started, mut latencies) = (Instant::now(), Vec::new());
                while started.elapsed() < round {
                    let asked = Instant::now();
                    connection.send(1).await?;
                    connection.receive().await?;
                    latencies.push(asked.elapsed());
                }
                Ok(latencies)
            };
            all(connections.into_iter().map(caller).collect()).await
        })
    })
}

/// A raw client that makes a connection for each exchange.
pub fn anew<C: Client>(address: SocketAddr) -> Raw {
    Box::new(move |callers, round| {
        Box::pin(async move {
            let caller = |_| async move {
                let (started, mut latencies) = (Instant::now(), Vec::new());
                while started.elapsed() < round {
                    let asked = Instant::now();
                    let mut connection = C::connect(address).await?;
                    connection.send(1).await?;
                    connection.receive().await?;
                    latencies.push(asked.elapsed());
                }
                Ok(latencies)
            };
            all((0..callers).map(caller).collect()).await
        })
    })
}

/// A raw client with one connection for all callers, who tell their replies apart by number.
pub fn together<C: Client>(address: SocketAddr) -> Raw {
    Box::new(move |callers, round| {
        Box::pin(async move {
            let mut connection = C::connect(address).await?;
            let (started, mut latencies) = (Instant::now(), Vec::new());
            let (mut asked, mut next) = (HashMap::new(), 0);
            for _ in 0..callers {
                next += 1;
                asked.insert(next, Instant::now());
                connection.send(next).await?;
            }
            while !asked.is_empty() {
                let number = connection.receive().await?;
                let asked_at = asked.remove(&number).context("a reply to nothing that was asked")?;
                latencies.push(asked_at.elapsed());
                if started.elapsed() < round {
                    next += 1;
                    asked.insert(next, Instant::now());
                    connection.send(next).await?;
                }
            }
            Ok(Samples { latencies, elapsed: started.elapsed() })
        })
    })
}

async fn all(mut callers: JoinSet<Result<Vec<Duration>>>) -> Result<Samples> {
    let started = Instant::now();
    let mut latencies = Vec::new();
    while let Some(done) = callers.join_next().await {
        latencies.append(&mut done.context("a caller failed")??);
    }
    Ok(Samples { latencies, elapsed: started.elapsed() })
}
