//! Google Container Registry: Pub/Sub pushes with a token of Google's, and in their envelope what happened.
//!
//! Source: Google Cloud "Authentication for push subscriptions"; notification-controller
//! `internal/server/receiver_handlers.go`.

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    authenticate::SecretData,
    issuers::{Expected, Issuers, TokenError},
    payload::{self, PayloadError},
};

const ISSUERS: [&str; 2] = ["accounts.google.com", "https://accounts.google.com"];

/// Why a push is not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum GcrError {
    #[error("invalid secret data: required field '{0}' for GCR receiver")]
    Secret(&'static str),
    #[error("cannot authenticate GCR request: the Authorization header is missing or malformed")]
    Missing,
    #[error("cannot authenticate GCR request: invalid ID token: {0}")]
    Token(#[from] TokenError),
    #[error("cannot authenticate GCR request: token issuer is {0:?}, want one of {ISSUERS:?}")]
    Issuer(String),
    #[error("cannot authenticate GCR request: token email is {got:?}, want {want:?}")]
    Email { got: String, want: String },
    #[error("cannot authenticate GCR request: token email {0:?} is not verified")]
    Unverified(String),
    #[error("cannot decode GCR webhook payload: {0}")]
    Envelope(PayloadError),
    #[error("cannot decode GCR webhook body: {0}")]
    Body(PayloadError),
}

/// Checks a push, and gives what is in its envelope.
pub(super) async fn authenticate(
    issuers: &Issuers,
    secret: &SecretData,
    bearer: Option<&str>,
    body: &[u8],
) -> Result<Bytes, GcrError> {
    let field = |name: &'static str| {
        let value = secret.get(name).filter(|value| !value.0.is_empty());
        let value = value.ok_or(GcrError::Secret(name))?;
        Ok::<_, GcrError>(String::from_utf8_lossy(&value.0))
    };
    let (email, audience) = (field("email")?, field("audience")?);
    let token = bearer.ok_or(GcrError::Missing)?;
    let expected = Expected {
        issuer: None,
        audience: &audience,
    };
    let claims = issuers.verify(issuers.google(), token, expected).await?;
    let text = |name: &str| {
        claims
            .get(name)
            .and_then(|claim| claim.as_str())
            .unwrap_or_default()
    };
    let issuer = text("iss");
    if !ISSUERS.contains(&issuer) {
        return Err(GcrError::Issuer(issuer.to_owned()));
    }
    let got = text("email");
    if got != email {
        return Err(GcrError::Email {
            got: got.to_owned(),
            want: email.into_owned(),
        });
    }
    if claims.get("email_verified") != Some(&json!(true)) {
        return Err(GcrError::Unverified(got.to_owned()));
    }
    unwrap(body)
}

/// The message in an envelope: `action`, `digest` and `tag`, and nothing else.
fn unwrap(body: &[u8]) -> Result<Bytes, GcrError> {
    let envelope = payload::first(body).map_err(GcrError::Envelope)?;
    let data = payload::text(&envelope, &["message", "data"]).map_err(GcrError::Envelope)?;
    // What is no base64 is no JSON either.
    let data = STANDARD.decode(data).unwrap_or_default();
    let message = payload::only(&data).map_err(GcrError::Body)?;
    let text = |path| payload::text(&message, path).map_err(GcrError::Body);
    let (action, digest, tag) = (text(&["action"])?, text(&["digest"])?, text(&["tag"])?);
    tracing::info!("handling GCR event from {digest} for tag {tag}");
    let message = json!({ "action": action, "digest": digest, "tag": tag });
    Ok(message.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_taken_out_of_its_envelope() {
        let envelope =
            |data: &str| format!(r#"{{"message": {{"data": "{data}", "messageId": "1"}}}}"#);
        let encoded = |json: &str| envelope(&STANDARD.encode(json));
        for (body, expected) in [
            (
                encoded(r#"{"action": "INSERT", "digest": "d", "tag": "t", "x": 1}"#),
                Some(r#"{"action":"INSERT","digest":"d","tag":"t"}"#),
            ),
            (encoded("{}"), Some(r#"{"action":"","digest":"","tag":""}"#)),
            (
                encoded("null"),
                Some(r#"{"action":"","digest":"","tag":""}"#),
            ),
            (encoded(r#"{"action": 1}"#), None),
            (encoded(""), None),
            (envelope("&&"), None),
            ("{}".to_owned(), None),
            (r#"{"message": "x"}"#.to_owned(), None),
            ("x".to_owned(), None),
        ] {
            let message = unwrap(body.as_bytes()).ok();
            assert_eq!(message.as_deref(), expected.map(str::as_bytes), "{body}");
        }
    }
}
