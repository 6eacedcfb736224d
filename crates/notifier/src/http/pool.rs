//! Clients by certificates and proxy: making one costs a parse of the authorities, and keeping it keeps its
//! connections.

use std::sync::{Mutex, PoisonError};

use reqwest::{Client, ClientBuilder, Proxy, Url, redirect::Policy};

use super::tls;
use crate::{error::BuildError, settings::Tls};

/// How many clients are kept; the least recently used goes first.
const KEPT: usize = 64;

const USER_AGENT: &str = concat!("notification-controller/", env!("CARGO_PKG_VERSION"));
/// As Go's default transport.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// What a proxy may speak.
const PROXIES: [&str; 3] = ["http", "https", "socks5"];

/// Clients in use, the most recently used last.
#[derive(Default)]
pub(crate) struct Pool {
    /// Never held across an await.
    clients: Mutex<Vec<(Key, Client)>>,
}

#[derive(PartialEq)]
struct Key {
    tls: Option<Tls>,
    proxy: Option<Url>,
}

impl Pool {
    /// The client for these certificates and this proxy.
    ///
    /// # Errors
    /// When they cannot be used.
    pub(crate) fn get(&self, tls: Option<&Tls>, proxy: Option<&Url>) -> Result<Client, BuildError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let found = clients
            .iter()
            .position(|(key, _)| key.tls.as_ref() == tls && key.proxy.as_ref() == proxy);
        let entry = if let Some(at) = found {
            clients.remove(at)
        } else {
            let key = Key {
                tls: tls.cloned(),
                proxy: proxy.cloned(),
            };
            (key, client(tls, proxy)?)
        };
        let client = entry.1.clone();
        if clients.len() == KEPT {
            clients.remove(0);
        }
        clients.push(entry);
        Ok(client)
    }
}

/// A client that no proxy comes between, whatever the environment says.
pub(crate) fn direct() -> Result<Client, BuildError> {
    build(builder(None)?.no_proxy())
}

fn client(tls: Option<&Tls>, proxy: Option<&Url>) -> Result<Client, BuildError> {
    let mut builder = builder(tls)?;
    if let Some(proxy) = proxy {
        if !PROXIES.contains(&proxy.scheme()) {
            return Err(refused(proxy.scheme()));
        }
        let proxy = resolving(proxy);
        let proxy = Proxy::all(proxy.as_ref()).map_err(|_| refused(proxy.scheme()))?;
        builder = builder.proxy(proxy);
    }
    build(builder)
}

fn builder(tls: Option<&Tls>) -> Result<ClientBuilder, BuildError> {
    Ok(Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::limited(10))
        // The address is a secret to whom a redirect leads.
        .referer(false)
        .tls_backend_preconfigured(tls::config(tls)?))
}

fn build(builder: ClientBuilder) -> Result<Client, BuildError> {
    builder
        .build()
        .map_err(|error| BuildError::Tls(error.without_url().to_string()))
}

/// A SOCKS5 proxy resolves names itself, as Go lets it.
fn resolving(proxy: &Url) -> Url {
    let mut proxy = proxy.clone();
    if proxy.scheme() == "socks5" {
        // Both are schemes that the URL standard knows nothing about, so the change is allowed.
        _ = proxy.set_scheme("socks5h");
    }
    proxy
}

fn refused(scheme: &str) -> BuildError {
    BuildError::Proxy(format!("proxy URL scheme '{scheme}' is not supported"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_shared_and_bounded() {
        let pool = Pool::default();
        for port in 0..=100 {
            let proxy = Url::parse(&format!("http://proxy:{port}")).expect("url");
            for _ in 0..2 {
                pool.get(None, Some(&proxy)).expect("client");
            }
            pool.get(None, None).expect("client");
        }
        let clients = pool.clients.lock().expect("lock");
        assert_eq!(clients.len(), KEPT);
        let shared = clients
            .iter()
            .filter(|(key, _)| key.proxy.is_none())
            .count();
        assert_eq!(shared, 1);
    }
}
