//! The listener: connections in, requests to the router, and an orderly end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::descriptors;
use super::under_way::{Counted, UnderWay};
use crate::config::LimitsSection;

/// How long to pause when the process has no descriptors left, rather than spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Most streams of one HTTP/2 connection.
const STREAMS: u32 = 256;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// A listener that is bound.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: LimitsSection,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub async fn bind(address: SocketAddr, limits: &LimitsSection) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, limits: limits.clone() })
    }

    /// The address that it listens on, with the port that the system chose where none was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves, then waits for the open requests for at most `grace`. Says whether all of them
    /// ended.
    pub async fn run(self, router: Router, stop: impl Future<Output = ()>, grace: Duration) -> bool {
        descriptors::provide(self.limits.connections);
        let connections = TaskTracker::new();
        let stopping = CancellationToken::new();
        let door = Door {
            builder: builder(&self.limits),
            router,
            idle: self.limits.idle_timeout,
            unread: self.limits.body_timeout,
            stopping: stopping.clone(),
        };
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut full = false;
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match (accepted, Arc::clone(&places).try_acquire_owned()) {
                (Ok((stream, peer)), Ok(place)) => {
                    full = false;
                    drop(connections.spawn(door.clone().serve(stream, peer, place)));
                }
                // Dropped, and so closed. Once is enough to say it: who floods us shall not flood the log.
                (Ok((_, peer)), Err(_)) => {
                    if !std::mem::replace(&mut full, true) {
                        tracing::warn!(%peer, most = self.limits.connections, "too many connections: new ones are closed");
                    }
                }
                (Err(error), _) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        stopping.cancel();
        connections.close();
        tokio::time::timeout(grace, connections.wait()).await.is_ok()
    }
}

fn builder(limits: &LimitsSection) -> Builder<TokioExecutor> {
    // Less than this is less than hyper's own smallest buffer.
    let head = limits.header_bytes.max(8 * 1024);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle_timeout).max_buf_size(head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX));
    builder
}

/// What each connection is served with.
#[derive(Clone)]
struct Door {
    builder: Builder<TokioExecutor>,
    router: Router,
    idle: Duration,
    unread: Duration,
    stopping: CancellationToken,
}

impl Door {
    /// Serves one connection until it ends, has nothing under way for too long, or the server stops.
    async fn serve(self, stream: TcpStream, peer: SocketAddr, _place: OwnedSemaphorePermit) {
        // Where these cannot be set, the connection still works.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(self.unread));
        let under_way = UnderWay::default();
        let (router, counter) = (self.router, under_way.clone());
        let service = hyper::service::service_fn(move |request| {
            let (answering, request_counted) = (answer(router.clone(), request, peer), counter.enter());
            async move { answering.await.map(|response| response.map(|body| Counted::new(body, request_counted))) }
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let mut look = interval(self.idle);
        let mut leaving = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error, "a connection ended badly");
                    }
                    return;
                }
                () = self.stopping.cancelled(), if !leaving => {}
                // Between one look and the next, so it takes twice as long at most.
                _ = look.tick() => match under_way.was_idle() {
                    false => continue,
                    true if leaving => return,
                    true => {}
                }
            }
            leaving = true;
            connection.as_mut().graceful_shutdown();
        }
    }
}

async fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Body>, std::convert::Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = router.call(request).await?;
    if chunked {
        // A Content-Length beside it, which a proxy before us may have gone by, is not shown to us; what follows on
        // this connection might then be the proxy's body and our next request (RFC 9112, section 6.1).
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
