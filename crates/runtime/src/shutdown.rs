//! Stopping on SIGINT or SIGTERM.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long running work may take to finish after a signal. Source: controller-runtime's
/// `GracefulShutdownTimeout`.
pub const GRACE: Duration = Duration::from_secs(30);

/// Returns a token that is cancelled by the first SIGINT or SIGTERM.
///
/// # Errors
/// When the process may not install signal handlers.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: signal received");
        cancelled.cancel();
    });
    Ok(token)
}
