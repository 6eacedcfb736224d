//! Access tokens that were fetched before, so that a burst of events costs one exchange.
//!
//! Invariants: a key is fetched by one caller at a time, and the others wait for its answer, not for
//! other keys; a token is given out for 80 % of its lifetime at most, measured by the monotonic and
//! by the wall clock, whichever ends first; at most `max_size` tokens are kept, and the one that was
//! asked for longest ago goes first. Source: fluxcd/pkg `cache/token.go`, `cache/lru.go`.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::ObjectName;

/// The longest that any token is kept.
pub const MAX_DURATION: Duration = Duration::from_hours(1);

/// What the cache tells about itself, for `gotk_token_cache_*`.
pub trait TokenCacheObserver: Send + Sync + fmt::Debug {
    /// A token was asked for on behalf of a Provider, and was there (`hit`) or was not.
    fn event(&self, hit: bool, provider: &ObjectName);
    /// A request ended with a token or with an error.
    fn request(&self, success: bool);
    /// This many tokens are kept now.
    fn items(&self, count: usize);
    /// A token went because the cache was full.
    fn evicted(&self);
}

/// A secret that opens an API until it expires.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// What is sent.
    pub(crate) secret: String,
    /// When it ends by the issuer's word.
    pub(crate) expires_at: Timestamp,
    /// The name under which its holder acts, where the exchange tells.
    pub(crate) account: Option<String>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Tokens by key, shared by all Providers of a process.
#[derive(Debug)]
pub struct TokenCache {
    max_size: usize,
    max_duration: Duration,
    observer: Option<Arc<dyn TokenCacheObserver>>,
    // Never held across an await.
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: BTreeMap<String, Entry>,
    /// Counts requests; the least `used` is the oldest.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    used: u64,
    filled: bool,
    slot: Arc<Slot>,
}

/// The lock makes callers of one key wait for one another.
type Slot = tokio::sync::Mutex<Option<Item>>;

#[derive(Debug)]
struct Item {
    token: Token,
    until: Instant,
    until_wall: Timestamp,
}

impl TokenCache {
    /// Creates a cache of `max_size` tokens (0 turns it off), each kept for `max_duration` at most,
    /// which is capped at [`MAX_DURATION`].
    pub fn new(
        max_size: usize,
        max_duration: Duration,
        observer: Option<Arc<dyn TokenCacheObserver>>,
    ) -> Self {
        Self {
            max_size,
            max_duration: max_duration.min(MAX_DURATION),
            observer,
            entries: Mutex::default(),
        }
    }

    /// Returns the token under a key, or the one that `fetch` gives. Errors are not kept.
    pub(crate) async fn get_or_fetch<E, F>(
        &self,
        key: &str,
        provider: &ObjectName,
        fetch: impl FnOnce() -> F,
    ) -> Result<Token, E>
    where
        F: Future<Output = Result<Token, E>>,
    {
        if self.max_size == 0 {
            return fetch().await;
        }
        let slot = self.slot(key);
        let mut item = slot.lock().await;
        if let Some(item) = item.as_ref().filter(|item| item.is_valid()) {
            self.report(true, true, provider);
            return Ok(item.token.clone());
        }
        let fetched = fetch().await;
        self.report(false, fetched.is_ok(), provider);
        let token = fetched?;
        *item = Some(Item::new(token.clone(), self.max_duration));
        self.fill(key, &slot);
        Ok(token)
    }

    fn slot(&self, key: &str) -> Arc<Slot> {
        let mut entries = self.lock();
        entries.clock += 1;
        let used = entries.clock;
        let entry = entries
            .by_key
            .entry(key.to_owned())
            .or_insert_with(|| Entry {
                used,
                filled: false,
                slot: Arc::default(),
            });
        entry.used = used;
        Arc::clone(&entry.slot)
    }

    /// Counts a slot as holding a token, and makes room.
    fn fill(&self, key: &str, slot: &Arc<Slot>) {
        let mut entries = self.lock();
        let used = entries.clock;
        // It may have been swept or evicted while its token was fetched.
        let entry = entries
            .by_key
            .entry(key.to_owned())
            .or_insert_with(|| Entry {
                used,
                filled: false,
                slot: Arc::clone(slot),
            });
        entry.filled = true;
        // What was only asked for, by callers that have given up.
        entries
            .by_key
            .retain(|_, entry| entry.filled || Arc::strong_count(&entry.slot) > 1);
        let filled = || |entry: &(&String, &Entry)| entry.1.filled;
        let mut count = entries.by_key.iter().filter(filled()).count();
        while count > self.max_size {
            let oldest = entries
                .by_key
                .iter()
                .filter(filled())
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            entries.by_key.remove(&oldest);
            count -= 1;
            if let Some(observer) = &self.observer {
                observer.evicted();
            }
        }
        if let Some(observer) = &self.observer {
            observer.items(count);
        }
    }

    fn report(&self, hit: bool, success: bool, provider: &ObjectName) {
        if let Some(observer) = &self.observer {
            observer.event(hit, provider);
            observer.request(success);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Whoever panicked left a map that is still one.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Item {
    fn new(token: Token, max: Duration) -> Self {
        let now = Timestamp::now();
        let left = Duration::try_from(token.expires_at.duration_since(now)).unwrap_or_default();
        let kept = (left * 4 / 5).min(max);
        Self {
            token,
            until: Instant::now() + kept,
            until_wall: now.saturating_add(kept).unwrap_or(now),
        }
    }

    fn is_valid(&self) -> bool {
        Instant::now() < self.until && Timestamp::now() < self.until_wall
    }
}

#[cfg(test)]
mod tests;
