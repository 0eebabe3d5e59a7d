//! Whom to trust, and who we are.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;

use super::{SettingsError, Tls};

/// What the settings come to.
pub(super) struct Trust {
    pub(super) config: ClientConfig,
    /// The name that certificates must bear, where that is not the host in the address.
    pub(super) server_name: Option<ServerName<'static>>,
}

/// Reads the settings; `protocols` is what ALPN offers, if anything. `needed` is false where no endpoint uses TLS, and the system's trust store is then left alone.
///
/// The cryptography is named here and not installed for the whole process: a library has no business doing that.
pub(super) fn trust(tls: &Tls, protocols: &[&[u8]], needed: bool) -> Result<Trust, SettingsError> {
    let roots = match &tls.ca_pem {
        Some(pem) => private_roots(pem)?,
        None if needed => system_roots()?,
        None => RootCertStore::empty(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::one("/tls", error.to_string()))?
        .with_root_certificates(roots);
    let mut config = match (&tls.client_certificate_pem, &tls.client_key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(pem), Some(key)) => {
            let chain = certificates(pem, "/tls/client_certificate_pem")?;
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| SettingsError::one("/tls/client_key", "is no private key in PEM form"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| SettingsError::one("/tls/client_certificate_pem", error.to_string()))?
        }
        (Some(_), None) => return Err(SettingsError::one("/tls/client_key", "must come with the certificate")),
        (None, Some(_)) => return Err(SettingsError::one("/tls/client_certificate_pem", "must come with the key")),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let server_name = tls.server_name.clone().map(ServerName::try_from).transpose();
    let server_name = server_name.map_err(|_| SettingsError::one("/tls/server_name", "is no host name or address"))?;
    Ok(Trust { config, server_name })
}

fn certificates(pem: &str, pointer: &str) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(SettingsError::one(pointer, "holds no certificate in PEM form")),
        Err(error) => Err(SettingsError::one(pointer, format!("is no PEM: {error}"))),
    }
}

fn private_roots(pem: &str) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "/tls/ca_pem")? {
        roots.add(certificate).map_err(|error| SettingsError::one("/tls/ca_pem", error.to_string()))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, SettingsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system's store commonly holds a few certificates that nobody can use.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err(SettingsError::one("/tls/ca_pem", "is required: the system has no trusted certificates"));
    }
    Ok(roots)
}
