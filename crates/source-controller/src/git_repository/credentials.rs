//! From the data of Secrets to the settings of a remote. Pure.
//!
//! Source: fluxcd/pkg git/options.go (`NewAuthOptions`, `Validate`), runtime/secrets (proxy, TLS).

use std::{collections::BTreeMap, fmt};

use git::{ClientIdentity, Credentials, Proxy, Secret, Settings};

use super::failure::Failure;

/// The longest proxy address.
const MAX_ADDRESS: usize = 2048;

/// A Secret's content. It is neither printed nor logged.
pub(super) struct SecretData {
    /// Namespace and name.
    name: String,
    /// Changes with the content.
    pub(super) version: String,
    data: BTreeMap<String, Vec<u8>>,
}

impl SecretData {
    /// Takes a Secret apart.
    pub(super) fn new(name: String, secret: k8s_openapi::api::core::v1::Secret) -> Self {
        let metadata = &secret.metadata;
        let version = format!(
            "{}/{}",
            metadata.uid.as_deref().unwrap_or_default(),
            metadata.resource_version.as_deref().unwrap_or_default()
        );
        let data = secret.data.unwrap_or_default();
        Self {
            name,
            version,
            data: data
                .into_iter()
                .map(|(key, value)| (key, value.0))
                .collect(),
        }
    }

    fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(Vec::as_slice)
    }

    /// The value as text; empty counts as absent.
    fn text(&self, key: &str) -> Option<String> {
        let bytes = self.bytes(key)?;
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretData")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Adds what the Secrets say to `settings`.
pub(super) fn apply(
    mut settings: Settings,
    url: &str,
    auth: Option<&SecretData>,
    proxy: Option<&SecretData>,
) -> Result<Settings, Failure> {
    settings.proxy = proxy.map(proxy_of).transpose().map_err(Failure::Proxy)?;
    if let Some(auth) = auth
        && auth.bytes("githubAppID").is_some_and(|id| !id.is_empty())
    {
        return Err(Failure::GitHubApp(auth.name.clone()));
    }
    if url.starts_with("ssh:") {
        settings.credentials = ssh(auth).map_err(Failure::Authentication)?;
        return Ok(settings);
    }
    let Some(auth) = auth else {
        return Ok(settings);
    };
    settings.credentials = http(url, auth).map_err(Failure::Authentication)?;
    settings.ca = ["ca.crt", "caFile"]
        .iter()
        .find_map(|key| auth.bytes(key).filter(|ca| !ca.is_empty()))
        .map(<[u8]>::to_vec);
    settings.client_identity = identity(auth).map_err(Failure::Authentication)?;
    Ok(settings)
}

/// Makes the remote. A URL that cannot be parsed stalls; whatever else is wrong may be mended in a Secret.
pub(super) fn connect(url: &str, settings: Settings) -> Result<git::Remote, Failure> {
    git::Remote::new(url, settings).map_err(|error| match error {
        git::Error::Url(_) => Failure::Url(error.to_string()),
        error => Failure::Client(error.to_string()),
    })
}

fn http(url: &str, secret: &SecretData) -> Result<Credentials, String> {
    let scheme = url.split(':').next().unwrap_or_default();
    let (user, pass) = userinfo(url);
    if let Some(token) = secret.text("bearerToken") {
        if user || pass {
            return Err("basic auth and bearer token cannot be set at the same time".to_owned());
        }
        return Ok(Credentials::Bearer(Secret::new(token)));
    }
    let username = secret.text("username").unwrap_or_default();
    let password = secret.text("password").unwrap_or_default();
    if username.is_empty() && password.is_empty() {
        return Ok(Credentials::None);
    }
    if username.is_empty() && !user {
        return Err(format!(
            "invalid '{scheme}' auth option: 'password' requires 'username' to be set"
        ));
    }
    Ok(Credentials::Basic {
        username,
        password: Secret::new(password),
    })
}

/// Whether a URL has a user and a password.
fn userinfo(url: &str) -> (bool, bool) {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((info, _)) => match info.split_once(':') {
            Some((user, password)) => (!user.is_empty(), !password.is_empty()),
            None => (!info.is_empty(), false),
        },
        None => (false, false),
    }
}

fn ssh(secret: Option<&SecretData>) -> Result<Credentials, String> {
    let required = |key: &str| {
        secret
            .and_then(|secret| secret.text(key))
            .ok_or_else(|| format!("invalid 'ssh' auth option: '{key}' is required"))
    };
    let identity = required("identity")?;
    let known_hosts = required("known_hosts")?;
    let password = secret.and_then(|secret| secret.text("password"));
    if password.is_none() && git::ssh_key_is_encrypted(&identity) {
        let name = secret.map_or("", |secret| &secret.name);
        return Err(format!(
            "SSH identity key is encrypted but no 'password' field was provided in the secret '{name}'"
        ));
    }
    Ok(Credentials::SshKey {
        identity: Secret::new(identity),
        password: password.map(Secret::new),
        known_hosts,
    })
}

fn identity(secret: &SecretData) -> Result<Option<ClientIdentity>, String> {
    match (secret.text("tls.crt"), secret.text("tls.key")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(ClientIdentity {
            certificate,
            key: Secret::new(key),
        })),
        (certificate, _) => {
            let missing = if certificate.is_none() {
                "tls.crt"
            } else {
                "tls.key"
            };
            Err(format!(
                "secret '{}': key '{missing}' not found",
                secret.name
            ))
        }
    }
}

fn proxy_of(secret: &SecretData) -> Result<Proxy, String> {
    let name = &secret.name;
    let Some(address) = secret.text("address") else {
        return Err(format!("secret '{name}': key 'address' not found"));
    };
    if address.len() > MAX_ADDRESS {
        return Err(format!(
            "secret '{name}': key 'address' is longer than {MAX_ADDRESS} characters"
        ));
    }
    let known = ["http://", "https://", "socks5://"];
    if !known.iter().any(|scheme| address.starts_with(scheme)) {
        return Err(format!(
            "secret '{name}': key 'address' must begin with http://, https:// or socks5://"
        ));
    }
    Ok(Proxy {
        address,
        username: secret.text("username"),
        password: secret.text("password").map(Secret::new),
    })
}

#[cfg(test)]
mod tests;
