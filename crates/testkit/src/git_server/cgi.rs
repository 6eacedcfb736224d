//! One request to `git http-backend`, by the Common Gateway Interface.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdout, Command};

use super::{Exchange, Kind, Shared};

/// What a client may send in one request; enough for any push of a test.
const MOST_RECEIVED: usize = 256 << 20;
const CHUNK: usize = 64 << 10;

/// Runs the program for a request; the answer's body is passed on as it comes.
pub(super) async fn run(shared: &Arc<Shared>, request: Request) -> Result<Response> {
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("PATH_INFO", request.uri().path())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REQUEST_METHOD", request.method().as_str())
        // A name allows pushes.
        .env("REMOTE_USER", "testkit")
        .env("REMOTE_ADDR", "127.0.0.1");
    for (name, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("accept-encoding", "HTTP_ACCEPT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
        {
            command.env(variable, value);
        }
    }
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_RECEIVED)
        .await
        .context("receive the request")?;
    let request = Request::from_parts(parts, Body::empty());
    let kind = Kind::of(&request, &body);

    let mut child = command
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("run git http-backend")?;
    let mut stdin = child.stdin.take().context("no way to git http-backend")?;
    let received = body.len() as u64;
    tokio::spawn(async move {
        // It may stop reading early and answer with an error, which the client then gets.
        drop(stdin.write_all(&body).await);
    });
    let mut stdout = BufReader::new(
        child
            .stdout
            .take()
            .context("no way from git http-backend")?,
    );
    let (status, headers) = head(&mut stdout).await?;

    let mut record = Record {
        shared: Arc::clone(shared),
        exchange: Exchange {
            kind,
            path,
            status: status.as_u16(),
            received,
            sent: 0,
        },
    };
    let stream = futures::stream::unfold((stdout, child), |(mut stdout, child)| async {
        let mut chunk = vec![0; CHUNK];
        match stdout.read(&mut chunk).await {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some((Ok(chunk), (stdout, child)))
            }
            Err(error) => Some((Err(error), (stdout, child))),
        }
    });
    let counted = stream.inspect(move |chunk| {
        record.sent(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
    });
    let mut response = Response::new(Body::from_stream(counted));
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    Ok(response)
}

/// Records the exchange when its answer's body has been sent or given up.
struct Record {
    shared: Arc<Shared>,
    exchange: Exchange,
}

impl Record {
    fn sent(&mut self, bytes: u64) {
        self.exchange.sent += bytes;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.shared.record(self.exchange.clone());
    }
}

async fn head(
    stdout: &mut BufReader<ChildStdout>,
) -> Result<(StatusCode, Vec<(HeaderName, HeaderValue)>)> {
    let mut status = StatusCode::OK;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stdout
            .read_line(&mut line)
            .await
            .context("read the answer")?
            == 0
        {
            bail!("git http-backend ended without an answer");
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            status = code.parse().with_context(|| format!("status {value}"))?;
        } else if !name.eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str()) {
            headers.push((
                name.parse().with_context(|| format!("header {name}"))?,
                value.parse().with_context(|| format!("header {name}"))?,
            ));
        }
    }
}
