//! HTTP to peers other than the API server: artifacts and event receivers.

use std::time::Duration;

/// Installs the process's TLS provider. Call once, first thing in `main`: rustls panics at its first
/// use when several providers are compiled in and none is installed.
pub fn install_tls_provider() {
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("TLS provider already installed");
    }
}

/// How long a peer may say nothing in the middle of an exchange.
const SILENCE: Duration = Duration::from_secs(30);

/// A client for peers in the cluster: keeps connections, follows a few redirects, gives up on a peer that stops
/// talking.
///
/// # Errors
/// When the platform's TLS roots cannot be loaded.
pub fn client(user_agent: &str, connect_timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(user_agent)
        .connect_timeout(connect_timeout)
        .read_timeout(SILENCE)
        .pool_idle_timeout(Duration::from_secs(90))
        .build()
}
