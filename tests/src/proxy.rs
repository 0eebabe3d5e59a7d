//! A reverse proxy that sees every exchange between Crosspoint and a backend, and can spoil one on purpose.
//!
//! It counts what really crossed the wire, which is how tests prove "one call in, one call out". A trap catches the
//! next matching exchange once: there is no chance involved, and nothing waits for time to pass. It can also be closed
//! and opened again, as a backend that goes away and comes back.

mod serve;
mod trap;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header, request};
use tokio::net::TcpListener;

pub use trap::Held;

use serve::{Serving, Shared};
use trap::{Effect, Gate};

/// A proxy in front of one server. It stops, and cuts its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Mutex<Option<Serving>>,
}

/// One exchange that went through, or was caught on its way.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request's method.
    pub method: Method,
    /// The request's path and query.
    pub target: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// What the server answered, whether or not the client got to hear it; none while it has not.
    pub reply: Option<(StatusCode, HeaderMap)>,
}

impl Exchange {
    /// The status that the server answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.reply.as_ref().map(|(status, _)| status.as_u16())
    }
}

/// What happens to an exchange, but for holding it.
#[derive(Clone, Debug)]
pub enum Spoil {
    /// The client's connection closes in place of a reply, and the server sees nothing.
    LoseRequest,
    /// The server sees it; the client's connection closes in place of a reply.
    LoseReply,
    /// The server sees it; the client gets the head of the reply and half of its body, then the connection closes.
    CutReply,
    /// The server sees it; the client gets this instead of the server's reply.
    ReplaceReply(Response<Bytes>),
    /// The server does not see it, and the client gets this.
    Answer(Response<Bytes>),
}

impl Proxy {
    /// Starts a proxy on a loopback port. `upstream` is a URL such as `http://127.0.0.1:9696`; its path is ignored.
    ///
    /// # Errors
    /// Where the URL has no host, or no port is free.
    pub async fn start(upstream: &str) -> Result<Self> {
        let uri: http::Uri = upstream.parse()?;
        let upstream = uri.authority().context("a URL without a host")?.to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(upstream));
        let serving = Mutex::new(Some(Serving::start(listener, &shared)));
        Ok(Self { address, shared, serving })
    }

    /// The proxy's own URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every exchange so far, in the order in which the requests came.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.shared.exchanges).clone()
    }

    /// The exchanges after the first `count`.
    #[must_use]
    pub fn exchanges_after(&self, count: usize) -> Vec<Exchange> {
        lock(&self.shared.exchanges).iter().skip(count).cloned().collect()
    }

    /// Keeps the next request with this method and a target that starts with `path` from the server.
    #[must_use]
    pub fn hold_request(&self, method: Method, path: &str) -> Held {
        self.hold(starts(method, path), Effect::HoldRequest)
    }

    /// Lets the next such request through, and keeps the server's reply from the client.
    #[must_use]
    pub fn hold_reply(&self, method: Method, path: &str) -> Held {
        self.hold_reply_of(starts(method, path))
    }

    /// The same for the next request that matches.
    #[must_use]
    pub fn hold_reply_of(&self, matches: impl Fn(&request::Parts) -> bool + Send + 'static) -> Held {
        self.hold(matches, Effect::HoldReply)
    }

    /// Lets the next such request through, and closes the client's connection in place of a reply.
    pub fn lose_reply(&self, method: Method, path: &str) {
        self.spoil(starts(method, path), Spoil::LoseReply);
    }

    /// Answers the next such request in the server's place, which does not see it.
    pub fn answer(&self, method: Method, path: &str, status: StatusCode, body: impl Into<Bytes>) {
        let mut answer = Response::new(body.into());
        *answer.status_mut() = status;
        answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        self.spoil(starts(method, path), Spoil::Answer(answer));
    }

    /// Spoils the next exchange whose request matches.
    pub fn spoil(&self, matches: impl Fn(&request::Parts) -> bool + Send + 'static, spoil: Spoil) {
        self.shared.trap(matches, Effect::Spoil(spoil));
    }

    /// Closes the port and every connection, until [`Proxy::open`]: to the client, the backend is gone.
    pub async fn close(&self) {
        let serving = lock(&self.serving).take();
        if let Some(serving) = serving {
            serving.stop().await;
        }
    }

    /// Opens the port again, the same as before.
    ///
    /// # Errors
    /// Where somebody else has taken the port meanwhile.
    pub async fn open(&self) -> Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        *lock(&self.serving) = Some(Serving::start(listener, &self.shared));
        Ok(())
    }

    fn hold(
        &self,
        matches: impl Fn(&request::Parts) -> bool + Send + 'static,
        effect: impl FnOnce(Gate) -> Effect,
    ) -> Held {
        let (held, gate) = trap::held();
        self.shared.trap(matches, effect(gate));
        held
    }
}

fn starts(method: Method, path: &str) -> impl Fn(&request::Parts) -> bool + Send + 'static {
    let path = path.to_owned();
    move |head| head.method == method && head.uri.to_string().starts_with(&path)
}

/// What the mutexes guard is whole at any time, so a panic of another holder does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
