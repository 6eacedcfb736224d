//! The meeting of producers and workers: the state behind a lock, and who wakes whom.
//!
//! The protocol is a baton. Whoever leaves the lock while a key is ready stores one permit in
//! `ready`, and a worker looks at the state before it waits for a permit. So while a key is ready,
//! a permit is stored or a worker on its way; one permit stands for any number of keys, because
//! the worker who takes one passes it on. Closing and draining travel the same way.
//!
//! Lock, notification and clock come from the parent module, so that this same file is compiled
//! once over std and tokio and once over loom (`loom_model.rs`). The clock is read under the lock:
//! for the state, time never goes back.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::primitives::{Clock, Mutex, MutexGuard, Notify};
use crate::{Backoff, Class, Counts, Metrics, Outcome, State, Taken, Time, Unfinished};

pub(crate) struct Handoff<K> {
    /// A std mutex: no transition awaits, and each is short.
    inner: Mutex<Inner<K>>,
    clock: Clock,
    /// For workers: a key is ready, or the queue is closed.
    ready: Notify,
    /// For the timer: something is due before the time it sleeps to.
    earlier: Notify,
    /// For those who wait for the end: closed, and no key is running.
    drained: Notify,
}

struct Inner<K> {
    state: State<K>,
    /// One for each running key.
    superseded: HashMap<K, CancellationToken>,
    /// What the timer sleeps to; `None` is for ever.
    alarm: Option<Time>,
    closed: bool,
}

impl<K: Clone + Eq + Hash> Handoff<K> {
    pub(crate) fn new(backoff: Backoff, metrics: Arc<dyn Metrics>, clock: Clock) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: State::new(backoff, metrics),
                superseded: HashMap::new(),
                alarm: None,
                closed: false,
            }),
            clock,
            ready: Notify::new(),
            earlier: Notify::new(),
            drained: Notify::new(),
        }
    }

    pub(crate) fn add(&self, key: K, class: Class, after: Duration) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        let token = inner.superseded.get(&key).cloned();
        let outdated = inner.state.add(key, class, after, self.clock.now());
        self.release(inner);
        supersede(token.filter(|_| outdated));
    }

    pub(crate) fn wake(&self, key: &K, class: Class) {
        let mut inner = self.lock();
        inner.state.wake(key, class, self.clock.now());
        self.release(inner);
    }

    pub(crate) fn forget(&self, key: &K) {
        let mut inner = self.lock();
        let token = inner.superseded.get(key).cloned();
        let outdated = inner.state.forget(key, self.clock.now());
        self.release(inner);
        supersede(token.filter(|_| outdated));
    }

    /// Waits for a key to work on; `None` once closed. Dropping the future loses nothing.
    pub(crate) async fn take(&self) -> Option<(Taken<K>, CancellationToken)> {
        loop {
            {
                let mut inner = self.lock();
                if inner.closed {
                    self.release(inner);
                    return None;
                }
                if let Some(taken) = inner.state.take(self.clock.now()) {
                    let token = CancellationToken::new();
                    inner.superseded.insert(taken.key.clone(), token.clone());
                    self.release(inner);
                    return Some((taken, token));
                }
            }
            self.ready.notified().await;
        }
    }

    pub(crate) fn finish(&self, key: &K, outcome: Outcome) {
        let mut inner = self.lock();
        inner.superseded.remove(key);
        inner.state.finish(key, outcome, self.clock.now());
        self.release(inner);
    }

    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        self.release(inner);
    }

    /// Waits until the queue is closed and the last run has ended.
    pub(crate) async fn drained(&self) {
        while !self.lock().is_drained() {
            self.drained.notified().await;
        }
        self.drained.notify_one();
    }

    /// Moves what came due to the ready keys; returns when to call again, unless
    /// [`earlier`](Self::earlier) returns before.
    pub(crate) fn advance(&self) -> Option<Time> {
        let mut inner = self.lock();
        inner.state.advance(self.clock.now());
        let next = inner.state.next_due();
        inner.alarm = next;
        self.release(inner);
        next
    }

    /// Waits until something is due before the time that [`advance`](Self::advance) returned.
    pub(crate) async fn earlier(&self) {
        self.earlier.notified().await;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().state.counts()
    }

    pub(crate) fn unfinished(&self) -> Unfinished {
        let inner = self.lock();
        inner.state.unfinished(self.clock.now())
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K>> {
        // A panic under the lock can only come from a key's or a metric's code; going on with the
        // other keys is better than stopping them all.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the lock after a change and passes the batons on.
    fn release(&self, inner: MutexGuard<'_, Inner<K>>) {
        let ready = inner.closed || inner.state.has_ready();
        let earlier = match (inner.state.next_due(), inner.alarm) {
            (Some(due), Some(alarm)) => due < alarm,
            (due, None) => due.is_some(),
            (None, Some(_)) => false,
        };
        let drained = inner.is_drained();
        drop(inner);
        if ready {
            self.ready.notify_one();
        }
        if earlier {
            self.earlier.notify_one();
        }
        if drained {
            self.drained.notify_one();
        }
    }
}

impl<K: Clone + Eq + Hash> Inner<K> {
    fn is_drained(&self) -> bool {
        self.closed && self.state.counts().running == 0
    }
}

/// Called without the lock, for it runs the wakers of whoever waits for the token.
fn supersede(token: Option<CancellationToken>) {
    if let Some(token) = token {
        token.cancel();
    }
}
