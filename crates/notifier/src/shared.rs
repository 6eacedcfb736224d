//! What the notifiers of a process share.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::Url;

use crate::{
    error::BuildError,
    http::{self, Client, Pool},
    identity::CloudEnvironment,
    rest::Rest,
    settings::{Settings, Tls},
    token_cache::TokenCache,
};

/// Connections and caches. One per process.
pub struct Shared {
    pool: Pool,
    direct: OnceLock<reqwest::Client>,
    route: Option<Arc<Url>>,
    token_cache: Arc<TokenCache>,
    environment: CloudEnvironment,
}

/// How a process's notifiers behave.
#[derive(Clone, Debug, Default)]
pub struct SharedOptions {
    /// Sends each request to this base instead of its own address, as `<base>/<scheme>/<host>[:<port>]/<path>`. Hosts
    /// that providers fix can so be played by a server on loopback.
    pub route: Option<Url>,
    /// Keeps access tokens; none keeps none.
    pub token_cache: Option<Arc<TokenCache>>,
    /// The cloud that the process runs in.
    pub environment: CloudEnvironment,
}

impl Shared {
    /// Begins with empty caches.
    pub fn new(options: SharedOptions) -> Arc<Self> {
        Arc::new(Self {
            pool: Pool::default(),
            direct: OnceLock::new(),
            route: options.route.map(Arc::new),
            token_cache: options
                .token_cache
                .unwrap_or_else(|| Arc::new(TokenCache::new(0, Duration::ZERO, None))),
            environment: options.environment,
        })
    }

    /// The client for a provider's certificates and proxy.
    pub(crate) fn client(&self, settings: &Settings) -> Result<Client, BuildError> {
        self.client_with(settings.tls.as_ref(), settings.proxy.as_ref())
    }

    /// The client for certificates and a proxy.
    pub(crate) fn client_with(
        &self,
        tls: Option<&Tls>,
        proxy: Option<&Url>,
    ) -> Result<Client, BuildError> {
        let http = self.pool.get(tls, proxy)?;
        Ok(Client::new(http, self.route.clone()))
    }

    /// Calls to the API of a provider.
    pub(crate) fn rest(&self, settings: &Settings) -> Result<Rest, BuildError> {
        Ok(Rest::new(self.client(settings)?))
    }

    /// Calls to what is on the same machine, never through a proxy.
    pub(crate) fn link_local(&self) -> Result<Rest, BuildError> {
        let http = if let Some(http) = self.direct.get() {
            http.clone()
        } else {
            let http = http::direct()?;
            self.direct.get_or_init(|| http).clone()
        };
        Ok(Rest::new(Client::new(http, self.route.clone())))
    }

    /// The tokens that were fetched before.
    pub(crate) fn token_cache(&self) -> &TokenCache {
        &self.token_cache
    }

    /// The cloud that the process runs in.
    pub(crate) fn environment(&self) -> &CloudEnvironment {
        &self.environment
    }
}
