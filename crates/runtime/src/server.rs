//! HTTP servers that strangers reach: limits, and an orderly end.
//!
//! Unlike [`crate::probe`]'s endpoints these bound what a peer may send and how long it may take, so that
//! no peer holds more than one connection's share of memory: headers by size and time, bodies by
//! [`read_body`], connections by number. HTTP/1.1 only, as Go serves without TLS.

pub mod metrics;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long to wait before the next connection when none can be accepted, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a peer may send, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the request line and the headers; more is answered with 431.
    pub header_bytes: usize,
    /// From the beginning of a request, or of an idle connection, to the end of the headers.
    pub header_time: Duration,
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
    /// How long requests under way may take after the stop.
    pub grace: Duration,
}

/// Serves `router` on `listener` until `stop`; the task ends when requests under way have ended, or
/// after the grace.
pub fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_buf_size(limits.header_bytes);
        let seats = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let next = async || {
            let seat = Arc::clone(&seats).acquire_owned().await.ok()?;
            Some((accept(&listener).await, seat))
        };
        loop {
            let (stream, seat) = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                next = next() => match next {
                    Some(connection) => connection,
                    None => break,
                },
            };
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(error = crate::log::chain(&error), "connection ended");
                }
                drop(seat);
            });
        }
        drop(listener);
        if timeout(limits.grace, graceful.shutdown()).await.is_err() {
            tracing::error!("requests under way did not end in time");
        }
    })
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are one small segment; one that goes out later is no less right.
                drop(stream.set_nodelay(true));
                return stream;
            }
            Err(error) => {
                tracing::debug!(error = crate::log::chain(&error), "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A body that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than it may.
    #[error("request body too large")]
    TooLarge,
    /// It broke off, or did not come in time.
    #[error("request body unreadable")]
    Unreadable,
}

impl BodyError {
    /// The answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body of at most `limit` bytes within `time`. Holds no more memory than has arrived.
///
/// # Errors
/// See [`BodyError`]; a body that announces too much is refused before it is read.
pub async fn read_body(body: Body, limit: usize, time: Duration) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    timeout(time, collect(body, limit))
        .await
        .unwrap_or(Err(BodyError::Unreadable))
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Unreadable)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > limit - bytes.len() {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
