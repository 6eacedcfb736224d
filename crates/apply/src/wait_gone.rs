//! Waiting for a deleted object to go.

use std::time::Duration;

use runtime::client::{Client, Target};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::error::Gone;

/// Waits that grow from short to long, so that what is quick is seen quickly and what is slow costs
/// little.
pub(crate) struct Backoff {
    next: Duration,
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// Sleeps for the next wait, but not beyond `deadline`. Returns whether there is time left.
    pub(crate) async fn sleep(&mut self, deadline: Instant) -> bool {
        let now = Instant::now();
        if now >= deadline {
            return false;
        }
        sleep_until((now + self.next).min(deadline)).await;
        self.next = self.next.mul_f32(1.5).min(LONGEST);
        true
    }
}

/// Waits until the object with `uid` is gone, or another has its name.
pub(crate) async fn wait_gone(
    client: &Client,
    target: Target<'_>,
    uid: &str,
    deadline: Instant,
) -> Result<(), Gone> {
    let mut backoff = Backoff::new();
    loop {
        match client.get_metadata::<Value>(target).await {
            Ok(live)
                if live
                    .pointer("/metadata/uid")
                    .is_some_and(|found| found == uid) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error.into()),
        }
        if !backoff.sleep(deadline).await {
            return Err(Gone::Late);
        }
    }
}
