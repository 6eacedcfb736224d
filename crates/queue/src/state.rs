//! The queue as a pure state machine: no clock, no lock, nothing awaited.
//!
//! ```text
//! absent  ── add ──────────────────────────▶ ready, or waiting if it is delayed
//! waiting ── its time, add ────────────────▶ ready
//! ready   ── take ─────────────────────────▶ running
//! running ── Done ─────────────────────────▶ absent
//!         ── Again, Retry ─────────────────▶ waiting
//!         ── Wait ─────────────────────────▶ parked
//!         ── any, after an add meanwhile ──▶ ready
//! parked  ── wake, add, deadline ──────────▶ ready
//! any     ── forget ───────────────────────▶ absent, if running at its end
//! ```
//!
//! Invariants, each held by construction and checked against a naive model in the tests:
//! - A key is in exactly one place. [`State::lift`] and [`State::settle`] are the only functions
//!   that touch the indexes, and a transition is: lift, compute, settle.
//! - `ready` never holds a running key. An add for a running key is kept with the run, merged into
//!   one wish, and takes effect when the run ends; it is not lost whatever the outcome.
//! - A key with failures is present, so forgetting it forgets them.
//! - Each transition first moves what came due to `ready`, so the order of runs depends on the
//!   times that were asked for, not on when a timer fired.
//! - Each operation costs O(log n), apart from the keys that come due in it.
//!
//! Source: controller-runtime pkg/controller/priorityqueue (one entry per key, merging), client-go
//! util/workqueue (an add during the run runs again), kubernetes/kubernetes issue 132805 (early
//! attempts).

mod pending;
mod place;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use self::pending::{Order, Pending};
use self::place::{Entry, Place, Run, join};
use crate::{Backoff, Cause, Class, Counts, Depth, Metrics, Outcome, Phase, Time, Unfinished};

/// The work queue's keys and where each is.
///
/// The `now` of a call must not be before that of the call before it.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use queue::{Backoff, Cause, Class, NoMetrics, Outcome, State, Taken, Time};
/// let mut state = State::new(Backoff::default(), Arc::new(NoMetrics));
/// let start = Time::ZERO;
/// state.add("app", Class::Urgent, Duration::ZERO, start);
/// let first = Taken { key: "app", class: Class::Urgent, cause: Cause::Event };
/// assert_eq!(state.take(start), Some(first));
///
/// state.finish(&"app", Outcome::Retry, start);
/// let due = state.next_due().unwrap();
/// assert_eq!(due.since(start), Duration::from_millis(750));
/// assert_eq!(state.take(start), None);
/// assert_eq!(state.take(due).unwrap().cause, Cause::Retry);
/// ```
pub struct State<K> {
    entries: HashMap<K, Entry>,
    /// The ready keys by rank.
    ready: BTreeMap<Order, K>,
    /// The keys that become ready by themselves, waiting or parked, by time.
    timers: BTreeMap<Order, K>,
    /// The start of each run, in order of start.
    runs: BTreeMap<u64, Time>,
    depth: Depth,
    parked: usize,
    /// Numbers wishes and runs.
    counter: u64,
    backoff: Backoff,
    metrics: Arc<dyn Metrics>,
}

/// A key that was handed out to be worked on, until [`State::finish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken<K> {
    /// What to work on.
    pub key: K,
    /// The most urgent class that asked for the run.
    pub class: Class,
    /// What made it due.
    pub cause: Cause,
}

impl<K: Clone + Eq + Hash> State<K> {
    /// Creates an empty queue.
    pub fn new(backoff: Backoff, metrics: Arc<dyn Metrics>) -> Self {
        for class in Class::ALL {
            metrics.depth(class, 0);
        }
        metrics.active(0);
        Self {
            entries: HashMap::new(),
            ready: BTreeMap::new(),
            timers: BTreeMap::new(),
            runs: BTreeMap::new(),
            depth: Depth::default(),
            parked: 0,
            counter: 0,
            backoff,
            metrics,
        }
    }

    /// Asks for a run of `key` once `after` has passed. Merges with a run already asked for: the
    /// earlier time and the more urgent class count.
    ///
    /// Returns whether this outdates a run in progress: the key is running, and the add is due now.
    pub fn add(&mut self, key: K, class: Class, after: Duration, now: Time) -> bool {
        self.transition(now, |state| {
            state.count_retry(after);
            let wish = state.wish(now.after(after), class, Cause::Event);
            let (entry, outdated) = match state.lift(&key) {
                None => (Entry::new(Place::at(wish, now)), false),
                Some((_, entry)) => {
                    let running = matches!(entry.place, Place::Running(_));
                    (entry.with(wish, now), running && after.is_zero())
                }
            };
            state.settle(key, entry);
            outdated
        })
    }

