//! TLS for one provider: the authorities of its own or the system's, a client certificate.
//!
//! The system's authorities are read once; a machine without any is no error.

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{error::BuildError, settings::Tls};

/// Builds the configuration.
///
/// # Errors
/// When a certificate or key cannot be used.
pub(crate) fn config(tls: Option<&Tls>) -> Result<ClientConfig, BuildError> {
    let refused = |error: rustls::Error| BuildError::Tls(format!("tls: {error}"));
    let roots = match tls.and_then(|tls| tls.ca.as_deref()) {
        Some(pem) => authorities(pem).ok_or_else(|| {
            BuildError::Tls("failed to append CA certificate to certificate pool".to_owned())
        })?,
        None => system(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(roots);
    let mut config = match tls.and_then(|tls| tls.identity.as_ref()) {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let (chain, key) = pair(certificate, key)?;
            builder.with_client_auth_cert(chain, key).map_err(refused)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn system() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Arc::clone(ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // One bad file of the system does not spoil the others.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    }))
}

/// The certificates of a bundle; as in Go, those that can be used are, and one is enough.
fn authorities(pem: &[u8]) -> Option<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
    (!roots.is_empty()).then(|| Arc::new(roots))
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn pair(certificate: &[u8], key: &[u8]) -> Result<Pair, BuildError> {
    let missing =
        |what| BuildError::Tls(format!("tls: failed to find any PEM data in {what} input"));
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| missing("certificate"))?;
    if chain.is_empty() {
        return Err(missing("certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| missing("key"))?;
    Ok((chain, key))
}
