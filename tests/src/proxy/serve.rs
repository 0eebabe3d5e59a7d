//! How requests get to the server, and replies back.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header, request, response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::{client, server, service};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use super::trap::{Effect, Trap};
use super::{Exchange, Spoil, lock};

#[derive(Debug)]
pub(super) struct Shared {
    upstream: String,
    pub exchanges: Mutex<Vec<Exchange>>,
    traps: Mutex<Vec<Trap>>,
}

/// The task that accepts connections. Dropped, it ends, and with it the connections.
#[derive(Debug)]
pub(super) struct Serving {
    task: Option<JoinHandle<()>>,
    abort: AbortHandle,
    stop: Option<oneshot::Sender<()>>,
}

impl Serving {
    pub fn start(listener: TcpListener, shared: &Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, shared.clone(), stopped));
        Self { abort: task.abort_handle(), task: Some(task), stop: Some(stop) }
    }

    /// Closes the port and the connections, and waits until they are closed.
    pub async fn stop(mut self) {
        if let (Some(stop), Some(task)) = (self.stop.take(), self.task.take()) {
            // Either may have ended already, with the runtime that it ran on.
            let _ = stop.send(());
            let _ = task.await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    // Dropped with this task, which closes the connections.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => break,
        };
        let Ok((stream, _)) = accepted else { break };
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
    drop(listener);
    connections.shutdown().await;
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Sent>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let number = shared.record(&head);
    let effect = shared.spring(&head);

    let effect = match effect {
        Some(Effect::Spoil(Spoil::Answer(answer))) => return Ok(answer.map(Sent::whole)),
        Some(Effect::Spoil(Spoil::LoseRequest)) => return Err(anyhow!("the request was lost")),
        Some(Effect::HoldRequest(gate)) => {
            gate.pass().await?;
            None
        }
        effect => effect,
    };
    let (head, body) = shared.forward(head, body).await?;
    shared.record_reply(number, &head);
    match effect {
        Some(Effect::HoldReply(gate)) => gate.pass().await?,
        Some(Effect::Spoil(Spoil::LoseReply)) => return Err(anyhow!("the reply was lost")),
        Some(Effect::Spoil(Spoil::ReplaceReply(other))) => return Ok(other.map(Sent::whole)),
        Some(Effect::Spoil(Spoil::CutReply)) => return Ok(cut(head, &body)),
        _ => {}
    }
    Ok(Response::from_parts(head, Sent::whole(body)))
}

/// A reply that promises more than it holds, whatever it held.
fn cut(mut head: response::Parts, body: &Bytes) -> Response<Sent> {
    const AT_LEAST: usize = 16;
    let promised = body.len().max(AT_LEAST);
    head.headers.insert(header::CONTENT_LENGTH, promised.into());
    Response::from_parts(head, Sent { end: End::Flush, ..Sent::whole(body.slice(..body.len() / 2)) })
}

impl Shared {
    pub fn new(upstream: String) -> Self {
        Self { upstream, exchanges: Mutex::default(), traps: Mutex::default() }
    }

    pub fn trap(&self, matches: impl Fn(&request::Parts) -> bool + Send + 'static, effect: Effect) {
        lock(&self.traps).push(Trap { matches: Box::new(matches), effect });
    }

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
        let place = traps.iter().position(|trap| (trap.matches)(head))?;
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

/// A body that is sent to its end, or breaks off after what it holds.
struct Sent {
    data: Option<Bytes>,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    /// What was given so far has to reach the wire before the end: an error at once would take it along.
    Flush,
    Broken,
}

impl Sent {
    fn whole(data: Bytes) -> Self {
        Self { data: Some(data).filter(|data| !data.is_empty()), end: End::Whole }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Flush => {
                self.end = End::Broken;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Broken => Poll::Ready(Some(Err(anyhow!("the reply was cut")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Whole => SizeHint::with_exact(self.data.as_ref().map_or(0, Bytes::len) as u64),
            End::Flush | End::Broken => SizeHint::default(),
        }
    }
}
