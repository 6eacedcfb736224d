//! Monotonic time as a number, so that [`State`](crate::State) needs no clock.

use std::time::Duration;

/// A point in time: nanoseconds since an origin that the caller chose and keeps.
///
/// Times from different origins must not meet in one queue. The range is 584 years; arithmetic
/// saturates, so the last instant stands for "never".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// Returns the point `delay` later.
    ///
    /// ```
    /// # use {queue::Time, std::time::Duration};
    /// let noon = Time::ZERO.after(Duration::from_secs(1));
    /// assert_eq!(noon.since(Time::ZERO), Duration::from_secs(1));
    /// assert_eq!(noon.after(Duration::MAX), Time::ZERO.after(Duration::MAX));
    /// ```
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// Returns the time that passed since `earlier`; zero if `earlier` is in fact later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
