//! Random operations on [`State`] and on a model that says the same with a list and scans.
//!
//! The model never moves a key when time passes: whether a key is ready is a question of `now`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use queue::{Backoff, Cause, Class, Outcome, Phase, State, Taken, Time};

use super::recorder::Recorder;

type Key = u8;
const KEYS: Key = 4;
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(9));

#[derive(Debug, Clone)]
enum Operation {
    Add(Key, Class, Duration),
    Take,
    Finish(Key, Outcome),
    Wake(Key, Class),
    Forget(Key),
    Advance(Duration),
}

#[derive(Default)]
struct Model {
    items: Vec<Item>,
    wishes: usize,
}

#[derive(Default)]
struct Item {
    key: Key,
    wish: Option<Wish>,
    run: Option<Taken<Key>>,
    parked: bool,
    woken: Option<Class>,
    forgotten: bool,
    failures: u32,
}

#[derive(Clone, Copy)]
struct Wish {
    due: Time,
    class: Class,
    cause: Cause,
    rank: Time,
    order: usize,
}

impl Model {
    fn item(&mut self, key: Key) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.key == key)
    }

    fn wish(&mut self, key: Key, due: Time, class: Class, cause: Cause, now: Time) {
        self.wishes += 1;
        let order = self.wishes;
        if self.item(key).is_none() {
            self.items.push(Item {
                key,
                ..Item::default()
            });
        }
        let wish = &mut self.item(key).unwrap().wish;
        let Some(old) = wish else {
            *wish = Some(Wish {
                due,
                class,
                cause,
                rank: due.after(class.penalty()),
                order,
            });
            return;
        };
        old.class = old.class.min(class);
        if due < old.due {
            (old.due, old.cause) = (due, cause);
        }
        let rank = old.due.max(now).after(old.class.penalty());
        if rank < old.rank {
            (old.rank, old.order) = (rank, order);
        }
    }

    fn add(&mut self, key: Key, class: Class, after: Duration, now: Time) -> bool {
        self.wish(key, now.after(after), class, Cause::Event, now);
        after.is_zero() && self.phase(key, now) == Some(Phase::Running)
    }

    fn take(&mut self, now: Time) -> Option<Taken<Key>> {
        let ready: Vec<Key> = self.in_phase(Phase::Ready, now);
        let mut items: Vec<&mut Item> = self
            .items
            .iter_mut()
            .filter(|item| ready.contains(&item.key))
            .collect();
        items.sort_by_key(|item| item.wish.map(|wish| (wish.rank, wish.order)));
        let item = items.into_iter().next()?;
        let Wish { class, cause, .. } = item.wish.take()?;
        item.parked = false;
        item.run = Some(Taken {
            key: item.key,
            class,
            cause,
        });
        item.run.clone()
    }

    fn finish(&mut self, key: Key, outcome: Outcome, now: Time) {
        let Some(item) = self.item(key) else { return };
        let Some(run) = item.run.take() else { return };
        let woken = item.woken.take();
        let forgotten = std::mem::take(&mut item.forgotten);
        let early = item.failures > 0 && run.cause != Cause::Retry;
        let failures = std::mem::take(&mut item.failures);
        match outcome {
            _ if forgotten => {}
            Outcome::Done => {}
            Outcome::Again(after) => {
                self.wish(
                    key,
                    now.after(after),
                    Class::Interval,
                    Cause::Scheduled,
                    now,
                );
            }
            Outcome::Retry => {
                let failures = if early { failures } else { failures + 1 };
                item.failures = failures;
                let due = now.after(BACKOFF.delay(failures - 1));
                self.wish(key, due, run.class, Cause::Retry, now);
            }
            Outcome::Wait { deadline } => {
                item.parked = true;
                if let Some(deadline) = deadline {
                    self.wish(
                        key,
                        now.after(deadline),
                        Class::Interval,
                        Cause::Deadline,
                        now,
                    );
                }
                if let Some(class) = woken {
                    self.wish(key, now, class, Cause::Woken, now);
                }
            }
        }
        self.items
            .retain(|item| item.wish.is_some() || item.run.is_some() || item.parked);
    }

    fn wake(&mut self, key: Key, class: Class, now: Time) {
        match self.phase(key, now) {
            Some(Phase::Parked) => self.wish(key, now, class, Cause::Woken, now),
            Some(Phase::Running) => {
                let woken = &mut self.item(key).unwrap().woken;
                *woken = Some(woken.map_or(class, |old| old.min(class)));
            }
            _ => {}
        }
    }

    fn forget(&mut self, key: Key) -> bool {
        let Some(item) = self.item(key) else {
            return false;
        };
        let running = item.run.is_some();
        if running {
            *item = Item {
                key,
                run: item.run.take(),
                forgotten: true,
                ..Item::default()
            };
        } else {
            self.items.retain(|item| item.key != key);
        }
        running
    }

    fn phase(&self, key: Key, now: Time) -> Option<Phase> {
        let item = self.items.iter().find(|item| item.key == key)?;
        Some(match item {
            Item { run: Some(_), .. } => Phase::Running,
            Item {
                wish: Some(wish), ..
            } if wish.due <= now => Phase::Ready,
            Item { parked: true, .. } => Phase::Parked,
            _ => Phase::Waiting,
        })
    }

    fn in_phase(&self, phase: Phase, now: Time) -> Vec<Key> {
        (0..KEYS)
            .filter(|&key| self.phase(key, now) == Some(phase))
            .collect()
    }

    fn next_due(&self, now: Time) -> Option<Time> {
        let pending = |item: &Item| item.run.is_none().then_some(item.wish?.due);
        self.items
            .iter()
            .filter_map(pending)
            .filter(|&due| due > now)
            .min()
    }

    fn depth(&self, class: Class, now: Time) -> usize {
        let ready = self.in_phase(Phase::Ready, now);
        self.items
            .iter()
            .filter(|item| ready.contains(&item.key))
            .filter(|item| item.wish.is_some_and(|wish| wish.class == class))
            .count()
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..KEYS;
    let class = || prop::sample::select(Class::ALL.to_vec());
    let delay = || prop_oneof![2 => 1..8_u64, 1 => 50..400_u64].prop_map(Duration::from_secs);
    let after = || prop_oneof![2 => Just(Duration::ZERO), 1 => delay()];
    let outcome = prop_oneof![
        2 => Just(Outcome::Done),
        1 => after().prop_map(Outcome::Again),
        2 => Just(Outcome::Retry),
        2 => prop::option::of(delay()).prop_map(|deadline| Outcome::Wait { deadline }),
    ];
    prop_oneof![
        6 => (key(), class(), after()).prop_map(|(k, c, a)| Operation::Add(k, c, a)),
        6 => Just(Operation::Take),
        6 => (key(), outcome).prop_map(|(k, o)| Operation::Finish(k, o)),
        2 => (key(), class()).prop_map(|(k, c)| Operation::Wake(k, c)),
        1 => key().prop_map(Operation::Forget),
        4 => delay().prop_map(Operation::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn state_agrees_with_the_model(operations in vec(operation(), 1..120)) {
        let metrics = Recorder::default();
        let mut state = State::new(BACKOFF, Arc::new(metrics.clone()));
        let mut model = Model::default();
        let mut now = Time::ZERO;
        for operation in operations {
            match operation {
                Operation::Add(key, class, after) => prop_assert_eq!(
                    state.add(key, class, after, now),
                    model.add(key, class, after, now)
                ),
                Operation::Take => prop_assert_eq!(state.take(now), model.take(now)),
                Operation::Finish(key, outcome) => {
                    state.finish(&key, outcome, now);
                    model.finish(key, outcome, now);
                }
                Operation::Wake(key, class) => {
                    state.wake(&key, class, now);
                    model.wake(key, class, now);
                }
                Operation::Forget(key) => {
                    prop_assert_eq!(state.forget(&key, now), model.forget(key));
                }
                Operation::Advance(by) => {
                    now = now.after(by);
                    state.advance(now);
                }
            }
            for key in 0..KEYS {
                prop_assert_eq!(state.phase(&key), model.phase(key, now), "key {}", key);
            }
            let counts = state.counts();
            prop_assert_eq!(state.next_due(), model.next_due(now));
            prop_assert_eq!(state.has_ready(), counts.ready.total() > 0);
            prop_assert_eq!(counts.waiting, model.in_phase(Phase::Waiting, now).len());
            prop_assert_eq!(counts.running, model.in_phase(Phase::Running, now).len());
            prop_assert_eq!(counts.parked, model.in_phase(Phase::Parked, now).len());
            let metrics = metrics.read();
            prop_assert_eq!(metrics.active, Some(counts.running));
            for class in Class::ALL {
                let depth = model.depth(class, now);
                prop_assert_eq!(counts.ready.of(class), depth);
                prop_assert_eq!(metrics.depth[class as usize], Some(depth));
            }
        }
    }

    /// What every user relies on, said without a model.
    #[test]
    fn no_key_is_lost_or_runs_twice_at_once(operations in vec(operation(), 1..120)) {
        let metrics = Recorder::default();
        let mut state = State::new(BACKOFF, Arc::new(metrics.clone()));
        let mut now = Time::ZERO;
        let (mut running, mut owed) = (BTreeSet::new(), BTreeSet::new());
        let mut taken = 0;
        for operation in operations {
            match operation {
                Operation::Add(key, class, after) => {
                    state.add(key, class, after, now);
                    owed.insert(key);
                }
                Operation::Take => {
                    if let Some(Taken { key, .. }) = state.take(now) {
                        prop_assert!(running.insert(key), "{} twice at once", key);
                        owed.remove(&key);
                        taken += 1;
                    }
                }
                Operation::Finish(key, outcome) => {
                    state.finish(&key, outcome, now);
                    if running.remove(&key) && outcome != Outcome::Done {
                        prop_assert!(state.phase(&key).is_some() || !owed.contains(&key));
                    }
                }
                Operation::Wake(key, class) => state.wake(&key, class, now),
                Operation::Forget(key) => {
                    state.forget(&key, now);
                    owed.remove(&key);
                }
                Operation::Advance(by) => now = now.after(by),
            }
        }
        for key in running {
            state.finish(&key, Outcome::Done, now);
        }
        now = now.after(Duration::from_secs(1000));
        while let Some(Taken { key, .. }) = state.take(now) {
            owed.remove(&key);
            taken += 1;
            state.finish(&key, Outcome::Done, now);
        }
        prop_assert!(owed.is_empty(), "lost: {:?}", owed);
        let (counts, metrics) = (state.counts(), metrics.read());
        prop_assert_eq!(counts.waiting + counts.running + counts.ready.total(), 0);
        prop_assert_eq!(metrics.queued.len(), taken);
        prop_assert_eq!(metrics.worked.len(), taken);
        prop_assert!(metrics.added >= taken, "a run that was never counted as an add");
    }
}
