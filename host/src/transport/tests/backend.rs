//! Backends to test against: one that follows a script byte by byte, and one that is a real HTTP server.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A backend that does what a script says, once for each connection.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    pub(super) log: Arc<Log>,
}

/// What came in.
#[derive(Default)]
pub(super) struct Log {
    bytes: Mutex<Vec<u8>>,
    requests: AtomicUsize,
}

/// One accepted connection.
pub(super) struct Line {
    /// How many connections were accepted before.
    pub(super) index: usize,
    stream: TcpStream,
    log: Arc<Log>,
}

impl Scripted {
    pub(super) async fn start<F, S>(script: F) -> Self
    where
        F: Fn(Line) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        tokio::spawn(async move {
            for index in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(script(Line { index, stream, log: Arc::clone(&shared) }));
            }
        });
        Self { address, log }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Log {
    /// Everything received, on all connections.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// How many whole requests came.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

impl Line {
    /// Reads one request with its body; false where the other end closed.
    pub(super) async fn read(&mut self) -> bool {
        let mut request = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).await.unwrap_or(0);
            request.extend_from_slice(&buffer[..count]);
            self.log.bytes.lock().unwrap().extend_from_slice(&buffer[..count]);
            if complete(&request) {
                self.log.requests.fetch_add(1, SeqCst);
                return true;
            }
            if count == 0 {
                return false;
            }
        }
    }

    pub(super) async fn write(&mut self, text: &str) {
        // The client may have gone, which is its right.
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// Waits until the other end closes.
    pub(super) async fn hold(mut self) {
        while self.read().await {}
    }

    /// Ends the connection with a reset instead of in order.
    pub(super) fn reset(self) {
        #[expect(deprecated, reason = "with no time to linger it does not block: it is how to send a reset")]
        self.stream.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// A real HTTP/1.1 and HTTP/2 server that says on each request how it came.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) requests: Arc<AtomicUsize>,
}

/// The target that [`Server`] never answers.
pub(super) const NEVER: &str = "/never";

impl Server {
    /// Answers `VERSION METHOD TARGET`, behind TLS if so configured.
    pub(super) async fn start(tls: Option<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, counter) = (acceptor.clone(), Arc::clone(&counter));
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        counter.fetch_add(1, SeqCst);
                        async move {
                            if request.uri().path() == NEVER {
                                std::future::pending::<()>().await;
                            }
                            Ok::<_, Infallible>(answer(&request))
                        }
                    });
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let served = match acceptor {
                        None => builder.serve_connection(TokioIo::new(stream), service).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
                            Err(_) => return,
                        },
                    };
                    drop(served);
                });
            }
        });
        Self { address, requests }
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let version = if request.version() == Version::HTTP_2 { "h2" } else { "h1" };
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    Response::new(Full::from(format!("{version} {} {target}", request.method())))
}
