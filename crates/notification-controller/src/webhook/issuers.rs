//! Issuers of tokens, and their public keys.
//!
//! Keys are fetched when a token needs them and kept for minutes, where Flux fetches them for each request. A token
//! that names a key which is not known causes a fetch, but not more often than once in a while; neither does an
//! issuer that does not answer. A fetch that fails takes nothing away, since anybody can cause one. All fetches have a
//! deadline and a size limit.
//!
//! Source: `OpenID` Connect Discovery 1.0, RFC 7517, RFC 7519; go-oidc v3.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::StreamExt;
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Number, Value};
use tokio::time::{Instant, timeout};

use super::flights::Flights;
use crate::receiver::Claims;

/// Where Google publishes the keys of its service accounts' tokens.
const GOOGLE_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// How long keys are good.
const KEEP: Duration = Duration::from_mins(5);
/// How old keys must be before one that is not among them causes a fetch.
const RENEW: Duration = Duration::from_secs(10);
/// How long a failure stands.
const KEEP_FAILURE: Duration = Duration::from_secs(5);
/// How long one request may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of one answer.
const LIMIT: usize = 1 << 20;
/// Issuers whose keys are kept.
const ISSUERS: usize = 256;
/// Fetches at the same time.
const FETCHES: usize = 8;
/// How far an issuer's clock may be ahead. Source: go-oidc.
const SKEW: i64 = 300;

/// The algorithms that there are; none with a shared secret.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The issuer of this URL tells where they are.
    Discovery(String),
    /// They are at this URL.
    Keys(String),
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// Who issued it; the caller checks it when `None`.
    pub(super) issuer: Option<&'a str>,
    /// For whom it is.
    pub(super) audience: &'a str,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("malformed jwt: {0}")]
    Malformed(String),
    #[error("signed with unsupported algorithm {0:?}")]
    Algorithm(Algorithm),
    #[error("failed to verify signature")]
    Signature,
    #[error("issued by a different provider, expected {expected:?} got {got}")]
    Issuer { expected: String, got: String },
    #[error("expected audience {expected:?} got {got}")]
    Audience { expected: String, got: String },
    #[error("token is expired")]
    Expired,
    #[error("token is not valid yet")]
    Early,
    #[error("{0}")]
    Keys(#[from] FetchError),
}

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to get the keys of issuer: {0}")]
pub(super) struct FetchError(String);

/// See the module.
pub(super) struct Issuers {
    http: reqwest::Client,
    google: Source,
    /// A std lock: held for lookups only.
    kept: Mutex<HashMap<Source, Kept>>,
    fetches: Flights<Source, Kept>,
}

/// What the last fetch, or the last that did not fail, brought.
#[derive(Clone)]
struct Kept {
    at: Instant,
    /// The last fetch, whatever came of it.
    tried: Instant,
    keys: Result<Arc<Keys>, FetchError>,
}

/// The keys of an issuer.
struct Keys {
    algorithms: Vec<Algorithm>,
    keys: Vec<(Option<String>, DecodingKey)>,
}

