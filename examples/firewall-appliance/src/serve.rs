//! Connections. They are served here rather than by axum, because a connection that ends without a reply is a matter
//! below it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::error::ApiError;
use crate::fault::Moment;
use crate::journal::Effect;
use crate::{Shared, api, sim};

/// A listening socket and its connections.
pub(crate) struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(addr: SocketAddr, shared: Arc<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let router = api::router(&shared).merge(sim::router()).with_state(Arc::clone(&shared));
        Ok(Self { addr, task: tokio::spawn(accept(listener, router, shared)) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends the listener and all connections; returns when they are gone.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    // Dropped with this task, it ends all connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, router.clone(), Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    let service = service_fn(|request| exchange(request, router.clone(), Arc::clone(&shared)));
    // A connection that ends badly is what this appliance is for.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// The connection ends here.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on demand")
    }
}

impl std::error::Error for Cut {}

async fn exchange(request: Request<Incoming>, router: Router, shared: Arc<Shared>) -> Result<Response<Body>, Cut> {
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let request = request.map(Body::new);
    if path.starts_with("/_sim/") {
        return router.oneshot(request).await.map_err(|never| match never {});
    }
    let arrival = shared.faults.arrival();
    let fault = shared.faults.take(&method, &path);
    let number = shared.journal.arrive(&method, &path);
    shared.faults.pass(Moment::BeforeEffect, &fault, arrival).await;
    if fault.drop == Some(Moment::BeforeEffect) {
        return Err(Cut);
    }
    let mut reply = match fault.status {
        Some(status) => on_demand(status, fault.retry_after),
        None => router.oneshot(request).await.map_err(|never| match never {})?,
    };
    shared.journal.settle(number, reply.status().as_u16(), reply.extensions_mut().remove::<Effect>().as_ref());
    shared.faults.pass(Moment::AfterEffect, &fault, arrival).await;
    if fault.delay_ms > 0 {
        tokio::time::sleep(fault.delay()).await;
    }
    match fault.drop {
        Some(Moment::MidReply) => halve(reply, true).await,
        Some(_) => Err(Cut),
        None if fault.truncate => halve(reply, false).await,
        None => Ok(reply),
    }
}

fn on_demand(status: u16, retry_after: Option<u32>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = ApiError::on_demand(status).into_response();
    if let Some(seconds) = retry_after {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Half of the body: with a `cut`, the connection ends where the other half should come.
async fn halve(reply: Response<Body>, cut: bool) -> Result<Response<Body>, Cut> {
    let (mut head, body) = reply.into_parts();
    let whole = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let half = whole.slice(..whole.len() / 2);
    if cut {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
        // The cut comes a turn later than the half, so that the half is on its way by then.
        let cut = stream::once(async {
            tokio::task::yield_now().await;
            Err(Cut)
        });
        let pieces = stream::iter([Ok::<Bytes, Cut>(half)]).chain(cut);
        return Ok(Response::from_parts(head, Body::from_stream(pieces)));
    }
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(half)))
}
