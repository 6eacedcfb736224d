//! One request: the table of contents of this module's pipeline.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use runtime::server::{BodyError, Held};
use serde_json::{Map, Value};
use tracing::Instrument;

use super::{
    Webhooks,
    authenticate::{self, Refusal},
    hooks::Hook,
    media_type, payload,
};
use crate::receiver::{PATH_PREFIX, Scene};

/// Answers a request.
pub(super) async fn handle(webhooks: &Arc<Webhooks>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let clean = clean(path);
    if clean != path {
        return redirect(&clean, parts.uri.query());
    }
    if !path.starts_with(PATH_PREFIX) {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    // The query is part of what is looked up, so that a request with one finds nothing, as in Flux.
    let target = parts
        .uri
        .path_and_query()
        .map_or(path, |target| target.as_str());
    let Some(hook) = webhooks.hooks.get(target) else {
        let code = if webhooks.hooks.is_complete() {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        return refuse(webhooks, body, code).await.into_response();
    };
    let span = tracing::info_span!(
        "webhook",
        logger = "receiver-server",
        "reconciler kind" = "Receiver",
        name = &*hook.key.name,
        namespace = &*hook.key.namespace,
    );
    let answer = async {
        // The path is a secret; its beginning is enough to find a request's lines.
        let digest = target.get(PATH_PREFIX.len()..).unwrap_or_default();
        tracing::info!("handling request: {}", digest.get(..8).unwrap_or_default());
        let claims = match admit(webhooks, &hook, &parts.headers).await {
            Ok(claims) => claims,
            Err(code) => return refuse(webhooks, body, code).await,
        };
        match webhooks.bodies.read(body).await {
            Ok(body) => call(webhooks, hook, &parts.headers, body, claims).await,
            Err(error) => {
                tracing::error!(error = %error, "reading the request body failed");
                error.status()
            }
        }
    };
    answer.instrument(span).await.into_response()
}

/// The answer to a request whose body nobody wants: `code`, unless the body would be refused, too.
async fn refuse(webhooks: &Webhooks, body: Body, code: StatusCode) -> StatusCode {
    let passed = webhooks.bodies.discard(body).await;
    passed.map_or_else(BodyError::status, |()| code)
}

/// Checks what needs no body, so that none is held for who is refused anyway.
async fn admit(
    webhooks: &Webhooks,
    hook: &Hook,
    headers: &HeaderMap,
) -> Result<Option<Value>, StatusCode> {
    if let Err(closed) = hook.open() {
        tracing::error!(error = "unable to process request", "{closed}");
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    authenticate::by_headers(webhooks, hook, headers)
        .await
        .map_err(|refusal| refused(&refusal))
}

fn refused(refusal: &Refusal) -> StatusCode {
    let error = refusal.to_string();
    tracing::error!(error, "unable to validate payload");
    StatusCode::BAD_REQUEST
}

/// Does what a call of a receiver is to do.
async fn call(
    webhooks: &Arc<Webhooks>,
    hook: Arc<Hook>,
    headers: &HeaderMap,
    body: Held,
    claims: Option<Value>,
) -> StatusCode {
    let Held { bytes, share } = body;
    let body = match authenticate::by_body(webhooks, &hook, headers, bytes).await {
        Ok(body) => body,
        Err(refusal) => return refused(&refusal),
    };
    let request = match hook.filters() {
        Ok(filters) if filters.is_empty() => Ok(Value::Null),
        Ok(_) => request_value(headers.get(header::CONTENT_TYPE), &body)
            .map_err(|error| format!("failed to parse request body as JSON: {error}")),
        Err(error) => Err(error.to_owned()),
    };
    let request = match request {
        Ok(request) => request,
        Err(error) => {
            tracing::error!(error, "unable to create resource filters");
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    };
    drop(body);
    let webhooks = Arc::clone(webhooks);
    let notify = async move {
        let scene = Scene {
            request: &request,
            claims: claims.as_ref(),
        };
        let all = webhooks.notifier.notify(&hook, scene).await;
        drop(share);
        all
    };
    // Goes on when the sender does not wait any longer: many give up after seconds, and not all of them call again.
    match tokio::spawn(notify.in_current_span()).await {
        Ok(true) => StatusCode::OK,
        Ok(false) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What filters see of a body: its object if it says that it is JSON, else an empty one.
fn request_value(
    content_type: Option<&HeaderValue>,
    body: &[u8],
) -> Result<Value, payload::PayloadError> {
    let content_type = content_type.and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(media_type::is_json) {
        return Ok(Value::Object(Map::new()));
    }
    match payload::first(body)? {
        Value::Null => Ok(Value::Object(Map::new())),
        object @ Value::Object(_) => Ok(object),
        _ => Err(payload::PayloadError::Type("the body")),
    }
}

/// A path without empty, `.` and `..` segments, as Go's router redirects to; and the prefix with its slash.
fn clean(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut clean = format!("/{}", segments.join("/"));
    if (path.ends_with('/')
        || clean.len() + 1 == PATH_PREFIX.len() && PATH_PREFIX.starts_with(&clean))
        && clean != "/"
    {
        clean.push('/');
    }
    clean
}

/// Keeps method and body, so that what a misspelt address delivers is still authentic.
fn redirect(path: &str, query: Option<&str>) -> Response {
    let location = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    (
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, location)],
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, expected) in [
            ("/", "/"),
            ("/hook/x", "/hook/x"),
            ("/hook/x/", "/hook/x/"),
            ("//hook/x", "/hook/x"),
            ("/hook//x", "/hook/x"),
            ("/a/../hook/./x", "/hook/x"),
            ("/../hook/x", "/hook/x"),
            ("/hook/..", "/"),
            ("/hook", "/hook/"),
            ("/hook/", "/hook/"),
            ("/hooks", "/hooks"),
            ("", "/"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn filters_see_json_objects_only() {
        let json = Some("application/json; charset=utf-8");
        for (content_type, body, expected) in [
            (json, r#"{"a": 1} rest"#, Some(r#"{"a":1}"#)),
            (json, "null", Some("{}")),
            (json, "", None),
            (json, "[]", None),
            (json, "{", None),
            (Some("text/plain"), "[]", Some("{}")),
            (None, r#"{"a": 1}"#, Some("{}")),
        ] {
            let header = content_type.map(HeaderValue::from_static);
            let value = request_value(header.as_ref(), body.as_bytes());
            let value = value.ok().map(|value| value.to_string());
            assert_eq!(value.as_deref(), expected, "{content_type:?} {body}");
        }
    }
}
