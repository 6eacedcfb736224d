//! Which server to talk to, and as whom.
//!
//! Explicit always: no search through the environment, and none of kube's debug overrides.

use std::path::Path;

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::error::chain;

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file or the in-cluster environment cannot be read.
    #[error("unable to load {what}: {cause}")]
    Load {
        /// What was to be loaded.
        what: String,
        /// The chain of causes.
        cause: String,
    },
    /// A part of it cannot be used.
    #[error("invalid {what}: {cause}")]
    Invalid {
        /// `certificates`, `credentials` or `impersonation`.
        what: &'static str,
        /// The chain of causes.
        cause: String,
    },
    /// Not a proxy that we know.
    #[error("unsupported proxy {0:?}")]
    Proxy(String),
    /// Cannot stand in a header.
    #[error("invalid user agent {0:?}")]
    UserAgent(String),
}

impl ConfigError {
    pub(super) fn invalid(what: &'static str, cause: &kube::Error) -> Self {
        Self::Invalid {
            what,
            cause: chain(cause),
        }
    }

    fn load(what: impl Into<String>, cause: &(dyn std::error::Error + 'static)) -> Self {
        Self::Load {
            what: what.into(),
            cause: chain(cause),
        }
    }
}

/// The server of the cluster that this process runs in, as its pod's service account.
///
/// # Errors
/// When the process does not run in a pod, or the account's files cannot be read.
pub fn in_cluster() -> Result<Config, ConfigError> {
    Config::incluster().map_err(|e| ConfigError::load("in-cluster configuration", &e))
}

/// The server of a kubeconfig file; of its current context when `context` is `None`.
///
/// # Errors
/// When the file cannot be read or does not name a server.
pub async fn kubeconfig(path: &Path, context: Option<&str>) -> Result<Config, ConfigError> {
    let what = || format!("kubeconfig {}", path.display());
    let file = Kubeconfig::read_from(path).map_err(|e| ConfigError::load(what(), &e))?;
    let options = KubeConfigOptions {
        context: context.map(ToOwned::to_owned),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(|e| ConfigError::load(what(), &e))
}

/// What a kubeconfig that a tenant wrote may ask of us.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remote {
    /// `--insecure-kubeconfig-exec`: to run programs.
    pub exec: bool,
    /// `--insecure-kubeconfig-tls`: not to verify the server.
    pub insecure_tls: bool,
}

/// The server of a tenant's kubeconfig: what refers to files of ours is dropped, programs and
/// unverified TLS too unless allowed. Source: fluxcd/pkg `runtime/client.KubeConfig`.
///
/// # Errors
/// When the text is not a kubeconfig or does not name a server.
pub async fn remote_kubeconfig(text: &str, allow: Remote) -> Result<Config, ConfigError> {
    let what = "kubeconfig";
    let mut file = Kubeconfig::from_yaml(text).map_err(|e| ConfigError::load(what, &e))?;
    for named in &mut file.clusters {
        if let Some(cluster) = &mut named.cluster {
            cluster.certificate_authority = None;
            if !allow.insecure_tls {
                cluster.insecure_skip_tls_verify = None;
            }
        }
    }
    for named in &mut file.auth_infos {
        if let Some(user) = &mut named.auth_info {
            user.client_certificate = None;
            user.client_key = None;
            user.token_file = None;
            user.auth_provider = None;
            user.impersonate = None;
            user.impersonate_groups = None;
            if !allow.exec {
                user.exec = None;
            }
        }
    }
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|e| ConfigError::load(what, &e))
}
