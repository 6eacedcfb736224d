//! What a notifier is built from: the Provider, its Secrets and the Alert, resolved.

use std::{collections::BTreeMap, fmt, sync::Arc};

use api::notification::ProviderType;
use futures::future::BoxFuture;
use reqwest::Url;

/// Everything that a provider may need. Absent texts are empty.
#[derive(Clone)]
pub struct Settings {
    /// What is at the other end.
    pub provider_type: ProviderType,
    /// The Provider.
    pub provider: ObjectName,
    /// The Alert.
    pub alert: ObjectName,
    /// The Secret's `address`, or the spec's.
    pub address: String,
    /// The channel, room, topic or the like.
    pub channel: String,
    /// The Secret's `username`, or the spec's.
    pub username: String,
    /// The Secret's `password`.
    pub password: String,
    /// The Secret's `token`, as it is.
    pub token: String,
    /// The Secret's `headers`.
    pub headers: BTreeMap<String, String>,
    /// The Secret's data, for providers with keys of their own.
    pub secret: BTreeMap<String, Vec<u8>>,
    /// Certificates; none means the system's authorities.
    pub tls: Option<Tls>,
    /// The proxy, with its credentials as userinfo; none means the environment's.
    pub proxy: Option<Url>,
    /// The id of commit statuses; empty for providers of other kinds.
    pub commit_status: String,
    /// The service account to be at a cloud provider.
    pub identity: Option<Arc<dyn Identity>>,
}

/// The name of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectName {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its identity.
    pub uid: String,
}

/// Certificates, in PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities, instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// The client's certificates and key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// A service account whose tokens a cloud provider exchanges for its own.
pub trait Identity: Send + Sync {
    /// Its name.
    fn name(&self) -> &ObjectName;

    /// Its annotations, which name its counterpart at the cloud provider.
    fn annotations(&self) -> &BTreeMap<String, String>;

    /// A token for an audience.
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<String, IdentityError>>;
}

/// Why there is no token for a service account.
#[derive(Debug, thiserror::Error)]
#[error("failed to create a token for service account '{account}'")]
pub struct IdentityError {
    /// Namespace and name, joined by `/`.
    pub account: String,
    /// What the API server said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Settings {
    /// Settings of a type, all else absent.
    pub fn new(provider_type: ProviderType) -> Self {
        Self {
            provider_type,
            provider: ObjectName::default(),
            alert: ObjectName::default(),
            address: String::new(),
            channel: String::new(),
            username: String::new(),
            password: String::new(),
            token: String::new(),
            headers: BTreeMap::new(),
            secret: BTreeMap::new(),
            tls: None,
            proxy: None,
            commit_status: String::new(),
            identity: None,
        }
    }
}

impl fmt::Debug for Settings {
    /// Names only: the rest are credentials, or may hold some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("provider_type", &self.provider_type)
            .field("provider", &self.provider)
            .field("alert", &self.alert)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}
