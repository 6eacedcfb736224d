//! Google Cloud: keys of service accounts, exchange of foreign tokens, and the metadata server.
//!
//! A Kubernetes service account is exchanged at the security token service, either through the
//! workload identity provider that an annotation names or, in GKE, through the cluster's own pool;
//! when an annotation names a Google service account, the exchanged token then impersonates it.
//! Source: fluxcd/pkg `auth/gcp`, golang.org/x/oauth2 `google`, RFC 7523, RFC 8693.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::{AccessError, Caller};
use crate::rest::{Call, Rest};
use crate::token_cache::Token;

mod account;
mod credentials;

pub(super) use self::account::as_account;
pub(super) use self::credentials::Credentials;

/// What access tokens are for.
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
];

/// What the exchanged token needs to impersonate a service account.
const IMPERSONATION_SCOPE: &str = SCOPES[0];

const STS: &str = "https://sts.googleapis.com/v1/token";
const IAM: &str = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts";

/// The answer of every token endpoint.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: i64,
}

impl From<Answer> for Token {
    fn from(answer: Answer) -> Self {
        Self {
            secret: answer.access_token,
            expires_at: after(SignedDuration::from_secs(answer.expires_in)),
            account: None,
        }
    }
}

/// The answer to an impersonation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impersonated {
    access_token: String,
    expire_time: Timestamp,
}

#[derive(Serialize)]
struct Impersonate {
    lifetime: &'static str,
    scope: [&'static str; 2],
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Acts as the controller: by the file that `GOOGLE_APPLICATION_CREDENTIALS` names, else as the
/// machine's service account.
pub(super) async fn as_controller(caller: Caller<'_>) -> Result<Token, AccessError> {
    if let Some(path) = &caller.environment.google_application_credentials {
        let credentials = Credentials::parse(read(path).await?.as_bytes())?;
        return credentials.token(caller.rest).await;
    }
    let url = format!(
        "{}/computeMetadata/v1/instance/service-accounts/default/token",
        caller.environment.google_metadata()
    );
    let call = Call::get(url)
        .query(&[("scopes", SCOPES.join(",").as_str())])
        .header("Metadata-Flavor", "Google");
    Ok(caller.link_local.json::<Answer>(call).await?.into())
}

/// The moment that is so far from now, or now if there is no such moment.
pub(super) fn after(wait: SignedDuration) -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(wait).unwrap_or(now)
}

pub(super) async fn read(path: &str) -> Result<String, AccessError> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|source| AccessError::File {
            path: path.to_owned(),
            source,
        })
}

/// Exchanges a foreign token, and impersonates a service account with the result if a URL says which.
async fn exchange(
    rest: &Rest,
    url: &str,
    audience: &str,
    subject: (&str, &str),
    impersonate: Option<&str>,
) -> Result<Token, AccessError> {
    let (kind, token) = subject;
    let scope = if impersonate.is_some() {
        IMPERSONATION_SCOPE.to_owned()
    } else {
        SCOPES.join(" ")
    };
    let form = [
        ("audience", audience),
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("scope", &scope),
        ("subject_token", token),
        ("subject_token_type", kind),
    ];
    let exchanged: Answer = rest.json(Call::post(url).form(&form)).await?;
    let Some(impersonate) = impersonate else {
        return Ok(exchanged.into());
    };
    let call = Call::post(impersonate)
        .bearer(&exchanged.access_token)
        .json(&Impersonate {
            lifetime: "3600s",
            scope: SCOPES,
        });
    let impersonated: Impersonated = rest.json(call).await?;
    Ok(Token {
        secret: impersonated.access_token,
        expires_at: impersonated.expire_time,
        account: None,
    })
}

/// Buys a token with a signed claim.
async fn sign_in(
    rest: &Rest,
    url: &str,
    email: &str,
    key_id: Option<&str>,
    key: &EncodingKey,
) -> Result<Token, AccessError> {
    let now = Timestamp::now().as_second();
    let claims = Claims {
        iss: email,
        scope: SCOPES.join(" "),
        aud: url,
        iat: now,
        exp: now + 3600,
    };
    let header = Header {
        kid: key_id.map(str::to_owned),
        ..Header::new(Algorithm::RS256)
    };
    let assertion = jsonwebtoken::encode(&header, &claims, key)
        .map_err(|error| AccessError::Credentials(error.to_string()))?;
    let form = [
        ("assertion", assertion.as_str()),
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    ];
    let answer: Answer = rest.json(Call::post(url).form(&form)).await?;
    Ok(answer.into())
}
