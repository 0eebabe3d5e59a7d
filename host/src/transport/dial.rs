//! Byte streams to one endpoint, for every protocol but HTTP: TCP, and TLS on it where the address says so.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

use super::http::failure::{describe, find};
use super::tcp::Tcp;
use super::{Barred, ErrorKind, Settings, SettingsError, Stats, TransportError, tls};
use crate::sent::Sent;

/// A connection, whatever is below it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections to one endpoint.
pub(super) struct Dialer {
    tcp: Tcp,
    address: Uri,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    limit: Duration,
    stats: Arc<Stats>,
}

impl Dialer {
    /// For an address that the operator wrote: one of `schemes`, a host and a port, and nothing else. Scheme `tls`
    /// means TLS, and no other does. Opens no connection.
    ///
    /// # Errors
    /// What is wrong with the address, at `pointer`, or with the TLS settings.
    pub(super) fn new(
        address: &str,
        schemes: &[&str],
        default_port: Option<u16>,
        pointer: &str,
        settings: &Settings,
        stats: Arc<Stats>,
    ) -> Result<Self, SettingsError> {
        let refused = |reason: String| SettingsError::one(pointer.to_owned(), reason);
        let address = parse(address, schemes, default_port).map_err(refused)?;
        let host = host(&address);
        if let (Ok(ip), Some(port)) = (host.parse(), address.port_u16()) {
            let judged = settings.reach.judge(std::net::SocketAddr::new(ip, port));
            judged.map_err(|barred| refused(barred.to_string()))?;
        }
        let tls = if address.scheme_str() == Some("tls") {
            let trust = tls::trust(&settings.tls, &[], true)?;
            let named =
                || ServerName::try_from(host.to_owned()).map_err(|_| refused(format!("`{host}` is no host name")));
            let name = trust.server_name.map_or_else(named, Ok)?;
            Some((TlsConnector::from(Arc::new(trust.config)), name))
        } else {
            None
        };
        Ok(Self { tcp: Tcp::new(settings), address, tls, limit: settings.connect_timeout, stats })
    }

    /// The address, for people.
    pub(super) fn url(&self) -> String {
        self.address.to_string().trim_end_matches('/').to_owned()
    }

    /// Opens a connection within the connect timeout, and not beyond `deadline`.
    ///
    /// # Errors
    /// Always with `sent: no`.
    ///
    /// # Cancel-safety
    /// Dropping the future closes what there is of a connection.
    pub(super) async fn dial(&self, deadline: Option<Instant>) -> Result<Box<dyn Stream>, TransportError> {
        let limit = Instant::now() + self.limit;
        let limit = deadline.map_or(limit, |deadline| deadline.min(limit));
        let dialled = timeout_at(limit, self.connect()).await.unwrap_or_else(|_| {
            Err(TransportError::new(ErrorKind::ConnectTimeout, Sent::No, "no connection to the backend in time"))
        });
        self.stats.connected(dialled.is_ok());
        dialled
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, TransportError> {
        let stream = self.tcp.clone().call(self.address.clone()).await.map_err(|error| {
            if let Some(barred) = find::<Barred>(&*error) {
                let message = format!("no connection is opened to this backend: {barred}");
                return TransportError::new(ErrorKind::Barred, Sent::No, message);
            }
            let late = find::<io::Error>(&*error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
            let kind = if late { ErrorKind::ConnectTimeout } else { ErrorKind::Connect };
            TransportError::new(kind, Sent::No, format!("cannot connect: {}", describe(&*error)))
        })?;
        let stream = stream.into_inner();
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => match connector.connect(name.clone(), stream).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => {
                    let message = format!("TLS failed: {}", describe(&error));
                    Err(TransportError::new(ErrorKind::Tls, Sent::No, message))
                }
            },
        }
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Dialer").field(&self.url()).finish()
    }
}

fn host(address: &Uri) -> &str {
    address.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn parse(text: &str, schemes: &[&str], default_port: Option<u16>) -> Result<Uri, String> {
    let allowed = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect::<Vec<_>>().join(" or ");
    let uri: Uri = text.parse().map_err(|error| format!("is no URL: {error}"))?;
    let scheme = uri.scheme_str().filter(|scheme| schemes.contains(scheme));
    let scheme = scheme.ok_or_else(|| format!("must start with {allowed}"))?;
    let authority = uri.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') {
        return Err("may hold no user name: credentials belong into the authentication".to_owned());
    }
    if !matches!(uri.path_and_query().map(http::uri::PathAndQuery::as_str), None | Some("" | "/")) {
        return Err("may hold neither path nor query; it is scheme, host and port only".to_owned());
    }
    if authority.host().is_empty() {
        return Err("names no host".to_owned());
    }
    let port = authority.port_u16().or(default_port).filter(|port| *port > 0).ok_or("names no port")?;
    let authority = format!("{}:{port}", authority.host().to_ascii_lowercase());
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build();
    uri.map_err(|error| format!("is no URL: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        let parse = |text: &str| parse(text, &["tcp", "tls"], Some(6640)).map(|uri| uri.to_string());
        assert_eq!(parse("tcp://SW1.example:66").unwrap(), "tcp://sw1.example:66/");
        assert_eq!(parse("tls://[::1]").unwrap(), "tls://[::1]:6640/");
        for wrong in ["sw1:6640", "http://sw1:1", "tcp://", "tcp://a:0", "tcp://u@a:1", "tcp://a:1/p", "tcp://a:1?q"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
