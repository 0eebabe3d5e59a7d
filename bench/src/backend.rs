//! A backend that can be told to keep everybody waiting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bench_driver::sample;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::relay::wire::Wire;

/// A policy's size in its replies.
const SIZE: usize = 1 << 10;

pub struct Backend {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    held: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
    created: AtomicU64,
}

impl Backend {
    /// Answers from now on, in tasks of its own.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the backend cannot listen")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            held: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
            created: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(wire) = Wire::new(stream) else { continue };
                tokio::spawn(serve(wire, Arc::clone(&shared)));
            }
        });
        Ok(Self { address, state })
    }

    /// From now on, requests wait.
    pub fn hold(&self) {
        self.state.held.send_replace(true);
    }

    /// Answers those that wait, and all that come.
    pub fn release(&self) {
        self.state.held.send_replace(false);
    }

    /// Waits until so many wait, but not for ever; gives how many do.
    pub async fn arrived(&self, count: usize, bound: Duration) -> usize {
        let mut waiting = self.state.waiting.subscribe();
        // Who comes later than the bound is not waited for.
        let _ = timeout(bound, waiting.wait_for(|waiting| *waiting >= count)).await;
        *self.state.waiting.borrow()
    }
}

async fn serve(mut wire: Wire, state: Arc<State>) {
    let mut held = state.held.subscribe();
    // Whoever breaks off has gone.
    while let Ok(Some(request)) = wire.request().await {
        if *held.borrow() {
            state.waiting.send_modify(|waiting| *waiting += 1);
            // The state outlives this task, so the sender does.
            let _ = held.wait_for(|held| !held).await;
            state.waiting.send_modify(|waiting| *waiting -= 1);
        }
        let id = match request.path.strip_prefix("/policies/") {
            Some(id) => id.to_owned(),
            None => format!("pol-{}", state.created.fetch_add(1, Ordering::Relaxed)),
        };
        let policy = sample::stored(&id, SIZE).to_string();
        let (revision, length) = (sample::REVISION, policy.len());
        let start = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: {revision}\r\ncontent-length: {length}\r\n\r\n"
        );
        if wire.send(&[start.as_bytes(), policy.as_bytes()].concat()).await.is_err() {
            return;
        }
    }
}
