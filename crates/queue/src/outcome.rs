//! How a run starts and ends.

use std::time::Duration;

/// How a run ended, and so when its key runs next. All but `Retry` forget earlier failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to do until the key is added again.
    Done,
    /// The next run is due after this long, in [`Class::Interval`](crate::Class::Interval).
    Again(Duration),
    /// The run failed: it is repeated, in its own class, after the back-off.
    Retry,
    /// The key waits for something outside without holding a worker: it runs again when it is
    /// woken, or after `deadline`, in [`Class::Interval`](crate::Class::Interval). With neither it
    /// stays until it is added or forgotten.
    Wait {
        /// The longest wait.
        deadline: Option<Duration>,
    },
}

/// What made a run due when it was. Of several causes, the one with the earliest time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The key was added from outside.
    Event,
    /// The time of [`Outcome::Again`] passed.
    Scheduled,
    /// The back-off of [`Outcome::Retry`] passed.
    Retry,
    /// The key was woken out of [`Outcome::Wait`].
    Woken,
    /// The deadline of [`Outcome::Wait`] passed.
    Deadline,
}
