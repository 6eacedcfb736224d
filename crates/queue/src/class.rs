//! The four classes of work and how much of a head start each gives away.
//!
//! A ready key's rank is the time at which it became ready plus its class's penalty, and the lowest
//! rank runs first. A penalty therefore reads as a promise in both directions: a key is overtaken
//! only by keys of a more urgent class that arrive within the difference of the two penalties, so
//! no flood of urgent work starves it; and urgent work passes any backlog that is younger than that
//! difference.

use std::time::Duration;

/// Why a key wants to run, most urgent first; the smaller of two classes is the more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A person or a commit waits for the result: the spec changed, a webhook or
    /// `reconcile.fluxcd.io/requestedAt` asked, or a new revision touches what the key reads.
    Urgent,
    /// A managed object was changed or deleted by somebody else.
    Drift,
    /// A new revision touches nothing that the key reads: its status moves forward.
    Move,
    /// Nothing happened; the interval or a deadline passed, or the object was listed at start.
    Interval,
}

impl Class {
    /// Every class, most urgent first.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::Drift, Self::Move, Self::Interval];

    /// Returns the time that a key of this class lets pass in favour of more urgent ones.
    ///
    /// - `Drift`, 10 s: a correction is a full apply, and a person looking at a cluster that
    ///   drifted compares with Flux, which takes an interval. A storm of corrections, say a
    ///   namespace deleted by hand, delays a commit only if it lasts longer than this.
    /// - `Move`, 1 min: a commit queues its moves and its urgent keys while it compares trees, in
    ///   no useful order, and ten thousand moves take about a minute; no urgent key of that commit,
    ///   nor of the next one, may stand behind them.
    /// - `Interval`, 5 min: the first listing of a cluster queues everything at once and may take
    ///   minutes; intervals are commonly ten, and nobody waits for the run.
    ///
    /// ```
    /// # use queue::Class;
    /// assert!(Class::ALL.is_sorted_by_key(|class| class.penalty()));
    /// ```
    #[must_use]
    pub const fn penalty(self) -> Duration {
        match self {
            Self::Urgent => Duration::ZERO,
            Self::Drift => Duration::from_secs(10),
            Self::Move => Duration::from_mins(1),
            Self::Interval => Duration::from_mins(5),
        }
    }

    /// Returns the value of the `priority` label of `workqueue_depth`; higher is more urgent.
    ///
    /// The two ends are the values that Flux's controllers show.
    /// Source: controller-runtime pkg/handler (`LowPriority`), 0 elsewhere.
    #[must_use]
    pub const fn priority(self) -> i32 {
        match self {
            Self::Urgent => 0,
            Self::Drift => -10,
            Self::Move => -50,
            Self::Interval => -100,
        }
    }
}
