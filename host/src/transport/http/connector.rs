//! Makes connections: name, address, TCP and TLS, within one timeout, and says which of them failed.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{
    DefaultServerNameResolver, FixedServerNameResolver, HttpsConnector, MaybeHttpsStream, ResolveServerName,
};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::failure::{describe, find};
use super::tls::Trust;
use crate::transport::{Barred, HttpVersion, Reach, Settings, Stats};

/// How long a connection may be silent before the kernel asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("cannot connect: {0}")]
    Tcp(String),
    #[error("no connection is opened to this backend: {0}")]
    Barred(Barred),
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("no connection to the backend in time")]
    Timeout,
    #[error("the backend did not agree to speak HTTP/2")]
    NotHttp2,
}

type BoxError = Box<dyn Error + Send + Sync>;
type Soon<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<Tcp>,
    limit: Duration,
    only_http2: bool,
    stats: Arc<Stats>,
}

impl Connector {
    pub(super) fn new(trust: Trust, settings: &Settings, stats: Arc<Stats>) -> Self {
        let tcp = Tcp { reach: Arc::clone(&settings.reach), limit: settings.connect_timeout };
        let names: Arc<dyn ResolveServerName + Send + Sync> = match trust.server_name {
            Some(name) => Arc::new(FixedServerNameResolver::new(name)),
            None => Arc::new(DefaultServerNameResolver::default()),
        };
        Self {
            inner: HttpsConnector::new(tcp, trust.config, false, names),
            limit: settings.connect_timeout,
            only_http2: settings.http_version == HttpVersion::Http2,
            stats,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Soon<Stream, ConnectError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.inner.poll_ready(context).map_err(|error| ConnectError::Tcp(describe(&*error)))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let must_be_http2 = self.only_http2 && address.scheme() == Some(&Scheme::HTTPS);
        let connecting = timeout(self.limit, self.inner.call(address));
        let stats = Arc::clone(&self.stats);
        Box::pin(async move {
            let connected = match connecting.await {
                Ok(Ok(stream)) if must_be_http2 && !stream.connected().is_negotiated_h2() => {
                    Err(ConnectError::NotHttp2)
                }
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(classify(&*error)),
                Err(_) => Err(ConnectError::Timeout),
            };
            stats.connected(connected.is_ok());
            connected
        })
    }
}

/// Opens TCP connections to the addresses that backends may have, and to no other.
#[derive(Clone)]
struct Tcp {
    reach: Arc<Reach>,
    limit: Duration,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Soon<Self::Response, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let default = if address.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let permitted = Permitted { reach: Arc::clone(&self.reach), port: address.port_u16().unwrap_or(default) };
        // An address is connected to as it is; only names are resolved.
        let host = address.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = host.parse()
            && let Err(barred) = permitted.judge(ip)
        {
            return Box::pin(async move { Err(barred.into()) });
        }
        let mut tcp = HttpConnector::new_with_resolver(permitted);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        // Shared out among a name's addresses, so that one that does not answer leaves time for the next.
        tcp.set_connect_timeout(Some(self.limit));
        Box::pin(async move { Ok(tcp.call(address).await?) })
    }
}

/// Resolves names to the addresses that backends may have.
#[derive(Clone)]
struct Permitted {
    reach: Arc<Reach>,
    port: u16,
}

impl Permitted {
    fn judge(&self, ip: IpAddr) -> Result<(), Barred> {
        self.reach.judge(SocketAddr::new(ip, self.port))
    }
}

impl Service<Name> for Permitted {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Soon<Self::Response, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (own, resolving) = (self.clone(), GaiResolver::new().call(name));
        Box::pin(async move {
            let (mut permitted, mut barred) = (Vec::new(), None);
            for address in resolving.await? {
                match own.judge(address.ip()) {
                    Ok(()) => permitted.push(address),
                    Err(why) => barred = Some(why),
                }
            }
            match barred {
                Some(barred) if permitted.is_empty() => Err(barred.into()),
                _ => Ok(permitted.into_iter()),
            }
        })
    }
}

/// The HTTPS connector passes on what the TCP connector says as it is, and its own failures as plain I/O errors.
fn classify(error: &(dyn Error + Send + Sync + 'static)) -> ConnectError {
    if let Some(barred) = find::<Barred>(error) {
        return ConnectError::Barred(*barred);
    }
    if error.is::<io::Error>() {
        return ConnectError::Tls(describe(error));
    }
    let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    if error.source().and_then(|source| source.downcast_ref()).is_some_and(timed_out) {
        return ConnectError::Timeout;
    }
    ConnectError::Tcp(describe(error))
}
