//! What the queue holds at one moment, for probes and for metrics read at scrape.

use std::time::Duration;

use crate::Class;

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its time has not come.
    Waiting,
    /// It may run.
    Ready,
    /// A worker has it.
    Running,
    /// It waits for a wake-up.
    Parked,
}

/// The number of keys in each place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys whose time has not come.
    pub waiting: usize,
    /// Keys that may run, by class.
    pub ready: Depth,
    /// Keys that a worker has.
    pub running: usize,
    /// Keys that wait for a wake-up.
    pub parked: usize,
}

/// How long the present runs have lasted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// The sum over all runs: `workqueue_unfinished_work_seconds`.
    pub total: Duration,
    /// The longest of them: `workqueue_longest_running_processor_seconds`.
    pub longest: Duration,
}

/// A number of keys for each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth([usize; Class::ALL.len()]);

impl Depth {
    /// Returns the number of keys of `class`.
    #[must_use]
    pub const fn of(self, class: Class) -> usize {
        self.0[class as usize]
    }

    pub(crate) const fn of_mut(&mut self, class: Class) -> &mut usize {
        &mut self.0[class as usize]
    }

    /// Returns the number of keys of all classes.
    #[must_use]
    pub fn total(self) -> usize {
        self.0.iter().sum()
    }
}
