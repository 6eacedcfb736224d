//! One request: the table of contents of this module's pipeline.

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use tracing::Instrument;

use super::{
    Webhooks,
    authenticate::{Authentic, authenticate},
    body::{Bodies, Held},
    hooks::Hook,
    media_type, payload,
};
use crate::receiver::{PATH_PREFIX, Scene};

/// Answers a request.
pub(super) async fn handle(webhooks: &Webhooks, request: Request<Body>) -> Response {
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
        return match Bodies::discard(body).await {
            Err(error) => error.status(),
            Ok(()) if webhooks.hooks.is_complete() => StatusCode::NOT_FOUND,
            Ok(()) => StatusCode::SERVICE_UNAVAILABLE,
        }
        .into_response();
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
        match webhooks.bodies.read(body).await {
            Ok(body) => call(webhooks, &hook, &parts, body).await,
            Err(error) => {
                tracing::error!(error = %error, "reading the request body failed");
                error.status()
            }
        }
    };
    answer.instrument(span).await.into_response()
}

/// Does what a call of a receiver is to do.
async fn call(webhooks: &Webhooks, hook: &Hook, parts: &Parts, body: Held) -> StatusCode {
    if let Err(closed) = hook.open() {
        tracing::error!(error = "unable to process request", "{closed}");
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let headers = &parts.headers;
    let authentic = match authenticate(webhooks, hook, headers, body.bytes.clone()).await {
        Ok(authentic) => authentic,
        Err(refusal) => {
            let error = refusal.to_string();
            tracing::error!(error, "unable to validate payload");
            return StatusCode::BAD_REQUEST;
        }
    };
    let filters = match hook.filters() {
        Ok(filters) => filters,
        Err(error) => {
            tracing::error!(error, "unable to create resource filters");
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    };
    let Authentic { body, claims } = authentic;
    let request = if filters.is_empty() {
        Value::Null
    } else {
        let content_type = headers.get(header::CONTENT_TYPE);
        match request_value(content_type, &body) {
            Ok(request) => request,
            Err(error) => {
                let error = format!("failed to parse request body as JSON: {error}");
                tracing::error!(error, "unable to create resource filters");
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
        }
    };
    let scene = Scene {
        request: &request,
        claims: claims.as_ref(),
    };
    if webhooks.notifier.notify(hook, filters, scene).await {
        StatusCode::OK
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
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
