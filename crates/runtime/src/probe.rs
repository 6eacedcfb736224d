//! The metrics and health endpoints.
//!
//! `:8080` serves `/metrics`; `:9440` serves `/healthz` and `/readyz`, each also with `/ping`.
//! Source: controller-runtime's manager, fluxcd/pkg `runtime/probes`.

use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{flags::listen_address, metrics::Metrics};

/// An endpoint that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {purpose}")]
pub struct BindError {
    address: String,
    purpose: &'static str,
    #[source]
    source: std::io::Error,
}

/// Opens `address` in Go's form.
///
/// # Errors
/// When the address is taken or malformed.
pub async fn bind(address: &str, purpose: &'static str) -> Result<TcpListener, BindError> {
    TcpListener::bind(listen_address(address))
        .await
        .map_err(|source| BindError {
            address: address.to_owned(),
            purpose,
            source,
        })
}

/// Serves `/metrics` until `stop`.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve_metrics(
    address: &str,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), BindError> {
    let listener = bind(address, "metrics").await?;
    let router = Router::new().route(
        "/metrics",
        get(move || std::future::ready(render(&metrics))),
    );
    serve(listener, router, stop);
    Ok(())
}

/// Serves `/healthz` and `/readyz` until `stop`.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve_health(address: &str, stop: CancellationToken) -> Result<(), BindError> {
    let listener = bind(address, "health").await?;
    let ok = || async { "ok" };
    let router = Router::new()
        .route("/healthz", get(ok))
        .route("/healthz/ping", get(ok))
        .route("/readyz", get(ok))
        .route("/readyz/ping", get(ok));
    serve(listener, router, stop);
    Ok(())
}

/// Serves `router` on `listener` until `stop`, on a task of its own.
pub fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(error = %error, "endpoint ended");
        }
    });
}

fn render(metrics: &Metrics) -> impl IntoResponse + use<> {
    const TEXT: [(&str, &str); 1] = [("content-type", "text/plain; version=0.0.4; charset=utf-8")];
    match metrics.render() {
        Ok(text) => (StatusCode::OK, TEXT, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, error.to_string()),
    }
}