impl Issuers {
    /// Knows no keys yet.
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            google: Source::Keys(GOOGLE_KEYS.to_owned()),
            kept: Mutex::default(),
            fetches: Flights::new(FETCHES),
        }
    }

    /// Takes the keys at another address for Google's.
    #[cfg(test)]
    pub(super) fn with_google(mut self, keys: String) -> Self {
        self.google = Source::Keys(keys);
        self
    }

    /// Where Google's keys are.
    pub(super) fn google(&self) -> &Source {
        &self.google
    }

    /// The claims of a token, which is signed by the issuer, valid now, and says what is expected.
    pub(super) async fn verify(
        &self,
        source: &Source,
        token: &str,
        expected: Expected<'_>,
    ) -> Result<Claims, TokenError> {
        let malformed =
            |error: jsonwebtoken::errors::Error| TokenError::Malformed(error.to_string());
        let header = decode_header(token).map_err(malformed)?;
        if header.crit.is_some_and(|names| !names.is_empty()) {
            let text = "critical header parameters are not supported";
            return Err(TokenError::Malformed(text.to_owned()));
        }
        let id = header.kid.as_deref();
        let kept = self.keys(source, KEEP).await;
        let claims = match kept.keys?.claims(token, header.alg, id) {
            Err(TokenError::Signature) if kept.at.elapsed() >= RENEW => {
                let kept = self.keys(source, RENEW).await;
                kept.keys?.claims(token, header.alg, id)?
            }
            claims => claims?,
        };
        expected.check(&claims, Timestamp::now().as_second())?;
        Ok(claims)
    }

    /// The keys of an issuer, as they were no longer than `age` ago.
    async fn keys(&self, source: &Source, age: Duration) -> Kept {
        if let Some(kept) = self.kept(source, age) {
            return kept;
        }
        let fetch = || async {
            // Somebody may have fetched them since.
            if let Some(kept) = self.kept(source, age) {
                return kept;
            }
            let keys = match source {
                Source::Discovery(issuer) => self.discover(issuer).await,
                Source::Keys(url) => self.fetch_keys(url, vec![Algorithm::RS256]).await,
            };
            self.keep(source, keys.map(Arc::new).map_err(FetchError))
        };
        self.fetches.join(source.clone(), fetch).await
    }

    fn kept(&self, source: &Source, age: Duration) -> Option<Kept> {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get(source)?;
        let fresh = kept.keys.is_ok() && kept.at.elapsed() < age;
        let too_soon = kept.at.elapsed() < KEEP && kept.tried.elapsed() < KEEP_FAILURE;
        (fresh || too_soon).then(|| kept.clone())
    }

    /// Takes note of what a fetch brought, and gives what is to be used.
    fn keep(&self, source: &Source, keys: Result<Arc<Keys>, FetchError>) -> Kept {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = Instant::now();
        let kept = match all.get(source) {
            Some(good) if keys.is_err() && good.keys.is_ok() && good.at.elapsed() < KEEP => Kept {
                tried,
                ..good.clone()
            },
            _ => Kept {
                at: tried,
                tried,
                keys,
            },
        };
        if all.len() >= ISSUERS && !all.contains_key(source) {
            all.retain(|_, kept| kept.at.elapsed() < KEEP);
            let oldest = all.iter().min_by_key(|(_, kept)| kept.at);
            if let Some(oldest) = oldest.map(|(source, _)| source.clone())
                && all.len() >= ISSUERS
            {
                all.remove(&oldest);
            }
        }
        all.insert(source.clone(), kept.clone());
        kept
    }

    async fn discover(&self, issuer: &str) -> Result<Keys, String> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            issuer: String,
            #[serde(default)]
            jwks_uri: String,
            #[serde(default, rename = "id_token_signing_alg_values_supported")]
            algorithms: Vec<String>,
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let document: Document = self.get(&url).await?;
        if document.issuer != issuer {
            return Err(format!(
                "issuer did not match the issuer returned by provider, expected {issuer:?} got {:?}",
                document.issuer
            ));
        }
        let named = document.algorithms.iter();
        let mut algorithms: Vec<Algorithm> = named
            .filter_map(|name| name.parse().ok())
            .filter(|algorithm| ALGORITHMS.contains(algorithm))
            .collect();
        if algorithms.is_empty() {
            algorithms.push(Algorithm::RS256);
        }
        self.fetch_keys(&document.jwks_uri, algorithms).await
    }

    async fn fetch_keys(&self, url: &str, algorithms: Vec<Algorithm>) -> Result<Keys, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = self.get(url).await?;
        // Keys that cannot be used, as of kinds to come, are passed over.
        let usable = |key: Value| {
            let key: Jwk = serde_json::from_value(key).ok()?;
            let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
            let public = !matches!(key.algorithm, AlgorithmParameters::OctetKey(_));
            let decoding = DecodingKey::from_jwk(&key)
                .ok()
                .filter(|_| signs && public)?;
            Some((key.common.key_id, decoding))
        };
        Ok(Keys {
            algorithms,
            keys: set.keys.into_iter().filter_map(usable).collect(),
        })
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let fetch = async {
            let response = self.http.get(url).send().await;
            let response = response.map_err(|error| runtime::log::chain(&error))?;
            let status = response.status();
            if status != reqwest::StatusCode::OK {
                return Err(format!("{url:?} answers {status}"));
            }
            let mut body = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|error| runtime::log::chain(&error))?;
                if body.len() + chunk.len() > LIMIT {
                    return Err(format!("{url:?} answers with more than {LIMIT} bytes"));
                }
                body.extend_from_slice(&chunk);
            }
            serde_json::from_slice(&body).map_err(|error| format!("{url:?}: {error}"))
        };
        let late = Err(format!("{url:?} does not answer in time"));
        timeout(DEADLINE, fetch).await.unwrap_or(late)
    }
}

impl Keys {
    /// The claims of a token that one of the keys signed; by the key with its id if it names one.
    fn claims(
        &self,
        token: &str,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<Claims, TokenError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm(algorithm));
        }
        // Claims are checked by `Expected`.
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let mut named = self
            .keys
            .iter()
            .filter(|(key, _)| id.is_none() || key.as_deref() == id);
        named
            .find_map(|(_, key)| decode::<Claims>(token, key, &validation).ok())
            .map(|data| data.claims)
            .ok_or(TokenError::Signature)
    }
}

impl Expected<'_> {
    /// Checks claims at the second `now`.
    fn check(self, claims: &Claims, now: i64) -> Result<(), TokenError> {
        let claim = |name: &str| claims.get(name).unwrap_or(&Value::Null);
        if let Some(issuer) = self.issuer
            && claim("iss") != issuer
        {
            return Err(TokenError::Issuer {
                expected: issuer.to_owned(),
                got: claim("iss").to_string(),
            });
        }
        let audience = claim("aud");
        let several = audience.as_array().map(Vec::as_slice);
        let several = several.unwrap_or(std::slice::from_ref(audience));
        if !several.iter().any(|audience| audience == self.audience) {
            return Err(TokenError::Audience {
                expected: self.audience.to_owned(),
                got: audience.to_string(),
            });
        }
        let second = |name: &str| claim(name).as_number().and_then(whole_second);
        if second("exp").is_none_or(|end| end < now) {
            return Err(TokenError::Expired);
        }
        match claim("nbf") {
            Value::Null => Ok(()),
            _ if second("nbf").is_some_and(|begin| begin <= now.saturating_add(SKEW)) => Ok(()),
            _ => Err(TokenError::Early),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a time beyond the range is the end of the range"
)]
fn whole_second(number: &Number) -> Option<i64> {
    number
        .as_i64()
        .or_else(|| number.as_f64().map(|second| second as i64))
}

/// Who issued a token, as it says itself: good for nothing but to find out who must have signed it.
pub(super) fn unverified_issuer(token: &str) -> Result<String, &'static str> {
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default)]
        iss: String,
    }
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("token is not a JWT");
    };
    let payload = URL_SAFE_NO_PAD.decode(payload);
    let payload = payload.map_err(|_| "failed to decode token payload")?;
    let claims: Claims =
        serde_json::from_slice(&payload).map_err(|_| "failed to parse token payload")?;
    if claims.iss.is_empty() {
        return Err("token is missing the 'iss' claim");
    }
    Ok(claims.iss)
}

#[cfg(test)]
pub(in crate::webhook) mod tests;
