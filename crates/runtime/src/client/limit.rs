//! The client's own rate limit: a token bucket on tokio's clock.
//!
//! Waiters are served in the order in which they came: each takes the next slot at once, and sleeps
//! until it comes. The limit ends for good at the first answer that shows that the server shares its
//! capacity itself (Priority and Fairness): it tells better than we can who must wait.
//! Source: client-go `util/flowcontrol`, fluxcd/pkg `runtime/client` (limits off under P&F).

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// A token bucket; starts full.
pub(super) struct Limiter {
    /// Whether requests pass without a token.
    open: AtomicBool,
    interval: Duration,
    /// The bucket is full when the next slot lies this far in the past.
    capacity: Duration,
    /// When the next token is due, if nobody had been idle. A std mutex: held for arithmetic only.
    next: Mutex<Option<Instant>>,
}

impl Limiter {
    /// `qps` tokens a second, at most `burst` of them saved up; no limit when `qps` is not positive.
    pub(super) fn new(qps: f32, burst: u32) -> Self {
        let limited = qps.is_finite() && qps > 0.0;
        let interval = if limited {
            Duration::from_secs_f64(1.0 / f64::from(qps))
        } else {
            Duration::ZERO
        };
        Self {
            open: AtomicBool::new(!limited),
            interval,
            capacity: interval * burst.max(1).saturating_sub(1),
            next: Mutex::new(None),
        }
    }

    /// Waits for a token.
    pub(super) async fn acquire(&self) {
        if self.open.load(Ordering::Relaxed) {
            return;
        }
        let slot = self.reserve(Instant::now());
        sleep_until(slot).await;
    }

    /// Lets everything pass from now on; those who wait already keep their slot.
    pub(super) fn lift(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let full = now.checked_sub(self.capacity).unwrap_or(now);
        let slot = next.map_or(full, |next| next.max(full));
        *next = Some(slot + self.interval);
        slot
    }
}
