//! Whether a request comes from whom the receiver is for.
//!
//! The Secret is read for each request, in company (see `flights`), so that a token that was changed is demanded at
//! once. A type that relies on the token, be it in the path alone, refuses everything while the token is empty: an empty one is
//! no secret. Flux lets such requests through for some types.

use std::{collections::BTreeMap, sync::Arc};

use api::notification::{ReceiverSpec, ReceiverType};
use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use runtime::{ObjectKey, client::ApiError};
use serde_json::Value;

use super::{
    Webhooks,
    cdevents::{self, EventError},
    flights::Flights,
    gcr::{self, GcrError},
    hooks::Hook,
    media_type::{self, MediaTypeError},
    oidc::{self, OidcError},
    payload::{self, FormError, PayloadError},
    signature::{self, SignatureError},
};
use crate::receiver::TOKEN_KEY;

/// Secrets being read.
pub(super) type Secrets = Flights<ObjectKey, Result<Arc<SecretData>, ApiError>>;

/// The content of a Secret.
pub(super) type SecretData = BTreeMap<String, ByteString>;

/// Why a request is refused. For the log only.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("unable to read secret, error: unable to read secret '{secret}': {error}")]
    Secret { secret: String, error: ApiError },
    #[error("the receiver has no secretRef")]
    NoSecretRef,
    #[error("invalid '{0}' secret data: required field 'token'")]
    NoToken(String),
    #[error("the token of secret '{0}' is empty, so nothing authenticates the request")]
    EmptyToken(String),
    #[error("unable to validate HMAC signature: {0}")]
    Hmac(SignatureError),
    #[error("the {sender} signature header is invalid, err: {error}")]
    Signature {
        sender: &'static str,
        error: SignedError,
    },
    #[error("the {sender} {header} header value does not match the receiver token")]
    Token {
        sender: &'static str,
        header: &'static str,
    },
    #[error("the {sender} event {event:?} is not authorised")]
    Event { sender: &'static str, event: String },
    #[error("invalid Nexus signature: {0}")]
    Nexus(SignatureError),
    #[error("cannot decode {sender} webhook payload: {error}")]
    Payload {
        sender: &'static str,
        error: PayloadError,
    },
    #[error("unable to validate CDEvent event: {0}")]
    CdEvent(#[from] EventError),
    #[error("{0}")]
    Gcr(#[from] GcrError),
    #[error("{0}")]
    Oidc(#[from] OidcError),
    #[error("receiver type {0:?} not supported")]
    Type(String),
}

/// Why a signed payload is not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignedError {
    #[error("{0}")]
    ContentType(#[from] MediaTypeError),
    #[error("webhook request has unsupported Content-Type {0:?}")]
    Unsupported(String),
    #[error("{0}")]
    Form(#[from] FormError),
    #[error("{0}")]
    Signature(#[from] SignatureError),
}

/// Checks what a request's headers prove, and gives the claims of the token if the receiver demands one.
pub(super) async fn by_headers(
    webhooks: &Webhooks,
    hook: &Hook,
    headers: &HeaderMap,
) -> Result<Option<Value>, Refusal> {
    if hook.receiver.spec.receiver_type != ReceiverType::GenericOidc {
        return Ok(None);
    }
    let claims = oidc::authenticate(&webhooks.issuers, hook, bearer(headers)).await?;
    Ok(Some(Value::Object(claims)))
}

/// Checks the rest, and gives the body as filters see it.
pub(super) async fn by_body(
    webhooks: &Webhooks,
    hook: &Hook,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Bytes, Refusal> {
    let spec = &hook.receiver.spec;
    // Its token is in the headers.
    if spec.receiver_type == ReceiverType::GenericOidc {
        return Ok(body);
    }
    let secret = secret(webhooks, hook).await?;
    if spec.receiver_type == ReceiverType::Gcr {
        let bearer = bearer(headers);
        return Ok(gcr::authenticate(&webhooks.issuers, &secret.data, bearer, &body).await?);
    }
    check(spec, &secret.token()?, headers, body)
}

/// A receiver's Secret.
struct Content {
    name: String,
    data: Arc<SecretData>,
}

impl Content {
    fn token(&self) -> Result<Vec<u8>, Refusal> {
        match self.data.get(TOKEN_KEY) {
            Some(token) if !token.0.is_empty() => Ok(token.0.clone()),
            Some(_) => Err(Refusal::EmptyToken(self.name.clone())),
            None => Err(Refusal::NoToken(self.name.clone())),
        }
    }
}

async fn secret(webhooks: &Webhooks, hook: &Hook) -> Result<Content, Refusal> {
    let reference = hook.receiver.spec.secret_ref.as_ref();
    let name = &reference.ok_or(Refusal::NoSecretRef)?.name;
    let key = ObjectKey::new(&hook.key.namespace, name);
    let read = || async {
        let target = webhooks.secret.object(&key.namespace, &key.name);
        let secret: Secret = webhooks.context.client.get(target).await?;
        Ok(Arc::new(secret.data.unwrap_or_default()))
    };
    let name = key.to_string();
    match webhooks.secrets.join(key.clone(), read).await {
        Ok(data) if data.contains_key(TOKEN_KEY) => Ok(Content { name, data }),
        Ok(_) => Err(Refusal::NoToken(name)),
        Err(error) => Err(Refusal::Secret {
            secret: name,
            error,
        }),
    }
}

/// Checks a request by the token, and gives the body as filters see it.
fn check(
    spec: &ReceiverSpec,
    token: &[u8],
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Bytes, Refusal> {
    match &spec.receiver_type {
        ReceiverType::Generic => Ok(body),
        ReceiverType::GenericHmac => {
            let signature = text(headers, "x-signature");
            signature::verify(signature, &body, token).map_err(Refusal::Hmac)?;
            Ok(body)
        }
        ReceiverType::Github => {
            let body = signed(token, headers, &body).map_err(|error| Refusal::Signature {
                sender: "GitHub",
                error,
            })?;
            listed(spec, "GitHub", text(headers, "x-github-event"))?;
            Ok(body)
        }
        ReceiverType::Bitbucket => {
            let sender = "Bitbucket server";
            let body = signed(token, headers, &body)
                .map_err(|error| Refusal::Signature { sender, error })?;
            listed(spec, sender, text(headers, "x-event-key"))?;
            Ok(body)
        }
        ReceiverType::Gitlab => {
            presented(token, headers, "GitLab", "X-Gitlab-Token")?;
            listed(spec, "GitLab", text(headers, "x-gitlab-event"))?;
            Ok(body)
        }
        ReceiverType::Harbor => {
            presented(token, headers, "Harbor", "Authorization")?;
            tracing::info!("handling Harbor event");
            Ok(body)
        }
        ReceiverType::CdEvents => {
            cdevents::validate(&body)?;
            listed(spec, "CDEvents", text(headers, "ce-type"))?;
            Ok(body)
        }
        ReceiverType::Nexus => {
            let signature = text(headers, "x-nexus-webhook-signature");
            signature::verify_sha1(signature, &body, token).map_err(Refusal::Nexus)?;
            of_registry(Registry::Nexus, &body)?;
            Ok(body)
        }
        ReceiverType::DockerHub => of_registry(Registry::DockerHub, &body).map(|()| body),
        ReceiverType::Quay => of_registry(Registry::Quay, &body).map(|()| body),
        ReceiverType::Acr => of_registry(Registry::Acr, &body).map(|()| body),
        other @ (ReceiverType::GenericOidc | ReceiverType::Gcr | ReceiverType::Other(_)) => {
            Err(Refusal::Type(other.to_string()))
        }
    }
}

/// Checks a payload signed as GitHub does, and takes it out of its form if it is in one. Gitea and Bitbucket Server do
/// alike.
fn signed(token: &[u8], headers: &HeaderMap, body: &Bytes) -> Result<Bytes, SignedError> {
    let signature = match text(headers, "x-hub-signature-256") {
        "" => text(headers, "x-hub-signature"),
        signature => signature,
    };
    let content_type = media_type::parse(text(headers, header::CONTENT_TYPE.as_str()))?;
    let payload = match content_type.as_str() {
        "application/json" => body.clone(),
        "application/x-www-form-urlencoded" => payload::form_field(body, "payload")?.into(),
        _ => return Err(SignedError::Unsupported(content_type)),
    };
    signature::verify(signature, body, token)?;
    Ok(payload)
}

/// Checks that a header holds the token.
fn presented(
    token: &[u8],
    headers: &HeaderMap,
    sender: &'static str,
    header: &'static str,
) -> Result<(), Refusal> {
    let presented = headers
        .get(header)
        .map_or(&b""[..], |value| value.as_bytes());
    if signature::equal(presented, token) {
        Ok(())
    } else {
        Err(Refusal::Token { sender, header })
    }
}

/// Checks that the receiver takes an event.
fn listed(spec: &ReceiverSpec, sender: &'static str, event: &str) -> Result<(), Refusal> {
    let is_event = |listed: &String| listed.eq_ignore_ascii_case(event);
    if !spec.events.is_empty() && !spec.events.iter().any(is_event) {
        let event = event.to_owned();
        return Err(Refusal::Event { sender, event });
    }
    tracing::info!("handling {sender} event: {event}");
    Ok(())
}

#[derive(Clone, Copy)]
enum Registry {
    Nexus,
    DockerHub,
    Quay,
    Acr,
}

/// Checks that a body has the shape of a registry's.
fn of_registry(registry: Registry, body: &[u8]) -> Result<(), Refusal> {
    let (sender, read) = match registry {
        Registry::Nexus => ("Nexus", payload::only(body)),
        Registry::DockerHub => ("DockerHub", payload::first(body)),
        Registry::Quay => ("Quay", payload::first(body)),
        Registry::Acr => ("ACR", payload::first(body)),
    };
    let from = read.and_then(|value| {
        let at = |path| payload::text(&value, path).map(str::to_owned);
        match registry {
            Registry::Nexus => {
                at(&["action"])?;
                at(&["repositoryName"])
            }
            Registry::DockerHub => {
                at(&["push_data", "tag"])?;
                at(&["repository", "repo_url"])
            }
            Registry::Quay => {
                payload::texts(&value, &["updated_tags"])?;
                at(&["docker_url"])
            }
            Registry::Acr => {
                at(&["action"])?;
                at(&["target", "tag"])?;
                at(&["target", "repository"])
            }
        }
    });
    let from = from.map_err(|error| Refusal::Payload { sender, error })?;
    tracing::info!("handling {sender} event from {from}");
    Ok(())
}

/// The text of the first header of a name; empty if there is none.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// The bearer token, if there is one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::AUTHORIZATION.as_str()).strip_prefix("Bearer ")
}
