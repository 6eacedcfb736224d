//! The artifact server: regular files of the storage over plain HTTP.
//!
//! GET and HEAD, one byte range, `Last-Modified` and `If-Modified-Since`; `GET /` answers 200 for the readiness probe.
//! Unlike Flux's, it lists no directories. A path never leads out of the storage, whatever a link says, nor to a
//! name that begins with a dot. Files are streamed.
//!
//! Source: fluxcd/pkg artifact/server (0.18); RFC 9110 §§13, 14.

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

mod date;
mod range;

use self::range::Range;

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// The server for the directory `root`.
pub(crate) fn router(root: PathBuf) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(root))
}

async fn serve(State(root): State<Arc<PathBuf>>, request: Parts) -> Response {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    if request.uri.path() == "/" {
        return StatusCode::OK.into_response();
    }
    let Some(path) = requested(&request.uri) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match open(&root, &path).await {
        Ok(Some(file)) => answer(file, &request.method, &request.headers)
            .await
            .unwrap_or_else(|error| failed(&path, &error)),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&path, &error),
    }
}

fn failed(path: &str, error: &io::Error) -> Response {
    tracing::error!(path, error = %error, "artifact not served");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The clean, decoded path of a request; none if it has parts that no artifact's path has.
fn requested(uri: &Uri) -> Option<String> {
    let path = percent_decode(uri.path().strip_prefix('/')?)?;
    let good = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\0');
    path.split('/').all(good).then_some(path)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            out.push(u8::try_from(value).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Opens a regular file below `root`.
async fn open(root: &Path, path: &str) -> io::Result<Option<File>> {
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
        _ => Err(error),
    };
    // Links are followed, since Helm indexes have one to the latest, but not out of the storage.
    let real_root = tokio::fs::canonicalize(root).await?;
    let real = match tokio::fs::canonicalize(root.join(path)).await {
        Ok(real) => real,
        Err(error) => return missing(error),
    };
    let inside = real.strip_prefix(&real_root).is_ok_and(|below| {
        below
            .iter()
            .all(|part| !part.as_encoded_bytes().starts_with(b"."))
    });
    if !inside {
        return Ok(None);
    }
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    match tokio::fs::metadata(&real).await {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(None),
        Err(error) => return missing(error),
    }
    match File::open(&real).await {
        Ok(file) => Ok(Some(file)),
        Err(error) => missing(error),
    }
}

async fn answer(mut file: File, method: &Method, request: &HeaderMap) -> io::Result<Response> {
    let metadata = file.metadata().await?;
    let size = metadata.len();
    let modified = metadata.modified().ok().map(date::seconds);
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(date) = modified.and_then(date::format) {
        headers.insert(header::LAST_MODIFIED, date);
    }
    let since = |name| {
        request
            .get(name)
            .and_then(|v: &HeaderValue| date::parse(v.to_str().ok()?))
    };
    if let (Some(modified), Some(since)) = (modified, since(header::IF_MODIFIED_SINCE))
        && modified <= since
    {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    // A range that is tied to a state of the file counts for that state only.
    let tied = request.contains_key(header::IF_RANGE);
    let wanted = request
        .get(header::RANGE)
        .filter(|_| !tied || since(header::IF_RANGE).is_some_and(|since| modified == Some(since)));
    let (status, start, length) = match range::parse(wanted.and_then(|v| v.to_str().ok()), size) {
        Range::Whole => (StatusCode::OK, 0, size),
        Range::Part { start, length } => {
            let text = format!("bytes {start}-{}/{size}", start + length - 1);
            insert(&mut headers, header::CONTENT_RANGE, &text);
            (StatusCode::PARTIAL_CONTENT, start, length)
        }
        Range::Unsatisfiable => {
            insert(
                &mut headers,
                header::CONTENT_RANGE,
                &format!("bytes */{size}"),
            );
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        file.seek(SeekFrom::Start(start)).await?;
        Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK))
    };
    Ok((status, headers, body).into_response())
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
