//! Order, and bounds on waiting, under one worker and any arrivals.

use std::cell::Cell;
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use queue::{Backoff, Class, NoMetrics, Outcome, State, Taken, Time};

fn at(millis: u64) -> Time {
    Time::ZERO.after(Duration::from_millis(millis))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

/// Feeds `arrivals` (time, class), sorted by time, to one worker that needs `service` for each,
/// and returns their numbers in the order of their starts, with these.
fn serve(arrivals: &[(u64, Class)], service: u64) -> Vec<(usize, u64)> {
    let mut state = State::new(Backoff::default(), Arc::new(NoMetrics));
    let mut coming: VecDeque<_> = arrivals.iter().copied().enumerate().collect();
    let (mut now, mut starts) = (0, Vec::new());
    while starts.len() < arrivals.len() {
        while let Some((key, (_, class))) = coming.pop_front_if(|(_, (time, _))| *time <= now) {
            state.add(key, class, Duration::ZERO, at(arrivals[key].0));
        }
        let Some(Taken { key, .. }) = state.take(at(now)) else {
            now = coming.front().unwrap().1.0;
            continue;
        };
        starts.push((key, now));
        now += service;
        state.finish(&key, Outcome::Done, at(now));
    }
    starts
}

proptest! {
    #[test]
    fn a_key_is_overtaken_only_within_the_difference_of_the_penalties(
        mut arrivals in vec((0..500_000_u64, prop::sample::select(Class::ALL.to_vec())), 1..80),
        service in 1..20_000_u64,
    ) {
        arrivals.sort_by_key(|(time, _)| *time);
        let starts = serve(&arrivals, service);
        for (position, &(second, _)) in starts.iter().enumerate() {
            for &(first, _) in &starts[..position] {
                let ((earlier, low), (later, high)) = (arrivals[second], arrivals[first]);
                if earlier < later {
                    prop_assert!(high < low, "order within a class");
                    let head_start = millis(low.penalty()) - millis(high.penalty());
                    prop_assert!(later - earlier <= head_start, "overtaken too late");
                }
            }
        }
    }
}

#[test]
fn no_class_starves_under_urgent_load_that_takes_every_worker() {
    const SERVICE: u64 = 100;
    for class in Class::ALL {
        let bound = millis(class.penalty()) + 2 * SERVICE;
        // Urgent keys arrive as fast as they can be served, for longer than the bound.
        let mut arrivals: Vec<_> = (0..=bound / SERVICE + 10)
            .map(|n| (n * SERVICE, Class::Urgent))
            .collect();
        arrivals.insert(1, (0, class));
        let (_, start) = serve(&arrivals, SERVICE)
            .into_iter()
            .find(|&(key, _)| key == 1)
            .unwrap();
        assert!(start <= bound, "{class:?} waited {start} ms");
        assert!(
            start >= millis(class.penalty()),
            "{class:?} gave way for {start} ms only"
        );
    }
}

/// Counts the clones of itself, the queue's only cost that grows with the key.
struct Counted(usize, Rc<Cell<usize>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.1.set(self.1.get() + 1);
        Self(self.0, Rc::clone(&self.1))
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Counted {}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

#[test]
fn a_round_clones_a_key_three_times_however_full_the_queue_is() {
    for keys in [1, 1000] {
        let clones = Rc::new(Cell::new(0));
        let mut state = State::new(Backoff::default(), Arc::new(NoMetrics));
        for key in 0..keys {
            let key = Counted(key, Rc::clone(&clones));
            state.add(key, Class::Urgent, Duration::ZERO, at(0));
        }
        while let Some(Taken { key, .. }) = state.take(at(0)) {
            state.finish(&key, Outcome::Again(Duration::from_secs(1)), at(0));
        }
        assert_eq!(clones.get(), 3 * keys);
    }
}
