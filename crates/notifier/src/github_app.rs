//! GitHub Apps: a signed claim buys a token of one installation.
//!
//! Source: fluxcd/pkg `auth/githubapp` (1.0), GitHub's "Authenticating as a GitHub App installation".

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::rest::{Call, Rest, RestError};
use crate::settings::ObjectName;
use crate::text;
use crate::token_cache::{Token, TokenCache};

/// The key that tells that a Secret holds an App.
pub(crate) const APP_ID: &str = "githubAppID";

const INSTALLATION_OWNER: &str = "githubAppInstallationOwner";
const INSTALLATION_ID: &str = "githubAppInstallationID";
const PRIVATE_KEY: &str = "githubAppPrivateKey";
const BASE_URL: &str = "githubAppBaseURL";

const PUBLIC_API: &str = "https://api.github.com";

/// How far clocks may be apart, in seconds.
const DRIFT: i64 = 30;

/// How long a claim holds, in seconds; one exchange needs it.
const LIFETIME: i64 = 120;

/// Why an App gives no token.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The App's number is missing or no number.
    #[error("app ID must be provided to use github app authentication")]
    NoId,
    /// No installation is named.
    #[error("app installation owner or ID must be provided to use github app authentication")]
    NoInstallation,
    /// The installation is named twice.
    #[error(
        "only one of app installation owner or ID must be provided to use github app authentication"
    )]
    TwoInstallations,
    /// The key is missing.
    #[error("private key must be provided to use github app authentication")]
    NoKey,
    /// The key is no RSA key in PEM.
    #[error("could not parse private key")]
    BadKey(#[source] jsonwebtoken::errors::Error),
    /// The claim cannot be signed.
    #[error("could not sign the app's claim")]
    Sign(#[source] jsonwebtoken::errors::Error),
    /// The App's name cannot be had.
    #[error("failed to get app information")]
    Slug(#[source] RestError),
    /// The owner has not installed the App, as an organisation or as a user.
    #[error(
        "failed to find organization installation: {organization}; failed to find user installation"
    )]
    NotInstalled {
        /// Why not as an organisation.
        organization: Box<RestError>,
        /// Why not as a user.
        #[source]
        user: Box<RestError>,
    },
    /// The exchange failed.
    #[error("failed to create an installation token")]
    Exchange(#[from] RestError),
}

/// An App, and which of its installations to act as.
pub(crate) struct App {
    id: i64,
    installation: Installation,
    key: EncodingKey,
    api: String,
    /// Where its token is cached.
    cache_key: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Installation {
    Owner(String),
    Id(i64),
}

#[derive(Serialize)]
struct Claims {
    exp: i64,
    iat: i64,
    iss: String,
}

#[derive(Deserialize)]
struct Info {
    slug: String,
}

#[derive(Deserialize)]
struct Found {
    id: i64,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
    expires_at: Timestamp,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Reads the data of a Secret.
    pub(crate) fn read(secret: &BTreeMap<String, Vec<u8>>) -> Result<Self, AppError> {
        let value = |key| secret.get(key).map(|value| String::from_utf8_lossy(value));
        // What is no number counts as absent.
        let number = |key| {
            value(key)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0_i64)
        };
        let id = number(APP_ID);
        if id == 0 {
            return Err(AppError::NoId);
        }
        let owner = value(INSTALLATION_OWNER).filter(|owner| !owner.is_empty());
        let installation = match (owner, number(INSTALLATION_ID)) {
            (None, 0) => return Err(AppError::NoInstallation),
            (Some(owner), 0) => Installation::Owner(owner.into_owned()),
            (None, id) => Installation::Id(id),
            (Some(_), _) => return Err(AppError::TwoInstallations),
        };
        let pem = secret
            .get(PRIVATE_KEY)
            .filter(|pem| !pem.is_empty())
            .ok_or(AppError::NoKey)?;
        let key = EncodingKey::from_rsa_pem(pem).map_err(AppError::BadKey)?;
        let base = value(BASE_URL).unwrap_or_default();
        Ok(Self {
            cache_key: cache_key(id, &installation, &base, pem),
            id,
            installation,
            key,
            api: api_of(&base),
        })
    }

    /// Returns a token of the installation; with `with_slug` its `account` is the App's own name.
    pub(crate) async fn token(
        &self,
        rest: &Rest,
        cache: &TokenCache,
        provider: &ObjectName,
        with_slug: bool,
    ) -> Result<Token, AppError> {
        let key = format!("{} {with_slug}", self.cache_key);
        cache
            .get_or_fetch(&key, provider, || self.exchange(rest, with_slug))
            .await
    }

    async fn exchange(&self, rest: &Rest, with_slug: bool) -> Result<Token, AppError> {
        let claim = self.claim(Timestamp::now())?;
        let get = |path: &str| Call::get(format!("{}/{path}", self.api)).bearer(&claim);
        let account = if with_slug {
            let info: Info = rest.json(get("app")).await.map_err(AppError::Slug)?;
            Some(info.slug)
        } else {
            None
        };
        let id = match &self.installation {
            Installation::Id(id) => *id,
            Installation::Owner(owner) => {
                let owner = crate::rest::segment(owner);
                match rest.json(get(&format!("orgs/{owner}/installation"))).await {
                    Ok(Found { id }) => id,
                    Err(organization) => {
                        let found: Found = rest
                            .json(get(&format!("users/{owner}/installation")))
                            .await
                            .map_err(|user| AppError::NotInstalled {
                                organization: Box::new(organization),
                                user: Box::new(user),
                            })?;
                        found.id
                    }
                }
            }
        };
        let url = format!("{}/app/installations/{id}/access_tokens", self.api);
        let answer: Answer = rest.json(Call::post(url).bearer(&claim)).await?;
        Ok(Token {
            secret: answer.token,
            expires_at: answer.expires_at,
            account,
        })
    }

    /// What the App says of itself, signed.
    fn claim(&self, now: Timestamp) -> Result<String, AppError> {
        let iat = now.as_second() - DRIFT;
        let claims = Claims {
            exp: iat + LIFETIME,
            iat,
            iss: self.id.to_string(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(AppError::Sign)
    }
}

/// The API of a base URL, which is taken as it is: an enterprise server's ends in `/api/v3`.
fn api_of(base: &str) -> String {
    if base.is_empty() {
        PUBLIC_API.to_owned()
    } else {
        base.trim_end_matches('/').to_owned()
    }
}

/// The key stays out of the cache's key, its hash does not.
fn cache_key(id: i64, installation: &Installation, base: &str, pem: &[u8]) -> String {
    let key = text::hex(Sha256::digest(pem));
    format!("github app {id} {installation:?} {base} {key}")
}

#[cfg(test)]
mod tests;
