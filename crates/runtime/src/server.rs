//! HTTP servers that strangers reach: limits, and an orderly end.
//!
//! Unlike [`crate::probe`]'s endpoints these bound what a peer may send and how long it may take, so that
//! no peer holds more than one connection's share of memory: headers by size and time, bodies by
//! [`Bodies`], connections by number. HTTP/1.1 only, as Go serves without TLS.

mod body;
pub mod metrics;
mod patient;

use std::{sync::Arc, time::Duration};

use axum::Router;
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

pub use self::body::{Bodies, BodyError, BodyLimits, Held, Share};
use self::patient::Patient;

/// How long to wait before the next connection when none can be accepted, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a peer may send, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the request line and the headers; more is answered with 431.
    pub header_bytes: usize,
    /// From the beginning of a request, or of an idle connection, to the end of the headers.
    pub header_time: Duration,
    /// How long a peer may take nothing of what it is sent.
    pub write_time: Duration,
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
            let stream = TokioIo::new(Patient::new(stream, limits.write_time));
            let connection = graceful.watch(http.serve_connection(stream, service));
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

#[cfg(test)]
mod tests;
