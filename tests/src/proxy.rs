//! A reverse proxy that sees every exchange between Crosspoint and a backend, and can spoil one on purpose.
//!
//! It counts what really crossed the wire, which is how tests prove "one call in, one call out". A trap catches the
//! next matching exchange once: there is no chance involved, and nothing waits for time to pass.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request, response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{client, server, service};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

/// A proxy in front of one server. It stops, and cuts its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
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

/// An exchange that waits in the proxy. Dropped, it is cut off: the client's connection closes without a reply.
#[derive(Debug)]
pub struct Held {
    sprung: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    exchanges: Mutex<Vec<Exchange>>,
    traps: Mutex<Vec<Trap>>,
}

#[derive(Debug)]
struct Trap {
    method: Method,
    path: String,
    effect: Effect,
}

#[derive(Debug)]
enum Effect {
    HoldRequest(Gate),
    HoldReply(Gate),
    LoseReply,
    Answer(StatusCode, Bytes),
}

/// The proxy's side of a [`Held`].
#[derive(Debug)]
struct Gate {
    sprung: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
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
        let shared = Arc::new(Shared { upstream, exchanges: Mutex::default(), traps: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Ok(Self { address, shared, accepting })
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
        self.hold(method, path, Effect::HoldRequest)
    }

    /// Lets the next such request through, and keeps the server's reply from the client.
    #[must_use]
    pub fn hold_reply(&self, method: Method, path: &str) -> Held {
        self.hold(method, path, Effect::HoldReply)
    }

    /// Lets the next such request through, and closes the client's connection in place of a reply.
    pub fn lose_reply(&self, method: Method, path: &str) {
        self.set(method, path, Effect::LoseReply);
    }

    /// Answers the next such request in the server's place, which does not see it.
    pub fn answer(&self, method: Method, path: &str, status: StatusCode, body: impl Into<Bytes>) {
        self.set(method, path, Effect::Answer(status, body.into()));
    }

    fn hold(&self, method: Method, path: &str, effect: impl FnOnce(Gate) -> Effect) -> Held {
        let (sprung_sender, sprung) = oneshot::channel();
        let (release, release_receiver) = oneshot::channel();
        self.set(method, path, effect(Gate { sprung: sprung_sender, release: release_receiver }));
        Held { sprung, release }
    }

    fn set(&self, method: Method, path: &str, effect: Effect) {
        lock(&self.shared.traps).push(Trap { method, path: path.to_owned(), effect });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Held {
    /// Waits until an exchange has been caught.
    ///
    /// # Errors
    /// Where none comes within half a minute.
    pub async fn caught(&mut self) -> Result<()> {
        let caught = tokio::time::timeout(Duration::from_secs(30), &mut self.sprung).await;
        caught.context("no exchange was caught")?.context("the proxy has stopped")
    }

    /// Lets it go on. Nothing happens if the client has gone away meanwhile and only its reply was held.
    pub fn release(self) {
        // The other side is gone only where the proxy has stopped.
        let _ = self.release.send(());
    }
}

impl Gate {
    /// Tells the test, and waits for its decision.
    async fn pass(self) -> Result<()> {
        // The test may only be interested in the hold, not in when it begins.
        let _ = self.sprung.send(());
        self.release.await.map_err(|_| anyhow!("the exchange was cut off"))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, which closes the connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service::service_fn(|request| {
                // A client that hangs up does not take back what it has sent: the request goes on.
                let passed = tokio::spawn(pass(shared.clone(), request));
                async { passed.await? }
            });
            // An error is how the client's connection gets closed without a reply.
            let _ = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let number = shared.record(&head);
    let mut effect = shared.spring(&head);

    if let Some(Effect::Answer(status, body)) = effect {
        let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
        return Ok(response.body(Full::new(body))?);
    }
    if let Some(Effect::HoldRequest(gate)) = effect {
        gate.pass().await?;
        effect = None;
    }
    let (head, body) = shared.forward(head, body).await?;
    shared.record_reply(number, &head);
    match effect {
        Some(Effect::HoldReply(gate)) => gate.pass().await?,
        Some(Effect::LoseReply) => return Err(anyhow!("the reply was lost")),
        _ => {}
    }
    Ok(Response::from_parts(head, Full::new(body)))
}

impl Shared {
    fn record(&self, head: &request::Parts) -> usize {
        let mut exchanges = lock(&self.exchanges);
        exchanges.push(Exchange {
            method: head.method.clone(),
            target: head.uri.to_string(),
            headers: head.headers.clone(),
            reply: None,
        });
        exchanges.len() - 1
    }

    fn record_reply(&self, number: usize, head: &response::Parts) {
        if let Some(exchange) = lock(&self.exchanges).get_mut(number) {
            exchange.reply = Some((head.status, head.headers.clone()));
        }
    }

    /// The effect of the first trap that the request springs.
    fn spring(&self, head: &request::Parts) -> Option<Effect> {
        let mut traps = lock(&self.traps);
        let target = head.uri.to_string();
        let place = traps.iter().position(|trap| trap.method == head.method && target.starts_with(&trap.path))?;
        Some(traps.remove(place).effect)
    }

    async fn forward(&self, head: request::Parts, body: Bytes) -> Result<(response::Parts, Bytes)> {
        let stream = TcpStream::connect(&self.upstream).await?;
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let mut request = Request::from_parts(head, Full::new(body));
        remove_hop_headers(request.headers_mut());
        let (mut head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        driver.abort();
        remove_hop_headers(&mut head.headers);
        Ok((head, body))
    }
}

/// Removes what is between two neighbours only (RFC 9110, section 7.6.1).
fn remove_hop_headers(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE] {
        headers.remove(name);
    }
}

/// What the mutexes guard is whole at any time, so a panic of another holder does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
