//! Exponential back-off as a function of the number of failures.
//!
//! The count itself lives with the key in [`State`](crate::State): a key that has failed is always
//! somewhere in the queue until it succeeds or is forgotten, so there is no second table to leak.
//!
//! Source: client-go util/workqueue (`TypedItemExponentialFailureRateLimiter`), the defaults of
//! Flux's `--min-retry-delay` and `--max-retry-delay`.

use std::time::Duration;

/// The delays between failed attempts: `base`, doubled for each further failure, up to `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// Creates a back-off. A `base` of zero stays zero; one above `cap` is cut to it.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// Returns the wait after a failure that `earlier` others preceded without a success between.
    ///
    /// ```
    /// # use {queue::Backoff, std::time::Duration};
    /// let backoff = Backoff::default();
    /// assert_eq!(backoff.delay(0), Duration::from_millis(750));
    /// assert_eq!(backoff.delay(3), Duration::from_secs(6));
    /// assert_eq!(backoff.delay(u32::MAX), Duration::from_secs(900));
    /// ```
    #[must_use]
    pub fn delay(self, earlier: u32) -> Duration {
        let factor = 1_u128.checked_shl(earlier).unwrap_or(u128::MAX);
        let nanos = self.base.as_nanos().saturating_mul(factor);
        Duration::from_nanos_u128(nanos.min(self.cap.as_nanos()))
    }
}

impl Default for Backoff {
    /// 750 ms, doubled up to 15 min.
    fn default() -> Self {
        Self::new(Duration::from_millis(750), Duration::from_mins(15))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays() {
        const MAX: Duration = Duration::MAX;
        let second = Duration::from_secs(1);
        let table = [
            (second, 60 * second, 5, 32 * second),
            (second, 60 * second, 6, 60 * second),
            (second, 60 * second, u32::MAX, 60 * second),
            (60 * second, second, 0, second),
            (Duration::ZERO, second, 0, Duration::ZERO),
            (Duration::ZERO, second, 128, Duration::ZERO),
            (
                Duration::from_nanos(1),
                MAX,
                40,
                Duration::from_nanos(1 << 40),
            ),
            (second, MAX, 200, MAX),
            (MAX, MAX, 1, MAX),
        ];
        for (base, cap, earlier, expected) in table {
            let delay = Backoff::new(base, cap).delay(earlier);
            assert_eq!(delay, expected, "{base:?} up to {cap:?} after {earlier}");
        }
    }
}