    /// Makes a parked `key` ready. If it is running instead, a wait that the run ends in is over at
    /// once. In any other place nothing waits for an event, and nothing happens.
    pub fn wake(&mut self, key: &K, class: Class, now: Time) {
        self.transition(now, |state| {
            let Some(entry) = state.entries.get_mut(key) else {
                return;
            };
            match &mut entry.place {
                Place::Running(run) => {
                    run.woken = Some(run.woken.map_or(class, |other| other.min(class)));
                }
                Place::Parked(_) => {
                    let wish = state.wish(now, class, Cause::Woken);
                    if let Some((key, entry)) = state.lift(key) {
                        state.settle(key, entry.with(wish, now));
                    }
                }
                Place::Waiting(_) | Place::Ready(_) => {}
            }
        });
    }

    /// Drops what is known of `key`, whose object is gone: its failures, and the run it waits for.
    ///
    /// Returns whether this outdates a run in progress. The outcome of that run will be ignored,
    /// but an add that follows counts.
    pub fn forget(&mut self, key: &K, now: Time) -> bool {
        self.transition(now, |state| {
            if let Some(entry) = state.entries.get_mut(key)
                && let Place::Running(run) = &mut entry.place
            {
                (run.again, run.forgotten) = (None, true);
                return true;
            }
            state.lift(key);
            false
        })
    }

    /// Hands out the ready key of the lowest rank, if there is one. It stays running until
    /// [`finish`](Self::finish).
    pub fn take(&mut self, now: Time) -> Option<Taken<K>> {
        self.transition(now, |state| {
            let key = state.ready.first_key_value()?.1.clone();
            let (own, entry) = state.lift(&key)?;
            let Place::Ready(pending) = entry.place else {
                return None;
            };
            let run = Run::new(state.number(), now, &pending);
            state.settle(own, entry.moved(Place::Running(run)));
            let Pending {
                due, class, cause, ..
            } = pending;
            state.metrics.queued(now.since(due));
            state.metrics.active(state.runs.len());
            Some(Taken { key, class, cause })
        })
    }

    /// Ends the run of `key` and plans the next one, if `outcome` or an add during the run wants
    /// it. Does nothing if the key is not running.
    pub fn finish(&mut self, key: &K, outcome: Outcome, now: Time) {
        self.transition(now, |state| {
            if state.phase(key) != Some(Phase::Running) {
                return;
            }
            let Some((key, entry)) = state.lift(key) else {
                return;
            };
            let Place::Running(run) = entry.place else {
                return;
            };
            if let Some(entry) = state.after_run(entry.failures, &run, outcome, now) {
                state.settle(key, entry);
            }
            state.metrics.worked(now.since(run.started));
            state.metrics.active(state.runs.len());
        });
    }

    /// Moves the keys that came due to the ready ones. The other transitions do so themselves; a
    /// timer calls this so that the keys count as ready when no worker is free to take them.
    pub fn advance(&mut self, now: Time) {
        self.transition(now, |_| {});
    }

    /// Returns when the next key becomes ready by itself, if any does.
    pub fn next_due(&self) -> Option<Time> {
        self.timers.first_key_value().map(|(&(due, _), _)| due)
    }

    /// Returns whether [`take`](Self::take) has something to hand out.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Returns where `key` is; `None` if the queue does not know it.
    pub fn phase(&self, key: &K) -> Option<Phase> {
        self.entries.get(key).map(|entry| match entry.place {
            Place::Waiting(_) => Phase::Waiting,
            Place::Ready(_) => Phase::Ready,
            Place::Running(_) => Phase::Running,
            Place::Parked(_) => Phase::Parked,
        })
    }

    /// Returns the number of keys in each place as of the last transition.
    pub fn counts(&self) -> Counts {
        let (running, parked) = (self.runs.len(), self.parked);
        Counts {
            waiting: self.entries.len() - self.ready.len() - running - parked,
            ready: self.depth,
            running,
            parked,
        }
    }

