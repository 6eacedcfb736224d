//! Access to a cloud without a stored credential: as the service account that vouches for a Provider,
//! or as the controller itself.
//!
//! Invariants: a token of one service account is never given to another, because the cache's key
//! holds its name and its annotations; nothing is asked for before the first event is sent; what is
//! link-local (metadata servers) is never reached through a proxy. Source: fluxcd/pkg
//! `auth/access_token.go`, `auth/azure`, `auth/gcp`.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::BuildError;
use crate::rest::{Rest, RestError};
use crate::settings::{Identity, IdentityError, ObjectName, Settings};
use crate::shared::Shared;
use crate::text;
use crate::token_cache::Token;

mod azure;
mod environment;
mod google;

pub use self::environment::CloudEnvironment;

/// Why no access token could be had.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The service account's own token cannot be had.
    #[error(transparent)]
    Account(#[from] IdentityError),
    /// The service account lacks an annotation.
    #[error("azure {what} ID is not set in the service account annotation {key}")]
    NoAnnotation {
        /// `tenant` or `client`.
        what: &'static str,
        /// The annotation.
        key: &'static str,
    },
    /// An annotation has another form than it must have.
    #[error("invalid {key} annotation: '{value}'. must match {form}")]
    BadAnnotation {
        /// The annotation.
        key: &'static str,
        /// What it says.
        value: String,
        /// A regular expression for people.
        form: &'static str,
    },
    /// A credential file cannot be read.
    #[error("failed to read {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A credential is not what it must be; the text never holds it.
    #[error("invalid credentials: {0}")]
    Credentials(String),
    /// The metadata server does not tell something.
    #[error("failed to get {what} from the metadata service")]
    Metadata {
        /// What was asked for.
        what: &'static str,
        /// Why.
        source: RestError,
    },
    /// The token endpoint refused or cannot be reached.
    #[error("failed to get token")]
    Exchange(#[from] RestError),
}

/// Which cloud a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// Azure, for one resource, as `<resource>/.default`.
    Azure(&'static str),
    /// Google Cloud.
    Google,
}

/// How one Provider comes to access tokens.
#[derive(Clone)]
pub(crate) struct Access {
    shared: Arc<Shared>,
    /// To token endpoints: through the Provider's proxy, with public roots.
    rest: Rest,
    /// To metadata servers: never through a proxy.
    link_local: Rest,
    provider: ObjectName,
    identity: Option<Arc<dyn Identity>>,
}

/// How clouds are reached.
#[derive(Clone, Copy)]
struct Caller<'a> {
    rest: &'a Rest,
    link_local: &'a Rest,
    environment: &'a CloudEnvironment,
}

impl Access {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        // The Provider's certificates are its own server's, not the cloud's.
        let public = shared.client_with(None, settings.proxy.as_ref())?;
        Ok(Self {
            shared: Arc::clone(shared),
            rest: Rest::new(public),
            link_local: shared.link_local()?,
            provider: settings.provider.clone(),
            identity: settings.identity.clone(),
        })
    }

    /// Returns an access token for the service account, or for the controller when there is none.
    pub(crate) async fn token(&self, cloud: Cloud) -> Result<Token, AccessError> {
        let identity = self.identity.as_deref();
        let key = match identity {
            Some(identity) => {
                let ObjectName {
                    name, namespace, ..
                } = identity.name();
                format!("{cloud:?} {namespace}/{name} {:?}", identity.annotations())
            }
            None => format!("{cloud:?}"),
        };
        let caller = Caller {
            rest: &self.rest,
            link_local: &self.link_local,
            environment: self.shared.environment(),
        };
        let fetch = || async {
            match (cloud, identity) {
                (Cloud::Azure(scope), Some(identity)) => {
                    azure::as_account(caller, scope, identity).await
                }
                (Cloud::Azure(scope), None) => azure::as_controller(caller, scope).await,
                (Cloud::Google, Some(identity)) => google::as_account(caller, identity).await,
                (Cloud::Google, None) => google::as_controller(caller).await,
            }
        };
        let cache = self.shared.token_cache();
        cache.get_or_fetch(&key, &self.provider, fetch).await
    }

    /// Returns an access token for Google credentials that are stored as JSON.
    pub(crate) async fn sign_in(&self, json: &str) -> Result<Token, AccessError> {
        let key = format!("google key {}", text::hex(Sha256::digest(json)));
        let fetch = || async {
            google::Credentials::parse(json.as_bytes())?
                .token(&self.rest)
                .await
        };
        let cache = self.shared.token_cache();
        cache.get_or_fetch(&key, &self.provider, fetch).await
    }
}
