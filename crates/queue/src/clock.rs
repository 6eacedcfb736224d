//! Tokio's clock as [`Time`], which stands still in tests that pause it.

use tokio::time::Instant;

use crate::Time;

/// Counts from its creation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO.after(self.origin.elapsed())
    }

    /// Returns the instant of `time`; `None` if it is beyond what an instant can express.
    pub(crate) fn instant(&self, time: Time) -> Option<Instant> {
        self.origin.checked_add(time.since(Time::ZERO))
    }
}
