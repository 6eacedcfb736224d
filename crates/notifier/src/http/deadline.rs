//! The end of a delivery, as far as its retries need to know.
//!
//! A wait that outlasts the delivery is not begun: the failure that it would have waited out is told instead, and
//! the delivery makes room for others. The end belongs to the task and not to a client, because the requests of one
//! delivery may go through several clients.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, error::Elapsed, timeout_at};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Gives work that much time.
///
/// # Errors
/// When the time is over.
pub(crate) async fn within<F: Future>(time: Duration, work: F) -> Result<F::Output, Elapsed> {
    let deadline = Instant::now() + time;
    DEADLINE.scope(deadline, timeout_at(deadline, work)).await
}

/// Whether a wait would outlast the delivery; never if the delivery may take as long as it wants.
pub(super) fn outlasts(wait: Duration) -> bool {
    let left = |deadline: &Instant| deadline.saturating_duration_since(Instant::now());
    DEADLINE
        .try_with(|deadline| wait >= left(deadline))
        .unwrap_or(false)
}
