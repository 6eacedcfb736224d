//! Tokens of the issuers that a `generic-oidc` receiver trusts.
//!
//! Nothing is fetched for a token of an issuer that the receiver does not name.
//! Source: notification-controller `internal/server/receiver_oidc.go`.

use super::{
    hooks::Hook,
    issuers::{self, Expected, Issuers, Source, TokenError},
};
use crate::receiver::{Claims, Rejected};

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum OidcError {
    #[error("the Authorization header is missing or malformed")]
    Missing,
    #[error("the Authorization header is missing a bearer token")]
    Empty,
    #[error("failed to parse bearer token: {0}")]
    Malformed(&'static str),
    #[error("no oidcProvider configured for issuer {0:?}")]
    Issuer(String),
    #[error("failed to verify OIDC token: {0}")]
    Token(#[from] TokenError),
    #[error("invalid oidcProvider configuration for issuer {issuer:?}: {error}")]
    Rules { issuer: String, error: String },
    #[error("{0}")]
    Rejected(#[from] Rejected),
}

/// Checks a bearer token, and gives its claims.
pub(super) async fn authenticate(
    issuers: &Issuers,
    hook: &Hook,
    bearer: Option<&str>,
) -> Result<Claims, OidcError> {
    let token = bearer.ok_or(OidcError::Missing)?.trim();
    if token.is_empty() {
        return Err(OidcError::Empty);
    }
    let issuer = issuers::unverified_issuer(token).map_err(OidcError::Malformed)?;
    let providers = hook.receiver.spec.oidc_providers.iter();
    let mut trusted = providers
        .enumerate()
        .filter(|(_, provider)| provider.issuer_url == issuer);
    let Some((index, provider)) = trusted.next() else {
        return Err(OidcError::Issuer(issuer));
    };
    let expected = Expected {
        issuer: Some(&issuer),
        audience: provider.audience(),
    };
    let source = Source::Discovery(issuer.clone());
    let claims = issuers.verify(&source, token, expected).await?;
    let rules = match hook.rules(index) {
        Some(Ok(rules)) => rules,
        Some(Err(error)) => {
            let error = error.to_owned();
            return Err(OidcError::Rules { issuer, error });
        }
        None => return Err(OidcError::Issuer(issuer)),
    };
    let value = serde_json::Value::Object(claims);
    rules.check(&value)?;
    match value {
        serde_json::Value::Object(claims) => Ok(claims),
        _ => Ok(Claims::new()),
    }
}
