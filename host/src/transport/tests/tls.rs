//! Trust, identity and the choice of HTTP version.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::backend::Server;
use super::{get, settings, transport};
use crate::sent::Sent;
use crate::transport::{ErrorKind, HttpVersion, Settings, Tls, TransportError};

/// A certificate authority of one's own.
pub(super) struct Authority {
    pem: String,
    der: rustls::pki_types::CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

struct Identity {
    pem: String,
    der: rustls::pki_types::CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { pem: certificate.pem(), der: certificate.der().clone(), key }
    }
}

/// A server named `name`, whose clients must be known to `clients`, if given.
pub(super) fn server(
    authority: &Authority,
    name: &str,
    clients: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> ServerConfig {
    let identity = authority.issue(name);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![identity.der], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

pub(super) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
const ALPN: &[&str] = &["h2", "http/1.1"];

async fn ask(server: &Server, tls: Tls, http_version: HttpVersion) -> Result<String, TransportError> {
    let settings = Settings { tls, http_version, ..settings(format!("https://localhost:{}", server.address.port())) };
    get(&transport(&settings), "/x").await.map(|reply| String::from_utf8(reply.body.0).unwrap())
}

pub(super) fn trusting(authority: &Authority) -> Tls {
    Tls { ca_pem: Some(authority.pem.clone()), ..Tls::default() }
}

fn identified(authority: &Authority, clients: &Authority) -> Tls {
    let identity = clients.issue("crosspoint");
    Tls {
        client_certificate_pem: Some(identity.pem),
        client_key: Some(identity.key.serialize_pem().into()),
        ..trusting(authority)
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_and_tls_chooses_the_http_version() {
    let authority = Authority::new("ours");
    let modern = Server::start(Some(server(&authority, "localhost", None, BOTH, ALPN))).await;
    assert_eq!(ask(&modern, trusting(&authority), HttpVersion::Auto).await.unwrap(), "h2 GET /x");
    assert_eq!(ask(&modern, trusting(&authority), HttpVersion::Http2).await.unwrap(), "h2 GET /x");
    assert_eq!(ask(&modern, trusting(&authority), HttpVersion::Http11).await.unwrap(), "h1 GET /x");
    let plain = Server::start(Some(server(&authority, "localhost", None, &[&version::TLS12], &[]))).await;
    assert_eq!(ask(&plain, trusting(&authority), HttpVersion::Auto).await.unwrap(), "h1 GET /x");
    let error = ask(&plain, trusting(&authority), HttpVersion::Http2).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::No), "{error}");
    assert_eq!(plain.requests(), 1);
}

#[tokio::test]
async fn another_authority_is_refused_before_anything_is_sent() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Server::start(Some(server(&stranger, "localhost", None, BOTH, ALPN))).await;
    let error = ask(&server, trusting(&authority), HttpVersion::Auto).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
    assert!(error.message.contains("UnknownIssuer"), "{error}");
    // Nor does the system trust it.
    let error = ask(&server, Tls::default(), HttpVersion::Auto).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_certificate_must_bear_the_name_that_was_asked_for() {
    let authority = Authority::new("ours");
    let server = Server::start(Some(server(&authority, "appliance.example", None, BOTH, ALPN))).await;
    let error = ask(&server, trusting(&authority), HttpVersion::Auto).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
    let tls = Tls { server_name: Some("appliance.example".to_owned()), ..trusting(&authority) };
    assert_eq!(ask(&server, tls, HttpVersion::Auto).await.unwrap(), "h2 GET /x");
}

#[tokio::test]
async fn a_client_certificate_is_given_where_it_is_required() {
    let (authority, clients) = (Authority::new("ours"), Authority::new("clients"));
    for versions in [BOTH, &[&version::TLS12]] {
        let server = Server::start(Some(server(&authority, "localhost", Some(&clients), versions, ALPN))).await;
        let answer = ask(&server, identified(&authority, &clients), HttpVersion::Auto).await;
        assert_eq!(answer.unwrap(), "h2 GET /x");
    }
}

#[tokio::test]
async fn without_the_right_client_certificate_nothing_is_claimed_to_have_been_answered() {
    let (authority, clients, strangers) =
        (Authority::new("ours"), Authority::new("clients"), Authority::new("strangers"));
    for tls in [trusting(&authority), identified(&authority, &strangers)] {
        let old = Server::start(Some(server(&authority, "localhost", Some(&clients), &[&version::TLS12], ALPN))).await;
        let error = ask(&old, tls.clone(), HttpVersion::Auto).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
        // In TLS 1.3 the server's verdict comes after the handshake, and may be overtaken by a reset.
        let new = Server::start(Some(server(&authority, "localhost", Some(&clients), &[&version::TLS13], ALPN))).await;
        let error = ask(&new, tls, HttpVersion::Http11).await.unwrap_err();
        let told = [(ErrorKind::Tls, Sent::No), (ErrorKind::Reset, Sent::Maybe), (ErrorKind::Connect, Sent::No)];
        assert!(told.contains(&(error.kind, error.sent)), "{error:?}");
        assert_eq!((old.requests(), new.requests()), (0, 0));
    }
}
