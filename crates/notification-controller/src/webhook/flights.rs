//! One request to the API server for all who ask the same at the same time.
//!
//! Promise: an answer comes from a request that was sent after the asker asked. So nobody is served anything old, and
//! yet a crowd of a thousand costs the API server two requests: the one under way, and one for all who came since.
//! Of all questions together, no more than a limit are under way.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Semaphore;

/// See the module. `K` says what is asked.
pub(super) struct Flights<K: Hash + Eq, V> {
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
    /// Counts askings and sendings, so that they are in an order.
    clock: AtomicU64,
    under_way: Semaphore,
}

/// The last answer and when it was asked for. Held locked while a request is under way; those who wait for it
/// then find its answer, or, the first of them, send the next.
struct Slot<V>(tokio::sync::Mutex<Option<(u64, V)>>);

impl<K: Hash + Eq + Clone, V: Clone> Flights<K, V> {
    /// Flights of which at most `limit` are under way.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            slots: Mutex::default(),
            clock: AtomicU64::default(),
            under_way: Semaphore::new(limit),
        }
    }

    /// The answer to `key`: that of `send`, or that of another's that was sent since.
    pub(super) async fn join<F>(&self, key: K, send: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V>,
    {
        let asked = self.clock.fetch_add(1, Ordering::SeqCst);
        let seat = Seat::take(self, key);
        let mut last = seat.slot.0.lock().await;
        if let Some((sent, answer)) = &*last
            && *sent > asked
        {
            return answer.clone();
        }
        // The semaphore is never closed.
        let _permit = self.under_way.acquire().await;
        let sent = self.clock.fetch_add(1, Ordering::SeqCst);
        let answer = send().await;
        *last = Some((sent, answer.clone()));
        answer
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots.lock().expect("lock").len()
    }
}

/// An asker's part in a slot. The last to leave, by whatever way, clears the slot.
struct Seat<'a, K: Hash + Eq, V> {
    of: &'a Flights<K, V>,
    key: K,
    slot: Arc<Slot<V>>,
}

impl<'a, K: Hash + Eq + Clone, V> Seat<'a, K, V> {
    fn take(of: &'a Flights<K, V>, key: K) -> Self {
        let mut slots = of.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Slot(tokio::sync::Mutex::new(None))));
        let slot = Arc::clone(slot);
        drop(slots);
        Self { of, key, slot }
    }
}

impl<K: Hash + Eq, V> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut slots = self.of.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and ours. Seats are taken under the same lock.
        if Arc::strong_count(&self.slot) == 2 {
            slots.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_crowd_costs_two_requests_and_nobody_gets_an_older_answer() {
        let flights = Flights::new(8);
        let (sent, go) = (AtomicU64::new(0), Notify::new());
        let ask = || {
            flights.join("x", || async {
                let number = sent.fetch_add(1, Ordering::SeqCst);
                if number == 0 {
                    go.notified().await;
                }
                number
            })
        };
        let first = ask();
        let crowd = async {
            let crowd = join_all((0..1000).map(|_| ask()));
            let release = async {
                tokio::task::yield_now().await;
                go.notify_one();
            };
            tokio::join!(crowd, release).0
        };
        let (first, crowd) = tokio::join!(first, crowd);
        assert_eq!(first, 0);
        assert!(crowd.iter().all(|answer| *answer == 1), "{crowd:?}");
        assert_eq!(sent.load(Ordering::SeqCst), 2);
        assert_eq!(ask().await, 2, "nothing is kept");
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test]
    async fn one_who_leaves_is_replaced_by_the_next() {
        let flights = Flights::new(8);
        let mut gone = Box::pin(flights.join("x", std::future::pending::<u8>));
        let next = flights.join("x", || async { 1 });
        assert!(futures::poll!(&mut gone).is_pending());
        let mut next = Box::pin(next);
        assert!(futures::poll!(&mut next).is_pending());
        drop(gone);
        assert_eq!(next.await, 1);
        assert_eq!(flights.len(), 0);
    }
}
