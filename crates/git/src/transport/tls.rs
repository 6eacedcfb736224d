//! TLS for one remote: the system's roots and its own authority, its own client certificate.
//!
//! The system's roots are read once. A machine without any is no error: it still has its own authorities and plain
//! HTTP, and a server that needs the roots fails by name.

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    error::Error,
    remote::{ClientIdentity, Settings},
};

/// Builds the configuration for a remote's settings.
pub(crate) fn config(settings: &Settings) -> Result<ClientConfig, Error> {
    let refused = |error: rustls::Error| Error::Settings(text(&error));
    let mut roots = system_roots().clone();
    if let Some(pem) = &settings.ca {
        trust(&mut roots, pem).ok_or_else(|| {
            Error::Settings("x509: failed to parse CA certificate from PEM".to_owned())
        })?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(roots);
    let mut config = match &settings.client_identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = pair(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(refused)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A TLS failure in the words of Go's client.
pub(crate) fn text(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error::InvalidCertificate};
    let reason = match error {
        InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "certificate signed by unknown authority"
        }
        InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "certificate has expired or is not yet valid"
        }
        InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "certificate is not valid for the requested name"
        }
        InvalidCertificate(_) => "the certificate is invalid",
        other => return format!("tls: {other}"),
    };
    format!("tls: failed to verify certificate: x509: {reason}")
}

fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // As everywhere, one bad file of the system does not spoil the others.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}

/// Adds the certificates of a bundle; none if there are none, or one is bad.
fn trust(roots: &mut RootCertStore, pem: &[u8]) -> Option<()> {
    let mut any = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
        any = true;
    }
    any.then_some(())
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn pair(identity: &ClientIdentity) -> Result<Pair, Error> {
    let missing =
        |what| Error::Settings(format!("tls: failed to find any PEM data in {what} input"));
    let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| missing("certificate"))?;
    if chain.is_empty() {
        return Err(missing("certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
        .map_err(|_| missing("key"))?;
    Ok((chain, key))
}
