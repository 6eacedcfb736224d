//! What becomes of an event that resembles earlier ones; pure.
//!
//! Three rules, in this order, per reporting component and object. Spam: a burst of 25, then one
//! event per five minutes. Aggregation: from the tenth similar event (same but for the message)
//! within ten minutes on, they share one event whose message says so. Repetition: an event equal to
//! an earlier one raises that one's count. Source: client-go `tools/record/events_cache.go`.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use tokio::time::Instant;

use super::Event;

const BURST: f64 = 25.0;
const REFILL: Duration = Duration::from_mins(5);
const SIMILAR: usize = 10;
const WINDOW: Duration = Duration::from_mins(10);
/// Entries of each memory; the least recently used goes first.
const MEMORY: usize = 4096;

/// What to do with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing: its object sends too many.
    Drop,
    /// Create it, with this message.
    Create { id: u64, message: String },
    /// Raise the count of the event that was stored under `name`.
    Repeat {
        id: u64,
        name: String,
        count: u32,
        message: String,
    },
}

#[derive(Default)]
pub(super) struct Correlator {
    buckets: Memory<Bucket>,
    similar: Memory<Similar>,
    stored: Memory<Stored>,
}

struct Bucket {
    tokens: f64,
    refilled: Instant,
}

struct Similar {
    messages: BTreeSet<u64>,
    seen: Instant,
}

struct Stored {
    name: String,
    count: u32,
}

impl Correlator {
    pub(super) fn judge(&mut self, event: &Event, now: Instant) -> Verdict {
        let object = hash(&(
            &event.object.uid,
            &event.object.name,
            &event.object.namespace,
        ));
        if !self.take_token(object, now) {
            return Verdict::Drop;
        }
        let warning = event.severity == api::event::Severity::Error;
        let group = hash(&(object, warning, &event.reason));
        let text = hash(&event.message);

        let similar = self.similar.entry(group, || Similar {
            messages: BTreeSet::new(),
            seen: now,
        });
        if now.duration_since(similar.seen) > WINDOW {
            similar.messages.clear();
        }
        similar.seen = now;
        similar.messages.insert(text);
        let (id, message) = if similar.messages.len() < SIMILAR {
            (hash(&(group, text)), event.message.clone())
        } else {
            similar.messages.pop_first();
            (
                group,
                format!("(combined from similar events): {}", event.message),
            )
        };
        match self.stored.get(id) {
            Some(stored) => {
                stored.count = stored.count.saturating_add(1);
                Verdict::Repeat {
                    id,
                    name: stored.name.clone(),
                    count: stored.count,
                    message,
                }
            }
            None => Verdict::Create { id, message },
        }
    }

    /// Remembers under which name the event `id` was stored.
    pub(super) fn stored(&mut self, id: u64, name: String) {
        self.stored.put(id, Stored { name, count: 1 });
    }

    /// Forgets the event `id`: the server no longer has it.
    pub(super) fn forget(&mut self, id: u64) {
        self.stored.remove(id);
    }

    fn take_token(&mut self, object: u64, now: Instant) -> bool {
        let bucket = self.buckets.entry(object, || Bucket {
            tokens: BURST,
            refilled: now,
        });
        let refill = now.duration_since(bucket.refilled).as_secs_f64() / REFILL.as_secs_f64();
        bucket.tokens = (bucket.tokens + refill).min(BURST);
        bucket.refilled = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A map that forgets half of what it has not used lately once it is full.
struct Memory<V> {
    entries: HashMap<u64, (u64, V)>,
    clock: u64,
}

impl<V> Default for Memory<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            clock: 0,
        }
    }
}

impl<V> Memory<V> {
    fn entry(&mut self, key: u64, new: impl FnOnce() -> V) -> &mut V {
        self.make_room();
        self.clock += 1;
        let (used, value) = self.entries.entry(key).or_insert_with(|| (0, new()));
        *used = self.clock;
        value
    }

    fn get(&mut self, key: u64) -> Option<&mut V> {
        self.clock += 1;
        let (used, value) = self.entries.get_mut(&key)?;
        *used = self.clock;
        Some(value)
    }

    fn put(&mut self, key: u64, value: V) {
        self.make_room();
        self.clock += 1;
        self.entries.insert(key, (self.clock, value));
    }

    fn remove(&mut self, key: u64) {
        self.entries.remove(&key);
    }

    fn make_room(&mut self) {
        if self.entries.len() < MEMORY {
            return;
        }
        let mut used: Vec<u64> = self.entries.values().map(|(used, _)| *used).collect();
        let (_, median, _) = used.select_nth_unstable(MEMORY / 2);
        let median = *median;
        self.entries.retain(|_, (used, _)| *used > median);
    }
}

#[cfg(test)]
mod tests {
    use api::event::{ObjectReference, Severity};

    use super::*;
    use crate::events::Audience;

    fn event(object: &str, message: &str) -> Event {
        Event {
            object: ObjectReference {
                name: object.into(),
                ..ObjectReference::default()
            },
            severity: Severity::Info,
            reason: "Progressing".into(),
            message: message.into(),
            metadata: std::collections::BTreeMap::new(),
            audience: Audience::All,
        }
    }

    fn store(correlator: &mut Correlator, verdict: &Verdict) {
        if let Verdict::Create { id, .. } = verdict {
            correlator.stored(*id, "stored".into());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_equal_event_raises_the_count() {
        let mut correlator = Correlator::default();
        let first = correlator.judge(&event("a", "same"), Instant::now());
        store(&mut correlator, &first);
        for count in 2..5 {
            match correlator.judge(&event("a", "same"), Instant::now()) {
                Verdict::Repeat {
                    count: got,
                    name,
                    message,
                    ..
                } => {
                    assert_eq!((got, &*name, &*message), (count, "stored", "same"));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(
            correlator.judge(&event("b", "same"), Instant::now()),
            Verdict::Create { .. }
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn similar_events_are_combined_from_the_tenth_on() {
        let mut correlator = Correlator::default();
        for number in 1..=12 {
            let verdict = correlator.judge(&event("a", &format!("no {number}")), Instant::now());
            store(&mut correlator, &verdict);
            let message = match verdict {
                Verdict::Create { message, .. } | Verdict::Repeat { message, .. } => message,
                Verdict::Drop => panic!("dropped"),
            };
            assert_eq!(
                message.starts_with("(combined"),
                number >= 10,
                "{number}: {message}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_one_object_is_cut_and_slowly_let_in_again() {
        let mut correlator = Correlator::default();
        let passed = (0..100)
            .filter(|_| correlator.judge(&event("a", "x"), Instant::now()) != Verdict::Drop)
            .count();
        assert_eq!(passed, 25);
        tokio::time::advance(REFILL).await;
        assert_ne!(
            correlator.judge(&event("a", "x"), Instant::now()),
            Verdict::Drop
        );
        assert_eq!(
            correlator.judge(&event("a", "x"), Instant::now()),
            Verdict::Drop
        );
    }

    #[test]
    fn a_full_memory_keeps_what_was_used_last() {
        let mut memory = Memory::default();
        for key in 0..u64::try_from(MEMORY).unwrap() + 10 {
            memory.put(key, key);
        }
        assert!(memory.entries.len() <= MEMORY);
        assert!(memory.get(u64::try_from(MEMORY).unwrap() + 9).is_some());
        assert!(memory.get(0).is_none());
    }
}
