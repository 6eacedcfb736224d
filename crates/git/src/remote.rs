//! Where a repository is and how to get at it. Everything is per object: two fetches share no setting.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::Url;

use crate::{error::Error, secret::Secret};

/// How to prove who we are.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// Anonymous, or what the URL's userinfo says.
    #[default]
    None,
    /// HTTP basic authentication. Empty parts are filled from the URL's userinfo.
    Basic {
        /// The user.
        username: String,
        /// The password or token.
        password: Secret,
    },
    /// An HTTP bearer token.
    Bearer(Secret),
    /// An SSH key. The user is the URL's, or `git`.
    SshKey {
        /// The private key in PEM or OpenSSH form.
        identity: Secret,
        /// The key's passphrase.
        password: Option<Secret>,
        /// Lines of a `known_hosts` file. No host is trusted that is not in it.
        known_hosts: String,
    },
}

/// A proxy between us and the server. With none, the environment's proxies are used.
#[derive(Clone)]
pub struct Proxy {
    /// `http://`, `https://` or `socks5://` address.
    pub address: String,
    /// User at the proxy.
    pub username: Option<String>,
    /// Password at the proxy.
    pub password: Option<Secret>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("address", &redact_text(&self.address))
            .finish_non_exhaustive()
    }
}

/// A client certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate chain.
    pub certificate: String,
    /// The private key.
    pub key: Secret,
}

/// Everything beside the URL.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are.
    pub credentials: Credentials,
    /// PEM bundle that is trusted beside the system's roots.
    pub ca: Option<Vec<u8>>,
    /// Certificate to show to the server.
    pub client_identity: Option<ClientIdentity>,
    /// Proxy to go through.
    pub proxy: Option<Proxy>,
    /// Limit for one whole fetch.
    pub timeout: Duration,
    /// Limit for the bytes that one fetch may receive.
    pub max_bytes: u64,
    /// SSH key exchange algorithms in order of preference; empty means the defaults.
    pub ssh_kex: Vec<String>,
    /// SSH host key algorithms in order of preference; empty means those of the known hosts.
    pub ssh_host_keys: Vec<String>,
    /// What we call ourselves.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credentials: Credentials::None,
            ca: None,
            client_identity: None,
            proxy: None,
            timeout: Duration::from_mins(1),
            max_bytes: 4 << 30,
            ssh_kex: Vec::new(),
            ssh_host_keys: Vec::new(),
            user_agent: concat!("perigee/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A repository on a server. Cheap to clone; keep it while its settings hold, since it owns the connection pool.
#[derive(Debug, Clone)]
pub struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: Url,
    settings: Settings,
    http: Option<reqwest::Client>,
}

impl Remote {
    /// Checks the settings and prepares the client.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that cannot be parsed, [`Error::Settings`] for one that is not `http`, `https` or
    /// `ssh`, and for keys, certificates and proxies that cannot be read.
    pub fn new(url: &str, settings: Settings) -> Result<Self, Error> {
        let mut url = Url::parse(url).map_err(|error| {
            Error::Url(format!(
                "failed to parse url '{}': {error}",
                redact_text(url)
            ))
        })?;
        let mut settings = settings;
        let http = match url.scheme() {
            "http" | "https" => {
                fill_from_userinfo(&url, &mut settings.credentials);
                // Userinfo lives on in the credentials only, so that no message can show it.
                clear_userinfo(&mut url);
                Some(crate::transport::http::client(&settings)?)
            }
            "ssh" => {
                crate::transport::ssh::check(&settings)?;
                let cleared = url.set_password(None);
                debug_assert!(cleared.is_ok() || !url.has_host());
                None
            }
            other => {
                return Err(Error::Settings(format!("unknown transport '{other}'")));
            }
        };
        Ok(Self(Arc::new(Inner {
            url,
            settings,
            http,
        })))
    }

    /// The address as users may see it: without userinfo, but for an SSH user.
    pub fn url(&self) -> String {
        self.0.url.to_string()
    }

    /// A remote with the same settings at another address, as submodules are. `address` may be relative to ours.
    ///
    /// # Errors
    /// [`Error::Settings`] as [`Remote::new`].
    pub fn sibling(&self, address: &str) -> Result<Self, Error> {
        let url = if address.starts_with("./") || address.starts_with("../") {
            resolve_relative(&self.0.url, address)
        } else if let Some(url) = scp_like(address) {
            url
        } else {
            address.to_owned()
        };
        let mut settings = self.0.settings.clone();
        let same_host = Url::parse(&url).is_ok_and(|other| {
            other.scheme() == self.0.url.scheme()
                && other.host_str() == self.0.url.host_str()
                && other.port_or_known_default() == self.0.url.port_or_known_default()
        });
        // What opens one server must not be shown to another one that a repository's content names.
        if !same_host && !matches!(settings.credentials, Credentials::SshKey { .. }) {
            settings.credentials = Credentials::None;
            settings.client_identity = None;
        }
        Self::new(&url, settings)
    }

