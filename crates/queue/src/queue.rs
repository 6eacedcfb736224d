//! The queue as controllers use it: [`Handoff`] and one timer.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::Clock;
use crate::handoff::Handoff;
use crate::{Backoff, Class, Counts, Metrics, Unfinished, Work};

/// What a queue can hold. Keys are cloned a few times per run, so they should be cheap to clone.
pub trait Key: Clone + Eq + Hash + Send + 'static {}

impl<T: Clone + Eq + Hash + Send + 'static> Key for T {}

/// A handle on a queue; clones share it.
///
/// ```
/// # use queue::{Backoff, Class, NoMetrics, Outcome, Queue};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let queue = Queue::new(Backoff::default(), NoMetrics);
/// queue.add("default/app", Class::Interval);
/// queue.add("default/app", Class::Urgent);
/// let work = queue.take().await.unwrap();
/// assert_eq!((*work.key(), work.class()), ("default/app", Class::Urgent));
/// work.finish(Outcome::Done);
///
/// queue.shutdown();
/// assert!(queue.take().await.is_none());
/// # }
/// ```
pub struct Queue<K: Key> {
    shared: Arc<Shared<K>>,
}

pub(crate) struct Shared<K> {
    pub(crate) handoff: Arc<Handoff<K>>,
    /// Ends with the last handle or piece of work.
    _timer: AbortOnDropHandle<()>,
}

impl<K: Key> Queue<K> {
    /// Creates an empty queue and spawns its timer, the only task it ever has. It must be called
    /// within a tokio runtime that has time enabled; tokio panics otherwise.
    pub fn new(backoff: Backoff, metrics: impl Metrics + 'static) -> Self {
        let clock = Clock::start();
        let handoff = Arc::new(Handoff::new(backoff, Arc::new(metrics), clock));
        let timer = AbortOnDropHandle::new(tokio::spawn(run_timer(Arc::clone(&handoff), clock)));
        let shared = Shared {
            handoff,
            _timer: timer,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Asks for a run of `key` now. If it is running, it runs again afterwards, and the present
    /// run's [`Work::superseded`] is cancelled. Nothing is added after [`shutdown`](Self::shutdown).
    pub fn add(&self, key: K, class: Class) {
        self.add_after(key, class, Duration::ZERO);
    }

    /// Asks for a run of `key` once `after` has passed. Merges with a run already asked for: the
    /// earlier time and the more urgent class count.
    pub fn add_after(&self, key: K, class: Class, after: Duration) {
        self.shared.handoff.add(key, class, after);
    }

    /// Ends the wait of `key` after [`Outcome::Wait`](crate::Outcome::Wait). A wake-up that comes
    /// while the key still runs is kept for the wait that may follow; any other is ignored.
    pub fn wake(&self, key: &K, class: Class) {
        self.shared.handoff.wake(key, class);
    }

    /// Drops what is known of `key`, whose object is gone: its failures, and the run it waits for.
    /// A run in progress is superseded and its outcome ignored.
    pub fn forget(&self, key: &K) {
        self.shared.handoff.forget(key);
    }

    /// Waits for a key to work on; `None` after [`shutdown`](Self::shutdown). Any number of workers
    /// may wait, and no two ever hold the same key. Cancel safe.
    pub async fn take(&self) -> Option<Work<K>> {
        let (taken, superseded) = self.shared.handoff.take().await?;
        Some(Work::new(Arc::clone(&self.shared), taken, superseded))
    }

    /// Hands out no more work, and accepts none. Runs in progress go on.
    pub fn shutdown(&self) {
        self.shared.handoff.close();
    }

    /// Waits until [`shutdown`](Self::shutdown) was called and every run in progress has ended.
    pub async fn drained(&self) {
        self.shared.handoff.drained().await;
    }

    /// Returns the number of keys in each place.
    pub fn counts(&self) -> Counts {
        self.shared.handoff.counts()
    }

    /// Returns how long the runs in progress have lasted.
    pub fn unfinished(&self) -> Unfinished {
        self.shared.handoff.unfinished()
    }
}

impl<K: Key> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

async fn run_timer<K: Key>(handoff: Arc<Handoff<K>>, clock: Clock) {
    loop {
        let next = handoff.advance().and_then(|due| clock.instant(due));
        let alarm = async {
            match next {
                Some(instant) => sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = alarm => {}
            () = handoff.earlier() => {}
        }
    }
}
