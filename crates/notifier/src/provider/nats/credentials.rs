//! What lets a client into a NATS server: the first of a file, a seed, and a password that the
//! Secret holds, and beside it what the address says.
//!
//! Source: nats.go 1.49 `UserCredentialBytes`, `Nkey`, nkeys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde::Serialize;

use super::connection::LinkError;
use super::server::Server;
use crate::settings::Settings;

/// Why the Secret's credentials cannot be used. The texts never hold them.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialsError {
    #[error("error parsing nkey seed")]
    Seed(#[source] nkeys::error::Error),
    #[error("error parsing user credentials")]
    File,
}

/// Credentials that were read.
pub(super) enum Credentials {
    /// A signed token, and the key that it is for.
    Token {
        token: String,
        key: KeyPair,
    },
    Key(KeyPair),
    Password {
        user: String,
        password: String,
    },
    None,
}

/// The part of the client's answer that lets it in.
#[derive(Default, Serialize)]
pub(super) struct Proof<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sig: Option<String>,
}

impl Credentials {
    /// Picks the credentials of a Provider.
    pub(super) fn pick(settings: &Settings) -> Result<Self, CredentialsError> {
        let secret = |key| {
            let value = settings.secret.get(key).filter(|value| !value.is_empty());
            value.map(|value| String::from_utf8_lossy(value))
        };
        let key = |seed: &str| KeyPair::from_seed(seed.trim()).map_err(CredentialsError::Seed);
        let Settings {
            username, password, ..
        } = settings;
        Ok(if let Some(file) = secret("creds") {
            let mut blocks = blocks(&file);
            let (token, seed) = blocks
                .next()
                .zip(blocks.next())
                .ok_or(CredentialsError::File)?;
            Self::Token {
                token: token.to_owned(),
                key: key(seed)?,
            }
        } else if let Some(seed) = secret("nkey") {
            Self::Key(key(&seed)?)
        } else if !username.is_empty() && !password.is_empty() {
            Self::Password {
                user: username.clone(),
                password: password.clone(),
            }
        } else {
            Self::None
        })
    }

    /// Answers a server's challenge.
    pub(super) fn prove<'a>(
        &'a self,
        server: &'a Server,
        nonce: &str,
    ) -> Result<Proof<'a>, LinkError> {
        let sign = |key: &KeyPair| {
            let signature = key.sign(nonce.as_bytes()).map_err(|_| LinkError::Sign)?;
            Ok::<_, LinkError>(Some(URL_SAFE_NO_PAD.encode(signature)))
        };
        let mut proof = match self {
            Self::Token { token, key } => Proof {
                jwt: Some(token),
                sig: sign(key)?,
                ..Proof::default()
            },
            Self::Key(key) => Proof {
                nkey: Some(key.public_key()),
                sig: sign(key)?,
                ..Proof::default()
            },
            Self::Password { user, password } => Proof {
                user: Some(user),
                pass: Some(password),
                ..Proof::default()
            },
            Self::None => Proof::default(),
        };
        match (&server.user, &server.password) {
            (Some(user), Some(password)) => {
                proof.user = Some(user);
                proof.pass = Some(password);
            }
            (Some(token), None) => proof.auth_token = Some(token),
            (None, _) => {}
        }
        Ok(proof)
    }
}

/// The lines between lines of dashes: a token, then a seed.
fn blocks(file: &str) -> impl Iterator<Item = &str> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_mark = |line: &str| line.starts_with("---") && line.ends_with("---");
    let mut inside = false;
    lines.filter(move |line| {
        if is_mark(line) {
            inside = !inside;
            return false;
        }
        inside
    })
}
