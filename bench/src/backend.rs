//! A backend that can be told to keep everybody waiting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bench_driver::sample;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
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
                let serving = serve(stream, Arc::clone(&shared));
                // Whoever breaks off has gone.
                tokio::spawn(async move { drop(serving.await) });
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

/// Streams on one HTTP/2 connection: as many as anybody asks for.
const STREAMS: u32 = 1 << 16;

/// Serves HTTP/2 to whoever begins with its preface, which comes in one piece, and HTTP/1.1 to everybody else.
async fn serve(stream: TcpStream, state: Arc<State>) -> Result<()> {
    let mut start = [0; 3];
    stream.peek(&mut start).await?;
    if &start == b"PRI" { serve_http2(stream, state).await } else { serve_http1(Wire::new(stream)?, state).await }
}

async fn serve_http2(stream: TcpStream, state: Arc<State>) -> Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let policy = state.answer(request.uri().path()).await;
            let response = Response::builder().header("content-type", "application/json");
            response.header("etag", sample::REVISION).body(Full::new(Bytes::from(policy)))
        }
    });
    let mut server = http2::Builder::new(TokioExecutor::new());
    Ok(server.max_concurrent_streams(STREAMS).serve_connection(TokioIo::new(stream), service).await?)
}

async fn serve_http1(mut wire: Wire, state: Arc<State>) -> Result<()> {
    while let Some(request) = wire.request().await? {
        let policy = state.answer(&request.path).await;
        let (revision, length) = (sample::REVISION, policy.len());
        let start = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: {revision}\r\ncontent-length: {length}\r\n\r\n"
        );
        wire.send(&[start.as_bytes(), policy.as_bytes()].concat()).await?;
    }
    Ok(())
}

impl State {
    /// The policy that is asked for, or a new one, when nobody is to wait.
    async fn answer(&self, path: &str) -> String {
        let mut held = self.held.subscribe();
        if *held.borrow() {
            self.waiting.send_modify(|waiting| *waiting += 1);
            // The sender is ours, so it is there.
            let _ = held.wait_for(|held| !held).await;
            self.waiting.send_modify(|waiting| *waiting -= 1);
        }
        let id = match path.strip_prefix("/policies/") {
            Some(id) => id.to_owned(),
            None => format!("pol-{}", self.created.fetch_add(1, Ordering::Relaxed)),
        };
        sample::stored(&id, SIZE).to_string()
    }
}
