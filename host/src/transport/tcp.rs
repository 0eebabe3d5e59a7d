//! TCP connections, wherever the protocol above them leads: names are resolved, and every address is judged.

use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{Barred, Reach, Settings};

/// How long a connection may be silent before the kernel asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(super) type BoxError = Box<dyn Error + Send + Sync>;
pub(super) type Soon<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Opens TCP connections to the addresses that backends may have, and to no other.
#[derive(Clone, Debug)]
pub(super) struct Tcp {
    reach: Arc<Reach>,
    limit: Duration,
}

impl Tcp {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { reach: Arc::clone(&settings.reach), limit: settings.connect_timeout }
    }
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
