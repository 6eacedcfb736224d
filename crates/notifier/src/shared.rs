//! What the notifiers of a process share.

use std::sync::Arc;

use reqwest::Url;

use crate::{
    error::BuildError,
    http::{Client, Pool},
    settings::Settings,
};

/// Connections and caches. One per process.
pub struct Shared {
    pool: Pool,
    route: Option<Arc<Url>>,
}

/// How a process's notifiers behave.
#[derive(Clone, Debug, Default)]
pub struct SharedOptions {
    /// Sends each request to this base instead of its own address, as `<base>/<scheme>/<host>[:<port>]/<path>`. Hosts
    /// that providers fix can so be played by a server on loopback.
    pub route: Option<Url>,
}

impl Shared {
    /// Begins with empty caches.
    pub fn new(options: SharedOptions) -> Arc<Self> {
        Arc::new(Self {
            pool: Pool::default(),
            route: options.route.map(Arc::new),
        })
    }

    /// The client for a provider's certificates and proxy.
    pub(crate) fn client(&self, settings: &Settings) -> Result<Client, BuildError> {
        let http = self
            .pool
            .get(settings.tls.as_ref(), settings.proxy.as_ref())?;
        Ok(Client::new(http, self.route.clone()))
    }
}
