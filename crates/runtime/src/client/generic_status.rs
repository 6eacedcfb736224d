//! Refusals that come without a Status: from proxies, aggregated servers and paths that nobody
//! serves.
//!
//! Source: apimachinery `api/errors.NewGenericServerResponse`, client-go
//! `rest.Request.transformResponse`.

use http::{Method, StatusCode};
use serde::Deserialize;

use super::{
    call::Subject,
    error::{ApiError, Status, UNSERVED},
};

/// The server's text is quoted up to this many bytes.
const MAX_QUOTED: usize = 2048;

/// The error that an unsuccessful answer stands for.
pub(super) fn error(
    code: StatusCode,
    method: &Method,
    subject: Option<&Subject>,
    body: &[u8],
) -> ApiError {
    #[derive(Deserialize)]
    struct Typed {
        kind: String,
        status: String,
    }
    let typed = serde_json::from_slice::<Typed>(body);
    if typed.is_ok_and(|typed| typed.kind == "Status" && typed.status == "Failure")
        && let Ok(mut status) = serde_json::from_slice::<Status>(body)
    {
        if status.code == 0 {
            status.code = code.as_u16();
        }
        return ApiError::Status(Box::new(status));
    }
    generic(code, method, subject, body)
}

fn generic(code: StatusCode, method: &Method, subject: Option<&Subject>, body: &[u8]) -> ApiError {
    let quoted = String::from_utf8_lossy(body.get(..MAX_QUOTED).unwrap_or(body)).into_owned();
    let quoted = quoted.trim();
    let (reason, mut message) = match code.as_u16() {
        409 if method == Method::POST => ("AlreadyExists", "the server reported a conflict".into()),
        409 => ("Conflict", "the server reported a conflict".into()),
        404 => ("NotFound", UNSERVED.into()),
        400 => (
            "BadRequest",
            "the server rejected our request for an unknown reason".into(),
        ),
        401 => (
            "Unauthorized",
            "the server has asked for the client to provide credentials".to_owned(),
        ),
        403 => ("Forbidden", quoted.to_owned()),
        406 => (
            "NotAcceptable",
            "the server was unable to respond with a content type that the client supports".into(),
        ),
        415 => (
            "UnsupportedMediaType",
            "the server was unable to process the request body type".to_owned(),
        ),
        405 => (
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource".to_owned(),
        ),
        422 => (
            "Invalid",
            "the server rejected our request due to an error in our request".into(),
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request".to_owned(),
        ),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be \
             processing the request"
                .to_owned(),
        ),
        429 => (
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later".into(),
        ),
        code if code >= 500 => (
            "InternalError",
            format!(
                "an error on the server ({quoted:?}) has prevented the request from succeeding"
            ),
        ),
        code => (
            "",
            format!(
                "the server responded with the status code {code} but did not return more \
                 information"
            ),
        ),
    };
    if let Some(subject) = subject {
        message.push_str(" (");
        message.push_str(&method.as_str().to_ascii_lowercase());
        message.push(' ');
        message.push_str(&subject.resource);
        if !subject.name.is_empty() {
            message.push(' ');
            message.push_str(&subject.name);
        }
        message.push(')');
    }
    ApiError::status(code.as_u16(), reason, message)
}
