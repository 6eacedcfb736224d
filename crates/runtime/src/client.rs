//! The connection to an API server.
//!
//! One [`Client`] owns one pool of HTTP/1.1 connections. Everything that talks to the server goes
//! through its stack, from the outside in:
//!
//! ```text
//! verbs (get, list, apply, …)        kube::Client (watches, leases)
//!   retry: Retry-After, reset           |
//!   └───────────┬───────────────────────┘
//!            limit: token bucket, off under Priority and Fairness
//!            deadline: per attempt; a watch only until its headers
//!            observe: code, method, host; warnings
//!            identity, user agent, authorization, base URI
//!            pool: hyper-util, rustls
//! ```
//!
//! Invariants: a request body or response body is never logged; no `kube::Error` is shown (see
//! [`ApiError`]); every attempt has a deadline and is counted, whoever made it; impersonation is a
//! header on the shared pool, never a pool of its own. kube's retry layer and its
//! `KUBE_RS_DEBUG_*` overrides are not used. Responses are asked for uncompressed: they are small, and the
//! server compresses only large ones at a cost in its CPU.
//!
//! Source: client-go `rest`, fluxcd/pkg `runtime/client` (0.111).

mod call;
mod config;
mod discovery;
mod error;
mod generic_status;
mod identity;
mod limit;
mod mapper;
mod resource;
mod stack;
#[cfg(test)]
mod tests;
mod transport;
mod verbs;
mod warning;

pub use config::{ConfigError, Remote, in_cluster, kubeconfig, remote_kubeconfig};
pub use error::{ApiError, Cause, Reason, Status};
/// What a [`Transport`] made of a closure answers.
pub use http::Response;
pub use identity::Identity;
pub use mapper::{Mapper, REFRESH_INTERVAL};
pub use resource::{GroupVersionKind, ResourceRef, Target};
pub use stack::{RequestObserver, WarningHandler};
pub use transport::Transport;
pub use verbs::{
    ApplyOptions, DeleteOptions, FieldValidation, ListOptions, Propagation, WriteOptions,
};

use std::{sync::Arc, time::Duration};

use stack::Stack;

/// How a [`Client`] behaves.
#[derive(Clone)]
pub struct Options {
    /// The `User-Agent`: `<controller>/<version>`.
    pub user_agent: String,
    /// Requests per second in the long run; zero or less means no limit.
    pub qps: f32,
    /// Requests that may go at once after a pause.
    pub burst: u32,
    /// How long one attempt may take, from the first byte sent to the last received.
    pub deadline: Duration,
    /// Idle connections kept open; at least as many as there are requests in flight, or each burst
    /// pays for new TLS handshakes.
    pub max_idle: usize,
    /// Hears of every attempt.
    pub observer: Option<Arc<dyn RequestObserver>>,
    /// Hears the server's warnings.
    pub warnings: Option<Arc<dyn WarningHandler>>,
}

impl Options {
    /// Flux's limits (50 per second, burst 300), 30 seconds per attempt, 64 idle connections, nobody
    /// listening.
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            qps: 50.0,
            burst: 300,
            deadline: Duration::from_secs(30),
            max_idle: 64,
            observer: None,
            warnings: None,
        }
    }
}

/// A connection to one API server, acting as one user. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    stack: Arc<Stack>,
    identity: Option<Arc<Identity>>,
}

impl Client {
    /// A client of the server that `config` names. Opens no connection yet.
    ///
    /// # Errors
    /// When the certificates, credentials or the proxy of `config` cannot be used.
    pub fn new(config: &kube::Config, options: Options) -> Result<Self, ConfigError> {
        let transport = transport::connect(config, &options)?;
        Ok(Self::over(
            transport,
            &config.cluster_url.to_string(),
            options,
        ))
    }

    /// A client over a transport of the caller's: for tests.
    ///
    /// `server` is the server's URL; it appears in errors and metrics only.
    pub fn over(transport: Transport, server: &str, options: Options) -> Self {
        Self {
            stack: Arc::new(Stack::new(transport, server, options)),
            identity: None,
        }
    }

    /// The same connections, acting as `identity`.
    #[must_use]
    pub fn impersonate(&self, identity: Identity) -> Self {
        Self {
            stack: Arc::clone(&self.stack),
            identity: Some(Arc::new(identity)),
        }
    }

    /// This client as kube's, for watches and typed calls: same pool, limit, metrics and identity.
    ///
    /// Must be called inside a tokio runtime; each call starts one small task, so keep the result.
    pub fn kube(&self) -> kube::Client {
        self.stack.kube(self.identity.clone())
    }
}
