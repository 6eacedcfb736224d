//! A run that is wanted: when, how urgently, and its place among the others.

use crate::{Cause, Class, Time};

/// One wanted run. A key has at most one, whatever number of adds it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// The earliest moment at which it may start.
    pub(super) due: Time,
    pub(super) class: Class,
    pub(super) cause: Cause,
    /// The sort key among ready runs: the time of becoming ready plus the class's penalty.
    rank: Time,
    /// Whether it was ready already, and so counted as an add.
    pub(super) counted: bool,
    /// Breaks ties of `rank` and `due`, and makes them unique.
    arrival: u64,
}

/// A key of the ordered maps.
pub(super) type Order = (Time, u64);

impl Pending {
    /// `arrival` must be higher than that of any other run in the queue.
    pub(super) fn new(due: Time, class: Class, cause: Cause, arrival: u64) -> Self {
        let rank = due.after(class.penalty());
        Self {
            due,
            class,
            cause,
            counted: false,
            rank,
            arrival,
        }
    }

    /// Joins with a `newer` wish for the same key: the earlier time, the more urgent class.
    ///
    /// A run that is thereby raised queues up behind those already in its new class, unless its age
    /// has carried it further: no add ever sends a run backwards. One that is not keeps its place.
    pub(super) fn merge(self, newer: Self, now: Time) -> Self {
        let (due, cause) = if newer.due < self.due {
            (newer.due, newer.cause)
        } else {
            (self.due, self.cause)
        };
        let class = self.class.min(newer.class);
        let rank = self.rank.min(due.max(now).after(class.penalty()));
        let arrival = if rank == self.rank {
            self.arrival
        } else {
            newer.arrival
        };
        Self {
            due,
            class,
            cause,
            counted: self.counted,
            rank,
            arrival,
        }
    }

    pub(super) fn by_due(&self) -> Order {
        (self.due, self.arrival)
    }

    pub(super) fn by_rank(&self) -> Order {
        (self.rank, self.arrival)
    }
}
