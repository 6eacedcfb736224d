//! A plain GET, without credentials, as `kustomize` does it, but with bounds on time and size.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kustomize::{Limits, RemoteError};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// How long a server may be silent.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An HTTP client that is set up at the first request.
#[derive(Default)]
pub(super) struct Client(OnceLock<Result<Parts, String>>);

struct Parts {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Client {
    /// Returns the body at a URL.
    pub(super) fn get(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        let failed =
            |what: &dyn std::fmt::Display| RemoteError::Failed(format!("Get \"{url}\": {what}"));
        let parts = self.0.get_or_init(parts).as_ref();
        let Parts { runtime, client } = parts.map_err(|error| failed(error))?;
        runtime.block_on(async {
            let response = client.get(url).send().await;
            let mut response = response.map_err(|error| failed(&cause(&error)))?;
            let status = response.status();
            if !status.is_success() {
                let reason = status.canonical_reason().unwrap_or("");
                return Err(RemoteError::Status(format!(
                    "{} ({reason})",
                    status.as_u16()
                )));
            }
            let limit = Limits::default().max_file_bytes;
            let mut body = Vec::new();
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| failed(&cause(&error)))?
            {
                if body.len() + chunk.len() > limit {
                    return Err(failed(&format!("the body is larger than {limit} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body.into())
        })
    }
}

fn parts() -> Result<Parts, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    // As everywhere, one bad file of the system does not spoil the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = reqwest::Client::builder()
        .connect_timeout(TIMEOUT)
        .read_timeout(TIMEOUT)
        .user_agent(concat!("perigee/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .build()
        .map_err(|error| cause(&error))?;
    Ok(Parts { runtime, client })
}

/// The innermost cause: the outer ones repeat the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}
