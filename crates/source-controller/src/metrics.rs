//! The series that only this controller has.

use jiff::Timestamp;
use prometheus::{Histogram, HistogramOpts, Registry};

/// From what a webhook makes possible to an interval that is missed.
const DELAYS: [f64; 12] = [
    0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
];

/// What runs observe.
#[derive(Clone)]
pub(crate) struct Series {
    delay: Histogram,
}

impl Series {
    /// Adds the series to `registry`.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options = HistogramOpts::new(
            "perigee_commit_delay_seconds",
            "Time from a commit, by its committer's clock, until its artifact is stored.",
        );
        let delay = Histogram::with_opts(options.buckets(DELAYS.to_vec()))?;
        registry.register(Box::new(delay.clone()))?;
        Ok(Self { delay })
    }

    /// The artifact of a commit of this time, in seconds since 1970, is stored.
    pub(crate) fn stored(&self, committed: i64) {
        let now = Timestamp::now().as_second();
        // Clocks differ, and Git's count in seconds.
        let seconds = u32::try_from(now.saturating_sub(committed)).unwrap_or_default();
        self.delay.observe(f64::from(seconds));
    }
}
