//! One key in a worker's hands.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::queue::Shared;
use crate::{Cause, Class, Key, Outcome, Taken};

/// A key that nobody else works on as long as this lives.
///
/// Dropping it without [`finish`](Self::finish), as a panic or an aborted task does, finishes the
/// key with [`Outcome::Retry`]; so no key is ever lost.
#[must_use = "dropping it counts as a failed run"]
pub struct Work<K: Key> {
    shared: Arc<Shared<K>>,
    taken: Taken<K>,
    superseded: CancellationToken,
    outcome: Outcome,
}

impl<K: Key> Work<K> {
    pub(crate) fn new(
        shared: Arc<Shared<K>>,
        taken: Taken<K>,
        superseded: CancellationToken,
    ) -> Self {
        Self {
            shared,
            taken,
            superseded,
            outcome: Outcome::Retry,
        }
    }

    /// Returns what to work on.
    pub fn key(&self) -> &K {
        &self.taken.key
    }

    /// Returns the most urgent class that asked for this run.
    pub fn class(&self) -> Class {
        self.taken.class
    }

    /// Returns what made this run due.
    pub fn cause(&self) -> Cause {
        self.taken.cause
    }

    /// Is cancelled when the key is added again, due at once, or forgotten: what this run
    /// establishes is then out of date, and it may stop at the next good place. After an add the
    /// key runs again, whatever this run's outcome.
    pub fn superseded(&self) -> &CancellationToken {
        &self.superseded
    }

    /// Ends the run.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl<K: Key> Drop for Work<K> {
    fn drop(&mut self) {
        self.shared.handoff.finish(&self.taken.key, self.outcome);
    }
}

impl<K: Key + fmt::Debug> fmt::Debug for Work<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
