//! Makes connections: name, address, TCP and TLS, within one timeout, and says which of them failed.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{
    DefaultServerNameResolver, FixedServerNameResolver, HttpsConnector, MaybeHttpsStream, ResolveServerName,
};
use hyper_util::client::legacy::connect::Connection;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::failure::{describe, find};
use crate::transport::tcp::{Soon, Tcp};
use crate::transport::tls::Trust;
use crate::transport::{Barred, HttpVersion, Settings, Stats};

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
        let tcp = Tcp::new(settings);
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