    pub(crate) fn address(&self) -> &Url {
        &self.0.url
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn http(&self) -> Option<&reqwest::Client> {
        self.0.http.as_ref()
    }
}

fn fill_from_userinfo(url: &Url, credentials: &mut Credentials) {
    let user = percent_decode(url.username());
    let pass = url.password().map(percent_decode).unwrap_or_default();
    if user.is_empty() && pass.is_empty() {
        return;
    }
    match credentials {
        Credentials::None => {
            *credentials = Credentials::Basic {
                username: user,
                password: Secret::new(pass),
            };
        }
        Credentials::Basic { username, password } => {
            if username.is_empty() {
                *username = user;
            }
            if password.is_empty() {
                *password = Secret::new(pass);
            }
        }
        Credentials::Bearer(_) | Credentials::SshKey { .. } => {}
    }
}

fn clear_userinfo(url: &mut Url) {
    // Both setters fail only for URLs without a host, which have no userinfo.
    let cleared = url.set_password(None).and_then(|()| url.set_username(""));
    debug_assert!(cleared.is_ok() || !url.has_host());
}

/// Hides the userinfo of a text that may not even be a URL.
fn redact_text(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Resolves a submodule's relative address as Git does: against the parent's URL taken as a directory.
fn resolve_relative(base: &Url, relative: &str) -> String {
    let mut segments: Vec<&str> = base
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut url = base.clone();
    url.set_path(&segments.join("/"));
    url.to_string()
}

/// Rewrites `user@host:path`, which Git takes for SSH.
fn scp_like(address: &str) -> Option<String> {
    let (host, path) = address.split_once(':')?;
    let scp = !host.is_empty() && !host.contains('/') && !path.starts_with("//");
    scp.then(|| format!("ssh://{host}/{}", path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_becomes_credentials_and_leaves_the_url() {
        let remote =
            Remote::new("https://me:p%40ss@host/x.git", Settings::default()).expect("remote");
        assert_eq!(remote.url(), "https://host/x.git");
        let Credentials::Basic { username, password } = &remote.settings().credentials else {
            panic!("no basic credentials")
        };
        assert_eq!((username.as_str(), password.expose()), ("me", "p@ss"));
    }

    #[test]
    fn refused_addresses_show_no_password() {
        for url in [
            "ftp://me:hunter2@host/x",
            "https://me:hunter2@:bad:/x",
            "file:///etc",
        ] {
            let text = Remote::new(url, Settings::default())
                .expect_err("refused")
                .to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn relative_addresses_are_resolved_against_the_parent() {
        for (base, relative, want) in [
            (
                "https://h/org/app.git",
                "../lib.git",
                "https://h/org/lib.git",
            ),
            (
                "https://h/org/app.git",
                "../../other/lib",
                "https://h/other/lib",
            ),
            ("ssh://git@h:22/app", "./sub", "ssh://git@h:22/app/sub"),
        ] {
            let base = Url::parse(base).expect("url");
            assert_eq!(resolve_relative(&base, relative), want);
        }
    }

    #[test]
    fn addresses_as_scp_has_them_mean_ssh() {
        for (address, want) in [
            ("git@h:org/lib.git", Some("ssh://git@h/org/lib.git")),
            ("h:/lib", Some("ssh://h/lib")),
            ("https://h/lib", None),
            ("./a:b", None),
            ("/srv/lib", None),
        ] {
            assert_eq!(scp_like(address).as_deref(), want, "{address}");
        }
    }

    #[test]
    fn no_debug_output_holds_a_secret() {
        let proxy = Proxy {
            address: "http://me:hunter2@proxy:3128".to_owned(),
            username: None,
            password: Some(Secret::new("hunter2")),
        };
        let settings = Settings {
            proxy: Some(proxy),
            ..Settings::default()
        };
        let remote = Remote::new("https://me:hunter2@host/x", settings).expect("remote");
        assert!(!format!("{remote:?}").contains("hunter2"));
    }

    #[test]
    fn credentials_do_not_travel_to_another_host() {
        let settings = Settings {
            credentials: Credentials::Bearer(Secret::new("t")),
            ..Settings::default()
        };
        let remote = Remote::new("https://a/x", settings).expect("remote");
        let kept = |address: &str| {
            let sibling = remote.sibling(address).expect("sibling");
            !matches!(sibling.settings().credentials, Credentials::None)
        };
        assert!(kept("../y"));
        assert!(kept("https://a/z"));
        assert!(!kept("https://b/x"));
        assert!(!kept("http://a/x"));
    }
}
