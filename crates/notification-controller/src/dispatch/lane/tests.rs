//! Lanes under paused time, with carriers made of a table.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::{collection::vec, prelude::*};
use tokio::time::{Instant, sleep};

use super::*;

/// A delivery: where, about what, the how many-th, and how it goes.
#[derive(Clone, Debug)]
struct Letter {
    lane: ObjectKey,
    object: ObjectReference,
    number: usize,
    bytes: usize,
    takes: Duration,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    Fails,
    Panics,
}

fn letter(lane: usize, object: usize, number: usize) -> Letter {
    Letter {
        lane: ObjectKey::new("ns", &format!("lane{lane}")),
        object: ObjectReference {
            name: object.to_string(),
            ..ObjectReference::default()
        },
        number,
        bytes: 1,
        takes: Duration::from_millis(1),
        fate: Fate::Arrives,
    }
}

impl Parcel for Letter {
    fn lane(&self) -> &ObjectKey {
        &self.lane
    }

    fn object(&self) -> &ObjectReference {
        &self.object
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What was seen of deliveries: lane, object, number and when it ended.
type Seen = Arc<Mutex<Vec<(String, String, usize, Instant)>>>;

#[derive(Clone, Default)]
struct Postman {
    seen: Seen,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    per_lane: Arc<Mutex<BTreeMap<String, (usize, usize)>>>,
}

impl Postman {
    fn lane(&self, lane: &str, step: isize) {
        let mut lanes = self.per_lane.lock().unwrap();
        let (now, most) = lanes.entry(lane.to_owned()).or_default();
        *now = now.checked_add_signed(step).unwrap();
        *most = (*most).max(*now);
    }
}

impl Carrier for Postman {
    type Parcel = Letter;

    async fn deliver(&self, letter: Letter) -> Ending {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let lane = letter.lane.name.to_string();
        self.lane(&lane, 1);
        sleep(letter.takes).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        self.lane(&lane, -1);
        self.seen
            .lock()
            .unwrap()
            .push((lane, letter.object.name, letter.number, Instant::now()));
        assert!(letter.fate != Fate::Panics, "as told");
        match letter.fate {
            Fate::Arrives => Ending::Arrived,
            _ => Ending::Failed,
        }
    }
}

struct Bed {
    lanes: Lanes<Postman>,
    postman: Postman,
    metrics: Metrics,
}

impl Bed {
    fn new(limits: Limits) -> Self {
        let metrics = Metrics::new().unwrap();
        let postman = Postman::default();
        Self {
            lanes: Lanes::new(postman.clone(), limits, &metrics).unwrap(),
            postman,
            metrics,
        }
    }

    fn count(&self, series: &str) -> u64 {
        let text = self.metrics.render().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap().trim().parse().unwrap()
    }

    fn delivered(&self) -> u64 {
        ["success", "failure"]
            .map(|r| {
                self.count(&format!(
                    "gotk_notification_deliveries_total{{result=\"{r}\"}}"
                ))
            })
            .iter()
            .sum()
    }

    fn dropped(&self, reason: &str) -> u64 {
        self.count(&format!(
            "gotk_notification_dropped_total{{reason=\"{reason}\"}}"
        ))
    }
}

const SMALL: Limits = Limits {
    tasks: 6,
    runners: 3,
    waiting: 20,
    bytes: 1000,
};

fn deliveries() -> impl Strategy<Value = Vec<(usize, usize, u64, u8, usize)>> {
    vec(
        (0_usize..4, 0_usize..3, 0_u64..50, 0_u8..10, 1_usize..60),
        0..200,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn each_delivery_ends_or_is_counted_and_limits_hold(deliveries in deliveries()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let bed = Bed::new(SMALL);
            for (number, (lane, object, takes, fate, bytes)) in deliveries.iter().enumerate() {
                let mut letter = letter(*lane, *object, number);
                letter.takes = Duration::from_millis(*takes);
                letter.bytes = *bytes;
                letter.fate = match fate {
                    0 => Fate::Fails,
                    _ => Fate::Arrives,
                };
                bed.lanes.push(letter);
                if number % 7 == 0 {
                    sleep(Duration::from_millis(3)).await;
                }
            }
            bed.lanes.finish(Duration::from_hours(1)).await;
            let dropped = bed.dropped("queue_full") + bed.dropped("memory_full");
            prop_assert_eq!(bed.dropped("shutdown"), 0);
            prop_assert_eq!(bed.delivered() + dropped, deliveries.len() as u64);
            prop_assert_eq!(bed.count("gotk_notification_queued"), 0);
            prop_assert!(bed.postman.most.load(Ordering::SeqCst) <= SMALL.tasks);
            for (_, most) in bed.postman.per_lane.lock().unwrap().values() {
                prop_assert!(*most <= SMALL.runners);
            }
            let mut last: BTreeMap<(String, String), usize> = BTreeMap::new();
            for (lane, object, number, _) in bed.postman.seen.lock().unwrap().iter() {
                let before = last.insert((lane.clone(), object.clone()), *number);
                prop_assert!(before.is_none_or(|before| before < *number));
            }
            let table = bed.lanes.0.lock();
            prop_assert!(table.lanes.is_empty());
            prop_assert_eq!(table.bytes, 0);
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn dead_providers_delay_nobody_else() {
    let bed = Bed::new(LIMITS);
    let dead = 60;
    for number in 0..100 {
        for lane in 1..=dead {
            let mut letter = letter(lane, number, number);
            letter.takes = Duration::from_secs(15);
            letter.fate = Fate::Fails;
            bed.lanes.push(letter);
        }
    }
    sleep(Duration::from_secs(20)).await;
    let begin = Instant::now();
    for number in 0..100 {
        bed.lanes.push(letter(0, number, number));
    }
    sleep(Duration::from_millis(100)).await;
    let seen = bed.postman.seen.lock().unwrap();
    let healthy: Vec<_> = seen.iter().filter(|(lane, ..)| lane == "lane0").collect();
    assert_eq!(healthy.len(), 100);
    for (.., at) in healthy {
        assert!(*at - begin <= Duration::from_millis(100));
    }
    drop(seen);
    // One runner each, once they have failed.
    assert_eq!(bed.postman.now.load(Ordering::SeqCst), dead);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_recovers_is_served_by_all_its_runners_again() {
    let bed = Bed::new(LIMITS);
    for number in 0..40 {
        let mut letter = letter(0, number, number);
        letter.takes = Duration::from_secs(1);
        if number < 4 {
            letter.fate = Fate::Fails;
        }
        bed.lanes.push(letter);
    }
    let begin = Instant::now();
    bed.lanes.finish(Duration::from_hours(1)).await;
    assert_eq!(bed.delivered(), 40);
    // One second for the failures, one for the first success alone, one for two, nine for the rest by four.
    assert_eq!((Instant::now() - begin).as_secs(), 12);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_dropped_and_counted() {
    let bed = Bed::new(SMALL);
    for number in 0..30 {
        bed.lanes.push(letter(0, 0, number));
    }
    assert_eq!(bed.dropped("queue_full"), 10);
    let mut large = letter(1, 0, 0);
    large.bytes = 981;
    bed.lanes.push(large.clone());
    assert_eq!(bed.dropped("memory_full"), 1);
    large.bytes = 980;
    bed.lanes.push(large);
    assert_eq!(bed.dropped("memory_full"), 1);
    assert_eq!(bed.count("gotk_notification_queued"), 21);
    bed.lanes.finish(Duration::from_mins(1)).await;
    assert_eq!(bed.delivered(), 21);
    let seen = bed.postman.seen.lock().unwrap();
    let oldest: Vec<_> = seen.iter().filter(|(lane, ..)| lane == "lane0").collect();
    assert!(oldest.iter().all(|(_, _, number, _)| *number < 20));
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_own_delivery_only() {
    let bed = Bed::new(SMALL);
    for number in 0..5 {
        let mut letter = letter(0, 0, number);
        if number == 1 {
            letter.fate = Fate::Panics;
        }
        bed.lanes.push(letter);
    }
    bed.lanes.finish(Duration::from_mins(1)).await;
    assert_eq!(bed.delivered(), 5);
    assert_eq!(bed.postman.seen.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_its_grace_and_counts_what_is_left() {
    let bed = Bed::new(SMALL);
    for number in 0..20 {
        let mut letter = letter(0, number, number);
        letter.takes = Duration::from_secs(2);
        bed.lanes.push(letter);
    }
    let begin = Instant::now();
    bed.lanes.finish(Duration::from_secs(5)).await;
    assert_eq!((Instant::now() - begin).as_secs(), 5);
    assert_eq!(bed.delivered(), 6);
    assert_eq!(bed.dropped("shutdown"), 14);
    bed.lanes.push(letter(0, 0, 99));
    assert_eq!(bed.dropped("shutdown"), 15);
}