    /// Returns how long the present runs have lasted. O(runs).
    pub fn unfinished(&self, now: Time) -> Unfinished {
        let ages = || self.runs.values().map(|&started| now.since(started));
        Unfinished {
            total: ages().sum(),
            longest: ages().next().unwrap_or_default(),
        }
    }

    /// Decides where a key goes whose `run` ended; `None` drops it.
    fn after_run(
        &mut self,
        failures: u32,
        run: &Run,
        outcome: Outcome,
        now: Time,
    ) -> Option<Entry> {
        let mut failed = 0;
        let own = match outcome {
            _ if run.forgotten => None,
            Outcome::Done => None,
            Outcome::Again(after) => {
                self.count_retry(after);
                Some(self.wish(now.after(after), Class::Interval, Cause::Scheduled))
            }
            Outcome::Retry => {
                // An attempt that an event brought forward says nothing about how long to wait.
                let early = failures > 0 && run.cause != Cause::Retry;
                let earlier = if early { failures - 1 } else { failures };
                failed = earlier.saturating_add(1);
                let delay = self.backoff.delay(earlier);
                self.count_retry(delay);
                Some(self.wish(now.after(delay), run.class, Cause::Retry))
            }
            Outcome::Wait { deadline } => {
                return Some(Entry::new(self.after_wait(run, deadline, now)));
            }
        };
        let next = own.map_or(run.again, |own| Some(join(run.again, own, now)))?;
        Some(Entry::new(Place::at(next, now)).failed(failed))
    }

    /// Decides where a key goes whose `run` ended in a wait.
    fn after_wait(&mut self, run: &Run, deadline: Option<Duration>, now: Time) -> Place {
        let mut place = Place::Parked(None);
        if let Some(again) = run.again {
            place = place.with(again, now);
        }
        if let Some(deadline) = deadline {
            let end = self.wish(now.after(deadline), Class::Interval, Cause::Deadline);
            place = place.with(end, now);
        }
        if let Some(class) = run.woken {
            place = place.with(self.wish(now, class, Cause::Woken), now);
        }
        place
    }

    /// Runs one transition, after everything that came due, and reports the depths it changed.
    fn transition<T>(&mut self, now: Time, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.depth;
        while let Some(timer) = self.timers.first_entry()
            && timer.key().0 <= now
        {
            let key = timer.remove();
            if let Some((key, entry)) = self.lift(&key)
                && let Place::Waiting(pending) | Place::Parked(Some(pending)) = entry.place
            {
                self.settle(key, entry.moved(Place::Ready(pending)));
            }
        }
        let result = change(self);
        for class in Class::ALL {
            let keys = self.depth.of(class);
            if keys != before.of(class) {
                self.metrics.depth(class, keys);
            }
        }
        result
    }

    fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn count_retry(&self, delay: Duration) {
        if !delay.is_zero() {
            self.metrics.retried();
        }
    }

    fn wish(&mut self, due: Time, class: Class, cause: Cause) -> Pending {
        Pending::new(due, class, cause, self.number())
    }

    /// Takes a key out of the place where it is.
    fn lift(&mut self, key: &K) -> Option<(K, Entry)> {
        let (key, entry) = self.entries.remove_entry(key)?;
        match &entry.place {
            Place::Waiting(pending) => {
                self.timers.remove(&pending.by_due());
            }
            Place::Ready(pending) => {
                self.ready.remove(&pending.by_rank());
                *self.depth.of_mut(pending.class) -= 1;
            }
            Place::Running(run) => {
                self.runs.remove(&run.number);
            }
            Place::Parked(pending) => {
                self.parked -= 1;
                if let Some(pending) = pending {
                    self.timers.remove(&pending.by_due());
                }
            }
        }
        Some((key, entry))
    }

    /// Puts a lifted or new key into the place that its entry names.
    fn settle(&mut self, key: K, mut entry: Entry) {
        match &mut entry.place {
            Place::Waiting(pending) => {
                self.timers.insert(pending.by_due(), key.clone());
            }
            Place::Ready(pending) => {
                if !mem::replace(&mut pending.counted, true) {
                    self.metrics.added();
                }
                self.ready.insert(pending.by_rank(), key.clone());
                *self.depth.of_mut(pending.class) += 1;
            }
            Place::Running(run) => {
                self.runs.insert(run.number, run.started);
            }
            Place::Parked(pending) => {
                self.parked += 1;
                if let Some(pending) = pending {
                    self.timers.insert(pending.by_due(), key.clone());
                }
            }
        }
        self.entries.insert(key, entry);
    }
}
