//! The far side of gRPC: a proxy that counts the calls, and can spoil one.

mod cut;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::http::{HeaderMap, HeaderValue, Request, Response, Uri, response};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::cut::Cut;
use super::far_side::{FarSide, Trouble};

/// The far side of any gRPC backend without TLS: a proxy before it.
///
/// A trouble is met by the next call that is no login. What the backend itself would say is gRPC's status 16 to a call that
/// is not authenticated, and status 8 to one too many; a malformed reply is a message that is no protobuf.
pub struct GrpcFarSide {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    upstream: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    login: Option<&'static str>,
    calls: Mutex<Vec<String>>,
    logins: AtomicUsize,
    trouble: Mutex<Option<Trouble>>,
    /// Counts how often late replies were let go.
    released: watch::Sender<usize>,
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

impl GrpcFarSide {
    /// Before the server at this address. Calls of the method with path `login` are counted apart, and meet no trouble.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn before(upstream: SocketAddr, login: Option<&'static str>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // A call that is made twice would spoil every count.
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.http2_only(true).retry_canceled_requests(false).build_http();
        let shared = Arc::new(Shared {
            upstream,
            client,
            login,
            calls: Mutex::default(),
            logins: AtomicUsize::default(),
            trouble: Mutex::default(),
            released: watch::channel(0).0,
        });
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, serving: Mutex::new(Some(serving)) })
    }

    /// The URL that the backend's settings name.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The paths of the calls so far, in order, logins apart.
    pub fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many logins there have been.
    pub fn logins(&self) -> usize {
        self.shared.logins.load(Ordering::SeqCst)
    }

    fn serving(&self) -> Option<JoinHandle<()>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl FarSide for GrpcFarSide {
    fn exchanges(&self) -> usize {
        self.calls().len()
    }

    fn trouble(&self, trouble: Trouble) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    fn release(&self) {
        self.shared.released.send_modify(|times| *times += 1);
    }

    async fn gone(&self) {
        if let Some(serving) = self.serving() {
            serving.abort();
            // Aborted is how it ends; with it go the port and the connections.
            let _ = serving.await;
        }
    }

    async fn back(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let serving = tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
    }
}

impl Drop for GrpcFarSide {
    fn drop(&mut self) {
        if let Some(serving) = self.serving() {
            serving.abort();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// Serves a connection until either end closes it, or a trouble cuts it.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let (stream, cut) = cut::cuttable(stream);
    let own = cut.clone();
    let service = service_fn(move |request| call(request, Arc::clone(&shared), own.clone()));
    let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // However it ends is the client's affair.
        _ = serving => {}
        () = cut.cut() => {}
    }
}

async fn call(request: Request<Incoming>, shared: Arc<Shared>, cut: Cut) -> Result<Answer, hyper::Error> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path().to_owned();
    let trouble = if shared.login == Some(path.as_str()) {
        shared.logins.fetch_add(1, Ordering::SeqCst);
        None
    } else {
        shared.calls.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    // Taken before the call is made: it may be released at any time from then on.
    let mut released = shared.released.subscribe();
    released.mark_unchanged();
    match trouble {
        Some(Trouble::LostRequest) => return Ok(cut.now().await),
        Some(Trouble::Unauthenticated) => return Ok(status("16", "who are you?")),
        Some(Trouble::Throttled) => return Ok(status("8", "too many requests")),
        _ => {}
    }
    head.uri =
        Uri::builder().scheme("http").authority(shared.upstream.to_string()).path_and_query(path).build().unwrap();
    let reply = shared.client.request(Request::from_parts(head, Full::new(body))).await.unwrap();
    let (head, body) = reply.into_parts();
    let whole = body.collect().await?;
    let trailers = whole.trailers().cloned();
    let message = whole.to_bytes();
    match trouble {
        Some(Trouble::LostReply) => Ok(cut.now().await),
        Some(Trouble::Late) => {
            // It fails only if nobody can release it any more.
            let _ = released.changed().await;
            Ok(answer(head, message, trailers))
        }
        Some(Trouble::Malformed) => {
            let nonsense = Bytes::from_static(b"\0\0\0\0\x03\x0a\xff\xff");
            Ok(answer(head, nonsense, trailers))
        }
        Some(Trouble::Truncated) => {
            let half = message.slice(..message.len().div_ceil(2));
            cut.after(half.to_vec());
            // The stream stays open, so that nothing but the cut can end it.
            let stalled = Full::new(half).map_err(|never| match never {}).with_trailers(std::future::pending());
            Ok(Response::from_parts(head, stalled.boxed()))
        }
        _ => Ok(answer(head, message, trailers)),
    }
}

fn answer(head: response::Parts, message: Bytes, trailers: Option<HeaderMap>) -> Answer {
    let body = Full::new(message).map_err(|never| match never {});
    let body = match trailers {
        Some(trailers) => body.with_trailers(async { Some(Ok(trailers)) }).boxed(),
        None => body.boxed(),
    };
    Response::from_parts(head, body)
}

/// What a server says that refuses a call at once.
fn status(code: &'static str, message: &'static str) -> Answer {
    let mut answer = Response::new(http_body_util::Empty::new().map_err(|never| match never {}).boxed());
    for (name, value) in [("content-type", "application/grpc"), ("grpc-status", code), ("grpc-message", message)] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
