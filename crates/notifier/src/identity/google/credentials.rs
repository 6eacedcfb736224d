//! Google credentials as JSON: a service account's key, a person's refresh token, or a way to exchange
//! a token that lies in a file.
//!
//! Of `external_account` only file sources are read; other sources are refused by name.

use jsonwebtoken::EncodingKey;
use serde::Deserialize;

use super::super::AccessError;
use super::{Answer, exchange, read, sign_in};
use crate::rest::{Call, Rest};
use crate::token_cache::Token;

const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// Credentials that buy tokens.
pub(crate) enum Credentials {
    /// A service account's key.
    Key {
        email: String,
        key_id: Option<String>,
        key: Box<EncodingKey>,
        token_url: String,
    },
    /// What `gcloud` leaves after a person has signed in.
    Person {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        token_url: String,
    },
    /// Federation with a foreign issuer.
    Foreign {
        audience: String,
        kind: String,
        path: String,
        /// Where in the file's JSON the token is; the whole file when there is none.
        field: Option<String>,
        token_url: String,
        impersonate: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Raw {
    ServiceAccount {
        client_email: String,
        private_key: String,
        private_key_id: Option<String>,
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        token_uri: Option<String>,
    },
    ExternalAccount {
        audience: String,
        subject_token_type: String,
        token_url: String,
        credential_source: Source,
        service_account_impersonation_url: Option<String>,
    },
}

#[derive(Deserialize)]
struct Source {
    file: Option<String>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    subject_token_field_name: Option<String>,
}

impl Credentials {
    /// Reads JSON. Errors never quote it.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, AccessError> {
        let invalid = |what: &str| AccessError::Credentials(what.to_owned());
        // serde's texts may quote values.
        let raw: Raw =
            serde_json::from_slice(json).map_err(|_| invalid("no Google credentials in JSON"))?;
        let or_default = |url: Option<String>| url.unwrap_or_else(|| TOKEN_URL.to_owned());
        Ok(match raw {
            Raw::ServiceAccount {
                client_email,
                private_key,
                private_key_id,
                token_uri,
            } => Self::Key {
                email: client_email,
                key_id: private_key_id,
                key: Box::new(
                    EncodingKey::from_rsa_pem(private_key.as_bytes())
                        .map_err(|_| invalid("private_key is no RSA key in PEM"))?,
                ),
                token_url: or_default(token_uri),
            },
            Raw::AuthorizedUser {
                client_id,
                client_secret,
                refresh_token,
                token_uri,
            } => Self::Person {
                client_id,
                client_secret,
                refresh_token,
                token_url: or_default(token_uri),
            },
            Raw::ExternalAccount {
                audience,
                subject_token_type,
                token_url,
                credential_source,
                service_account_impersonation_url,
            } => Self::Foreign {
                audience,
                kind: subject_token_type,
                path: credential_source
                    .file
                    .ok_or_else(|| invalid("external_account without a file as its source"))?,
                field: credential_source
                    .format
                    .and_then(|format| format.subject_token_field_name),
                token_url,
                impersonate: service_account_impersonation_url,
            },
        })
    }

    /// Buys a token.
    pub(crate) async fn token(&self, rest: &Rest) -> Result<Token, AccessError> {
        match self {
            Self::Key {
                email,
                key_id,
                key,
                token_url,
            } => sign_in(rest, token_url, email, key_id.as_deref(), key).await,
            Self::Person {
                client_id,
                client_secret,
                refresh_token,
                token_url,
            } => {
                let form = [
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret),
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token),
                ];
                let answer: Answer = rest.json(Call::post(token_url).form(&form)).await?;
                Ok(answer.into())
            }
            Self::Foreign {
                audience,
                kind,
                path,
                field,
                token_url,
                impersonate,
            } => {
                let text = read(path).await?;
                let subject = subject(&text, field.as_deref())?;
                exchange(
                    rest,
                    token_url,
                    audience,
                    (kind, &subject),
                    impersonate.as_deref(),
                )
                .await
            }
        }
    }
}

/// The token in a file's text.
fn subject(text: &str, field: Option<&str>) -> Result<String, AccessError> {
    let Some(field) = field else {
        return Ok(text.trim().to_owned());
    };
    serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|json| json.get(field)?.as_str().map(str::to_owned))
        .ok_or_else(|| AccessError::Credentials(format!("no field {field} with a token")))
}
