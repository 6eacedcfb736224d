//! From a Provider and its Secrets to a notifier's settings. Pure.
//!
//! Source: notification-controller `internal/server/provider_notifier.go` (`createNotifier`), fluxcd/pkg
//! `runtime/secrets` (1.9.3, 0.110).

use std::{collections::BTreeMap, sync::Arc};

use api::notification::Provider;
use notifier::{Settings, Tls};
use reqwest::Url;
use runtime::secrets::SecretData;

/// The longest address.
const MAX_ADDRESS: usize = 2048;

/// The Secrets that a Provider names.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) secret: Option<Arc<SecretData>>,
    pub(crate) certificates: Option<Arc<SecretData>>,
    pub(crate) proxy: Option<Arc<SecretData>>,
}

/// What is wrong with a Provider's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("invalid address in secret: address exceeds maximum length of {MAX_ADDRESS} bytes")]
    AddressTooLong,
    #[error("failed to read headers from secret: {0}")]
    Headers(String),
    #[error("failed to get proxy URL: {0}")]
    Proxy(String),
    #[error("failed to get TLS config: {0}")]
    Tls(String),
}

/// Settings, and what the Provider's owner should know about them.
pub(crate) struct Resolved {
    pub(crate) settings: Settings,
    pub(crate) notes: Vec<&'static str>,
}

/// Settings of a Provider.
///
/// # Errors
/// When a Secret does not hold what it must. No text quotes a Secret's values.
pub(crate) fn resolve(provider: &Provider, sources: &Sources) -> Result<Resolved, ResolveError> {
    let spec = &provider.spec;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut notes = Vec::new();
    let mut settings = Settings::new(spec.provider_type.clone());
    settings.address = text(&spec.address);
    settings.channel = text(&spec.channel);
    settings.username = text(&spec.username);
    let mut proxy = text(&spec.proxy);
    if let Some(secret) = sources.secret.as_deref() {
        if let Some(address) = secret.text("address") {
            if address.len() > MAX_ADDRESS {
                return Err(ResolveError::AddressTooLong);
            }
            address.trim().clone_into(&mut settings.address);
        }
        match credentials(secret) {
            Ok(Credentials {
                token,
                basic: Some((username, password)),
            }) => {
                settings.token = token;
                settings.username = username;
                settings.password = password;
            }
            Ok(Credentials { token, basic: None }) => settings.token = token,
            Err(note) => notes.push(note),
        }
        if let Some(address) = secret.text("proxy") {
            proxy = address;
        }
        if let Some(headers) = secret.bytes("headers") {
            settings.headers = header_map(headers)?;
        }
        settings.secret.clone_from(&secret.data);
    }
    settings.proxy = match sources.proxy.as_deref() {
        Some(secret) => Some(proxy_of(secret).map_err(ResolveError::Proxy)?),
        None if proxy.is_empty() => None,
        None => {
            notes.push(
                "a proxy in spec.proxy or in the secret is deprecated, use spec.proxySecretRef",
            );
            Some(proxy_url(&proxy).map_err(ResolveError::Proxy)?)
        }
    };
    settings.tls = match (&sources.certificates, &sources.secret) {
        (Some(secret), _) => match tls(secret)? {
            None => return Err(no_certificates(secret)),
            found => found,
        },
        (None, Some(secret)) if spec.provider_type.is_commit_status() => {
            let found = tls(secret)?;
            if let Err(note) = credentials(secret)
                && found.is_some()
            {
                return Err(ResolveError::Tls(note.to_owned()));
            }
            found
        }
        _ => None,
    };
    Ok(Resolved { settings, notes })
}

struct Credentials {
    token: String,
    basic: Option<(String, String)>,
}

/// The token and the user of a Secret; a half of a pair spoils all.
fn credentials(secret: &SecretData) -> Result<Credentials, &'static str> {
    const HALF: &str = "malformed basic auth: the secret must have both 'username' and 'password', its credentials are ignored";
    let token = secret.text("token").unwrap_or_default();
    match (secret.text("username"), secret.text("password")) {
        (None, None) => Ok(Credentials { token, basic: None }),
        (Some(username), Some(password)) => Ok(Credentials {
            token,
            basic: Some((username, password)),
        }),
        // Some types take a password alone where it is their token; Flux ignores it all the same.
        _ => Err(HALF),
    }
}

fn header_map(text: &[u8]) -> Result<BTreeMap<String, String>, ResolveError> {
    yaml::v2::to_text_map(text)
        .map_err(|error| ResolveError::Headers(error.to_string()))?
        .ok_or_else(|| ResolveError::Headers("not a map of strings".to_owned()))
}

fn proxy_of(secret: &SecretData) -> Result<Url, String> {
    let name = &secret.key;
    let Some(address) = secret.text("address").filter(|text| !text.is_empty()) else {
        return Err(format!("secret '{name}': key 'address' not found"));
    };
    if address.len() > MAX_ADDRESS {
        return Err(format!(
            "secret '{name}': key 'address' is longer than {MAX_ADDRESS} characters"
        ));
    }
    let mut url = proxy_url(&address)?;
    if !["http", "https", "socks5"].contains(&url.scheme()) {
        return Err(format!(
            "secret '{name}': key 'address' must begin with http://, https:// or socks5://"
        ));
    }
    let username = secret.text("username").unwrap_or_default();
    let password = secret.text("password");
    if !username.is_empty()
        && (url.set_username(&username).is_err() || url.set_password(password.as_deref()).is_err())
    {
        return Err(format!("secret '{name}': key 'address' takes no user"));
    }
    Ok(url)
}

/// Parses a proxy's address, which may hold a password and so is in no error.
fn proxy_url(address: &str) -> Result<Url, String> {
    Url::parse(address).map_err(|error| format!("invalid proxy address: {error}"))
}

/// The certificates of a Secret: current keys go before legacy ones.
fn tls(secret: &SecretData) -> Result<Option<Tls>, ResolveError> {
    let of = |keys: [&str; 2]| {
        keys.into_iter()
            .find_map(|key| secret.bytes(key).filter(|value| !value.is_empty()))
            .map(<[u8]>::to_vec)
    };
    let ca = of(["ca.crt", "caFile"]);
    let identity = match (of(["tls.crt", "certFile"]), of(["tls.key", "keyFile"])) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (certificate, _) => {
            let missing = if certificate.is_none() {
                "tls.crt"
            } else {
                "tls.key"
            };
            let name = &secret.key;
            return Err(ResolveError::Tls(format!(
                "secret '{name}': key '{missing}' not found"
            )));
        }
    };
    Ok((ca.is_some() || identity.is_some()).then_some(Tls { ca, identity }))
}

fn no_certificates(secret: &SecretData) -> ResolveError {
    ResolveError::Tls(format!(
        "secret '{}' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'",
        secret.key
    ))
}

#[cfg(test)]
mod tests;
