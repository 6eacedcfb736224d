//! One event of a kind per interval. Pure.
//!
//! Invariants: within any time of the interval's length a key is granted once; a refusal does not prolong the
//! wait; at most `most` keys are remembered, and when there are more the oldest is forgotten, because a
//! repeated notification does less harm than a lost one.
//!
//! Since all keys live equally long, they expire in the order in which they were granted, and no sweep is needed.
//!
//! Source: sethvargo/go-limiter `memorystore` (1.2), with windows that begin at the last grant instead of
//! multiples of the interval after the first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Whether an event may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It may.
    Granted,
    /// An equal one has passed.
    Refused {
        /// How long until one may again.
        reset: Duration,
    },
}

type Key = [u8; 32];

/// Remembers what has passed.
pub(super) struct Limiter {
    interval: Duration,
    most: usize,
    granted: Mutex<Granted>,
}

#[derive(Default)]
struct Granted {
    at: HashMap<Key, Instant>,
    order: VecDeque<(Instant, Key)>,
}

impl Limiter {
    /// A limiter that has seen nothing.
    pub(super) fn new(interval: Duration, most: usize) -> Self {
        Self {
            interval,
            most: most.max(1),
            granted: Mutex::default(),
        }
    }

    /// How long a key is refused after it was granted.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Asks for `key`; `now` never goes back.
    pub(super) fn ask(&self, key: Key, now: Instant) -> Decision {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, _)) = granted.order.front()
            && now.duration_since(*at) >= self.interval
        {
            granted.forget_oldest();
        }
        if let Some(at) = granted.at.get(&key) {
            let reset = self.interval.saturating_sub(now.duration_since(*at));
            return Decision::Refused { reset };
        }
        if granted.at.len() >= self.most {
            granted.forget_oldest();
        }
        granted.at.insert(key, now);
        granted.order.push_back((now, key));
        Decision::Granted
    }
}

impl Granted {
    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.at.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const INTERVAL: Duration = Duration::from_mins(5);

    proptest! {
        #[test]
        fn a_key_is_granted_at_most_once_and_at_least_once_per_interval(
            asks in vec((0_u8..5, 0_u64..200), 1..200),
        ) {
            let limiter = Limiter::new(INTERVAL, 100);
            let mut now = Instant::now();
            let mut last: HashMap<u8, Instant> = HashMap::new();
            for (key, wait) in asks {
                now += Duration::from_secs(wait);
                let since = last.get(&key).map(|at| now - *at);
                let decision = limiter.ask([key; 32], now);
                match since {
                    Some(since) if since < INTERVAL => {
                        prop_assert_eq!(decision, Decision::Refused { reset: INTERVAL.saturating_sub(since) });
                    }
                    _ => {
                        prop_assert_eq!(decision, Decision::Granted);
                        last.insert(key, now);
                    }
                }
            }
        }

        #[test]
        fn memory_is_bounded_and_the_newest_are_kept(keys in 0_u16..300) {
            let limiter = Limiter::new(INTERVAL, 50);
            let now = Instant::now();
            let key = |number: u16| {
                let mut key = [0; 32];
                key[..2].copy_from_slice(&number.to_be_bytes());
                key
            };
            for number in 0..keys {
                prop_assert_eq!(limiter.ask(key(number), now), Decision::Granted);
            }
            {
                let granted = limiter.granted.lock().unwrap();
                prop_assert!(granted.at.len() <= 50);
                prop_assert_eq!(granted.at.len(), granted.order.len());
            }
            for number in keys.saturating_sub(50)..keys {
                prop_assert_eq!(
                    limiter.ask(key(number), now),
                    Decision::Refused { reset: INTERVAL }
                );
            }
        }
    }
}
